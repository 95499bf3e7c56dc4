//go:build linux

package ranks

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// written collects what several processes print.
type written struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// launchTest starts this test's program as n ranks.
func launchTest(t *testing.T, ctx context.Context, n int, mode string) (string, int) {
	t.Helper()
	return launchImpatient(t, ctx, n, mode, 0)
}

// launchImpatient also says for how long ranks may outlive one that has failed.
func launchImpatient(t *testing.T, ctx context.Context, n int, mode string, grace time.Duration) (string, int) {
	t.Helper()
	t.Setenv(testMode, mode)
	var out written
	code, err := Launch{Ranks: n, Size: n, Program: os.Args[0], Stdout: &out, Stderr: &out, grace: grace}.Run(ctx, func(error) os.Signal { return syscall.SIGTERM })
	if err != nil {
		t.Fatal(err)
	}
	return out.text.String(), code
}

// TestLaunch: the ranks that are started meet, with a secret that nobody gave them, and their end is the launch's.
func TestLaunch(t *testing.T) {
	for n := 1; n <= 3; n++ {
		out, code := launchTest(t, t.Context(), n, "words")
		if code != 0 || strings.Count(out, "went well") != n || strings.Contains(out, "W731") {
			t.Errorf("%d ranks: exit code %d\n%s", n, code, out)
		}
	}
	if out, code := launchTest(t, t.Context(), 3, "die 1"); code != 128+int(syscall.SIGKILL) || strings.Count(out, "E733: rank 1 (") != 1 || strings.Contains(out, "no rank has said") {
		t.Errorf("a killed rank: exit code %d\n%s", code, out)
	}
}

// TestLaunchSpeaks: where a rank is killed before the others know of it, Launch says which, and which it had to kill itself.
func TestLaunchSpeaks(t *testing.T) {
	for mode, c := range map[string]struct {
		n    int
		want string
	}{
		"early 1": {3, `^contig-gpu: E733: rank 1 \(process \d+\) was ended by signal 9 \(killed\); ranks [02], [02] did not end within 1s of it and had to be killed; no rank has said why: .*\n$`},
		"early 0": {1, `^contig-gpu: E733: rank 0 \(process \d+\) was ended by signal 9 \(killed\); no rank has said why: .*\n$`},
	} {
		out, code := launchImpatient(t, t.Context(), c.n, mode, time.Second)
		if code != 128+int(syscall.SIGKILL) || !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("%s: exit code %d\n%s", mode, code, out)
		}
	}
}

// TestUntold: Launch speaks only where no rank can have done so.
func TestUntold(t *testing.T) {
	well, own, shot := exit{rank: 1}, exit{rank: 1, status: 1}, exit{rank: 1, status: -1, signal: syscall.SIGSEGV}
	killed0, killed2 := exit{status: -1, signal: syscall.SIGKILL, killed: true}, exit{rank: 2, status: -1, signal: syscall.SIGKILL, killed: true}
	for _, c := range []struct {
		x    exits
		want string // what it says of all ends; "": nothing
	}{
		{exits{all: []exit{well}}, ""},
		{exits{all: []exit{own, killed2}}, ""},                                      // rank 0 is on another host, or has ended by itself
		{exits{all: []exit{shot, {status: 1}}}, ""},                                 // rank 0 names rank 1
		{exits{all: []exit{{status: -1, signal: syscall.SIGKILL}, own}}, ""},        // rank 1 names rank 0
		{exits{all: []exit{shot}, passed: syscall.SIGSEGV}, ""},                     // as it was told
		{exits{all: []exit{{}, shot}}, "rank 1 (process 0) was ended by signal 11"}, // rank 0 was done
		{exits{all: []exit{own, killed0}}, "rank 1 (process 0) ended with exit status 1; rank 0 did not end"},
		{exits{all: []exit{killed0, killed2}}, "E733: ranks 0, 2 did not end"},
	} {
		if got := c.x.untold(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%+v: %q, want %q", c.x, got, c.want)
		}
	}
}

// TestLaunchPassesSignalsOn: what ends the launch ends the ranks.
func TestLaunchPassesSignalsOn(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(2*time.Second, func() { cancel(errors.New("enough")) })
	if out, code := launchTest(t, ctx, 2, "late 1"); code != 128+int(syscall.SIGTERM) || strings.Contains(out, "E733") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestKubeflow: the variables of a TrainJob say how many ranks to start on this host, and which.
func TestKubeflow(t *testing.T) {
	hostOf := func(n int) func() int { return func() int { return n } }
	const node = "PET_NNODES=2 PET_NODE_RANK=1 PET_MASTER_ADDR=m PET_MASTER_PORT=7 PET_NPROC_PER_NODE="
	for _, c := range []struct {
		each       string
		gpus, want int
	}{{"4", 0, 4}, {"4", 8, 4}, {"auto", 8, 8}, {"gpu", 2, 2}} {
		l, ok, err := kubeflow(env(node+c.each), hostOf(c.gpus))
		if !ok || err != nil || l.Ranks != c.want || l.First != c.want || l.Size != 2*c.want || l.Address != "m:7" {
			t.Errorf("%+v: %+v, %v, %v", c, l, ok, err)
		}
		if _, err := find(env(node+c.each), hostOf(c.gpus)); err == nil || !strings.Contains(err.Error(), "several ranks on each host") {
			t.Errorf("%+v: a verb that starts nothing: %v", c, err)
		}
	}
	for each, gpus := range map[string]int{"1": 8, "": 8, "auto": 0, "gpu": 1} {
		if l, ok, err := kubeflow(env(node+each), hostOf(gpus)); ok || err != nil {
			t.Errorf("%q with %d GPUs: %+v, %v", each, gpus, l, err)
		}
		if p, err := find(env(node+each), hostOf(gpus)); err != nil || p.Rank != 1 || p.Size != 2 || p.Address != "m:7" {
			t.Errorf("%q with %d GPUs: %+v, %v", each, gpus, p, err)
		}
	}
	for _, words := range []string{"", "PET_NPROC_PER_NODE=cpu", "PET_NNODES=2 PET_NPROC_PER_NODE=4 RANK=1"} {
		if l, ok, err := kubeflow(env(words), hostOf(8)); ok || err != nil {
			t.Errorf("%q: %+v, %v", words, l, err)
		}
	}
	for words, want := range map[string]string{
		"PET_NNODES=2 PET_NODE_RANK=2 PET_NPROC_PER_NODE=4 PET_MASTER_ADDR=m": "node 2 of 2",
		"PET_NNODES=x PET_NODE_RANK=1 PET_NPROC_PER_NODE=4":                   "PET_NNODES",
		"PET_NNODES=2 PET_NODE_RANK=1 PET_NPROC_PER_NODE=4":                   "PET_MASTER_ADDR",
		node + "cpu": `PET_NPROC_PER_NODE is "cpu", want a number from 1, auto or gpu`,
		node + "0":   `PET_NPROC_PER_NODE is "0"`,
		node + "gpu": "found:        no GPU",
	} {
		_, _, err := kubeflow(env(words), hostOf(0))
		if err == nil || !strings.Contains(err.Error(), "E730") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want E730 with %q", words, err, want)
		}
	}
	for _, each := range []string{"cpu", "gpu"} {
		if _, err := find(env(node+each), hostOf(0)); err == nil || !strings.Contains(err.Error(), "E730") || strings.Contains(err.Error(), "several ranks") {
			t.Errorf("%s: %v", each, err)
		}
	}
}
