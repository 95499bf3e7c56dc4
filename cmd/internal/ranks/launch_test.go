//go:build linux

package ranks

import (
	"context"
	"errors"
	"os"
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
	t.Setenv(testMode, mode)
	var out written
	code, err := Launch{Ranks: n, Size: n, Program: os.Args[0], Stdout: &out, Stderr: &out}.Run(ctx, func(error) os.Signal { return syscall.SIGTERM })
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
	if out, code := launchTest(t, t.Context(), 3, "die 1"); code != 128+int(syscall.SIGKILL) || !strings.Contains(out, "rank 1 (") {
		t.Errorf("a killed rank: exit code %d\n%s", code, out)
	}
}

// TestLaunchPassesSignalsOn: what ends the launch ends the ranks.
func TestLaunchPassesSignalsOn(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(2*time.Second, func() { cancel(errors.New("enough")) })
	if out, code := launchTest(t, ctx, 2, "late 1"); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestKubeflow: the variables of a TrainJob say how many ranks to start on this host, and which.
func TestKubeflow(t *testing.T) {
	get := func(words string) func(string) string {
		m := map[string]string{}
		for _, w := range strings.Fields(words) {
			name, value, _ := strings.Cut(w, "=")
			m[name] = value
		}
		return func(name string) string { return m[name] }
	}
	l, ok, err := Kubeflow(get("PET_NNODES=2 PET_NODE_RANK=1 PET_NPROC_PER_NODE=4 PET_MASTER_ADDR=m PET_MASTER_PORT=7"))
	if !ok || err != nil || l.Ranks != 4 || l.First != 4 || l.Size != 8 || l.Address != "m:7" {
		t.Errorf("%+v, %v, %v", l, ok, err)
	}
	for _, words := range []string{"", "PET_NNODES=2 PET_NODE_RANK=1", "PET_NNODES=2 PET_NPROC_PER_NODE=4 RANK=1"} {
		if l, ok, err := Kubeflow(get(words)); ok || err != nil {
			t.Errorf("%q: %+v, %v", words, l, err)
		}
	}
	for _, words := range []string{"PET_NNODES=2 PET_NODE_RANK=2 PET_NPROC_PER_NODE=4 PET_MASTER_ADDR=m", "PET_NNODES=x PET_NODE_RANK=1 PET_NPROC_PER_NODE=4", "PET_NNODES=2 PET_NODE_RANK=1 PET_NPROC_PER_NODE=4"} {
		if _, _, err := Kubeflow(get(words)); err == nil {
			t.Errorf("%q is no error", words)
		}
	}
}
