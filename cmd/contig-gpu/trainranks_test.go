//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world/mpitest"
)

// A crew is the program as several ranks of one launcher, in the background.
type crew struct {
	dir  string
	done chan struct{}
	out  string
	errs string
	code int
}

// sail starts the program as n ranks. Each writes its process's number to a file; before rank r begins it runs the shell's words first[r].
func sail(t *testing.T, mpi mpitest.MPI, n int, first map[int]string, all ...string) *crew {
	t.Helper()
	if _, err := osexec.LookPath(mpi.Launcher); err != nil {
		t.Skipf("%v (Debian: apt-get install openmpi-bin mpich)", err)
	}
	c := &crew{dir: t.TempDir(), done: make(chan struct{})}
	script := "#!/bin/sh\nrank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\necho $$ > " + c.dir + "/$rank\n"
	for r, words := range first {
		script += fmt.Sprintf("[ $rank != %d ] || %s\n", r, words)
	}
	script += "exec " + os.Args[0] + "\n"
	program := filepath.Join(c.dir, "rank.sh")
	mustDo(t, os.WriteFile(program, []byte(script), 0o700))
	go func() {
		defer close(c.done)
		var err error
		c.out, c.errs, err = mpi.Run(t, mpitest.Launch{Ranks: n, Program: program, Env: []string{mainArgs + "=" + strings.Join(all, "\n")}})
		if exit, ok := err.(*osexec.ExitError); ok {
			c.code = exit.ExitCode()
		} else if err != nil {
			c.code = -1
		}
	}()
	return c
}

// end waits for the end and returns the exit code of the launcher.
func (c *crew) end() int {
	<-c.done
	return c.code
}

// signal sends a signal to a rank.
func (c *crew) signal(t *testing.T, rank int, s syscall.Signal) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(string(read(t, c.dir, fmt.Sprint(rank)))))
	mustDo(t, err)
	mustDo(t, syscall.Kill(pid, s))
}

// steps waits until the run in folder has so many lines of metrics.
func (c *crew) steps(t *testing.T, folder string, n int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(folder, metricsName))
		if bytes.Count(text, []byte("\n")) >= n {
			return
		}
		select {
		case <-c.done:
			t.Fatalf("ended with %d before step %d\n%s%s", c.code, n, c.out, c.errs)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("no step %d in %s", n, folder)
		}
	}
}

// installed returns the first MPI that is there.
func installed(t *testing.T) mpitest.MPI {
	t.Helper()
	for _, m := range mpitest.All(t) {
		if _, err := osexec.LookPath(m.Launcher); err == nil {
			return m
		}
	}
	t.Skip("no MPI (Debian: apt-get install openmpi-bin mpich)")
	return mpitest.MPI{}
}

// ranked are flags of small for ranks on the CPU.
func ranked(cohort, run string, more ...string) []string {
	return small(cohort, run, append([]string{"--device", "cpu"}, more...)...)
}

// stepLosses returns the losses of a run's steps.
func stepLosses(t *testing.T, run string) []float64 {
	t.Helper()
	rows, err := report.ReadMetrics(bytes.NewReader(read(t, run, metricsName)))
	mustDo(t, err)
	var out []float64
	for _, r := range report.Of(rows, "step") {
		out = append(out, r.Loss)
	}
	return out
}

// keysOf returns the sorted keys of each kind of line of metrics.jsonl.
func keysOf(t *testing.T, run string) map[string][]string {
	t.Helper()
	keys := map[string][]string{}
	for l := range strings.Lines(string(read(t, run, metricsName))) {
		var line map[string]any
		mustDo(t, json.Unmarshal([]byte(l), &line))
		var names []string
		for k := range line {
			names = append(names, k)
		}
		slices.Sort(names)
		keys[line["kind"].(string)] = names
	}
	return keys
}

// TestTrainRanks: under every MPI two ranks train what one does that takes the batch in two chunks, the same bytes each time, on one processor or two, into
// one run folder like any other.
func TestTrainRanks(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	alone := filepath.Join(dir, "alone")
	must(t, small(cohort, alone, "--max-steps", "3", "--chunk", "4", "--threads", "1")...)
	for _, mpi := range mpitest.All(t) {
		t.Run(mpi.String(), func(t *testing.T) {
			turn.Share(t)
			var runs []string
			for i := range 2 {
				run := filepath.Join(dir, fmt.Sprint(mpi.Interface, mpi.Version, i))
				out, errs, err := launched(t, mpi, 2, []string{fmt.Sprint("GOMAXPROCS=", 1+i)}, ranked(cohort, run, "--max-steps", "3", "--ranks", "2")...)
				if err != nil || !strings.Contains(out, "2 ranks on 1 host (") || strings.Count(out, "report: ") != 1 || errs != "" {
					t.Fatalf("%v\n%s\n%s", err, out, errs)
				}
				runs = append(runs, run)
			}
			for _, name := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors", configName} {
				if !bytes.Equal(read(t, runs[0], name), read(t, runs[1], name)) {
					t.Errorf("%s differs between two runs", name)
				}
			}
			want := stepLosses(t, alone)
			for i, l := range stepLosses(t, runs[0]) {
				if !(math.Abs(l-want[i]) <= 1e-3*want[i]) {
					t.Errorf("the loss of step %d is %g, of one rank %g", i+1, l, want[i])
				}
			}
			if got, want := keysOf(t, runs[0]), keysOf(t, alone); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("metrics have the keys %v, want %v", got, want)
			}
			wantSteps(t, runs[0], 3)
		})
		mustDo(t, os.RemoveAll(filepath.Join(dir, fmt.Sprint(mpi.Interface, mpi.Version, 0))))
	}
}

// TestRanksStop: a signal to any rank ends all after one step, with a checkpoint and one exit code; resumed they end in the bytes of a run that was not
// stopped, and another number of ranks goes on from there too.
func TestRanksStop(t *testing.T) {
	cohort, dir, mpi := tiny(t), t.TempDir(), installed(t)
	whole := filepath.Join(dir, "whole")
	if c := sail(t, mpi, 2, nil, ranked(cohort, whole, "--epochs", "2")...); c.end() != 0 {
		t.Fatalf("%s%s", c.out, c.errs)
	}
	for i, c := range []struct {
		to   []int
		sig  syscall.Signal
		code int
	}{{[]int{1}, syscall.SIGUSR1, 143}, {[]int{0}, syscall.SIGTERM, 143}, {[]int{0, 1}, syscall.SIGINT, 130}, {[]int{1, 1, 0, 1}, syscall.SIGTERM, 143}} {
		run := filepath.Join(dir, fmt.Sprint("run", i))
		crew := sail(t, mpi, 2, nil, ranked(cohort, run, "--epochs", "2")...)
		crew.steps(t, run, 1+i)
		for _, r := range c.to {
			crew.signal(t, r, c.sig)
		}
		if code := crew.end(); code != c.code || strings.Count(crew.errs, "stopped by signal: ") != 1 {
			t.Fatalf("%v to %v: exit code %d, want %d\n%s%s", c.sig, c.to, code, c.code, crew.out, crew.errs)
		}
		if i == 1 {
			continue
		}
		if crew = sail(t, mpi, 2, nil, "train", "--run", run, "--resume"); crew.end() != 0 {
			t.Fatalf("%s%s", crew.out, crew.errs)
		}
		for _, name := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors"} {
			if !bytes.Equal(read(t, whole, name), read(t, run, name)) {
				t.Errorf("%v to %v: %s is another than without", c.sig, c.to, name)
			}
		}
	}
	run := filepath.Join(dir, "run1")
	crew := sail(t, mpi, 4, nil, "train", "--run", run, "--resume")
	if crew.end() != 0 || !strings.Contains(crew.out, "ranks 2 -> 4: the image encoder's norms are over 2 images instead of 4") {
		t.Errorf("4 ranks: %s%s", crew.out, crew.errs)
	}
	wantSteps(t, run, len(stepLosses(t, whole)))
}

// TestRanksStopBeforeTheFirstStep: a signal to any rank, or to all, while the data are read or later, ends all with one code and one line, and leaves nothing.
func TestRanksStopBeforeTheFirstStep(t *testing.T) {
	turn.Share(t)
	cohort, dir, mpi := tiny(t, "--persons", "1000", "--image-size", "64"), t.TempDir(), installed(t)
	for i, c := range []struct {
		to    []int
		sig   syscall.Signal
		code  int
		after string // what was said before
	}{
		{[]int{0}, syscall.SIGUSR1, 143, "persons have data"}, {[]int{1}, syscall.SIGUSR1, 143, "2 ranks on"}, {[]int{0, 1}, syscall.SIGINT, 130, "persons have data"},
		{[]int{1}, syscall.SIGTERM, 143, "device: "},
	} {
		run := filepath.Join(dir, fmt.Sprint("run", i))
		said := filepath.Join(dir, fmt.Sprint("said", i))
		crew := sail(t, mpi, 2, map[int]string{0: "exec >" + said}, ranked(cohort, run, "--epochs", "1")...)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if text, _ := os.ReadFile(said); strings.Contains(string(text), c.after) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%q is not said", c.after)
			}
		}
		for _, r := range c.to {
			crew.signal(t, r, c.sig)
		}
		if code := crew.end(); code != c.code || strings.Count(crew.errs, "stopped by signal: ") != 1 || strings.Contains(crew.errs, "contig-gpu: E") {
			t.Errorf("%v to %v after %q: exit code %d, want %d\n%s%s", c.sig, c.to, c.after, code, c.code, crew.out, crew.errs)
		}
		if _, err := os.Stat(filepath.Join(run, metricsName)); err == nil {
			t.Errorf("%v to %v: steps were taken", c.sig, c.to)
		}
	}
}

// TestRanksFail: what ends one rank ends all, soon, with one error that says whose it is, and the run can be resumed.
func TestRanksFail(t *testing.T) {
	cohort, dir, mpi := tiny(t), t.TempDir(), installed(t)
	for _, rank := range []int{0, 1} {
		run := filepath.Join(dir, fmt.Sprint("killed", rank))
		c := sail(t, mpi, 2, nil, ranked(cohort, run, "--epochs", "100000", "--checkpoint-every", "1")...)
		c.steps(t, run, 2)
		c.signal(t, rank, syscall.SIGKILL)
		if code := c.end(); code == 0 || strings.Count(c.errs, "E733: rank "+fmt.Sprint(rank)+" (") != 1 {
			t.Errorf("rank %d killed: exit code %d\n%s%s", rank, code, c.out, c.errs)
		}
		if out, errs, err := launched(t, mpi, 2, nil, "train", "--run", run, "--resume", "--epochs", "1"); err != nil {
			t.Errorf("rank %d killed: not resumed: %v\n%s%s", rank, err, out, errs)
		}
	}
}

// TestRanksRefuse: what does not fit is one error, with the exit code that one process has.
func TestRanksRefuse(t *testing.T) {
	cohort, other, dir, mpi := tiny(t), tiny(t), t.TempDir(), installed(t)
	mustDo(t, os.WriteFile(filepath.Join(other, "images.tsv"), bytes.Replace(read(t, cohort, "images.tsv"), []byte("S000001"), []byte("X000001"), 1), 0o644))
	args := func(more ...string) []string { return ranked(cohort, filepath.Join(dir, "run"), more...) }
	given := func(more ...string) map[int]string { // to rank 1
		file := filepath.Join(t.TempDir(), "args")
		mustDo(t, os.WriteFile(file, []byte(strings.Join(args(more...), "\n")), 0o600))
		return map[int]string{1: mainArgs + "=$(cat " + file + ")"}
	}
	for name, c := range map[string]struct {
		by   map[int]string
		all  []string
		want string
		code int
	}{
		"a batch that does not divide": {nil, args("--batch", "7"), "train: --batch 7 is of all ranks, and 2 ranks cannot share it equally: 6 and 8 can", 2},
		"a batch of less than a rank":  {nil, args("--batch", "1"), "--batch", 2},
		"skipping":                     {nil, args("--bad-images", "skip"), "--bad-images skip is for one process", 2},
		"another number":               {nil, args("--ranks", "3"), "E730: --ranks asks for 3 ranks", 1},
		"other settings":               {given("--seed", "2"), args(), "E736: rank 1: other settings than rank 0 has", 1},
		"other data":                   {map[int]string{0: "cd " + cohort, 1: "cd " + other}, ranked("", filepath.Join(dir, "run")), "E736: rank 1: other data than rank 0 has", 1},
		"no manifest":                  {nil, args("--images", "/nowhere.tsv"), "E104: /nowhere.tsv", 1},
		"no manifest on one rank":      {map[int]string{0: "cd " + cohort}, ranked("", filepath.Join(dir, "run")), "E733: rank 1 (", 1},
		"too large a batch":            {nil, args("--batch", "64"), "E708: the training split does not fill one step", 1},
	} {
		crew := sail(t, mpi, 2, c.by, c.all...)
		code := crew.end()
		errs := strings.Count(crew.errs, "contig-gpu: ")
		if code != c.code || errs != 1+strings.Count(crew.errs, "contig-gpu: rank 1 (") || !strings.Contains(crew.errs, c.want) {
			t.Errorf("%s: exit code %d, want %d; %d errors\n%s%s", name, code, c.code, errs, crew.out, crew.errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
			t.Errorf("%s: a run folder is left", name)
			mustDo(t, os.RemoveAll(filepath.Join(dir, "run")))
		}
	}
}

// TestRanksBeginAlike: a file to begin with that is none is one error of all ranks, and leaves nothing.
func TestRanksBeginAlike(t *testing.T) {
	dir := t.TempDir()
	file, run := filepath.Join(dir, "weights.safetensors"), filepath.Join(dir, "run")
	mustDo(t, os.WriteFile(file, []byte("no weights"), 0o600))
	_, errs, err := launched(t, installed(t), 3, nil, ranked(tiny(t), run, "--batch", "9", "--max-steps", "1", "--init", file)...)
	if err == nil || strings.Count(errs, "contig-gpu: ") != 1 || !strings.Contains(errs, file) {
		t.Errorf("%v\n%s", err, errs)
	}
	if _, err := os.Stat(filepath.Join(run, metricsName)); err == nil {
		t.Error("steps were taken")
	}
}

// TestPlanOfRanks: one of two ranks that share a batch takes what one process takes for half of it, and the whole batch's embeddings beside.
func TestPlanOfRanks(t *testing.T) {
	plan := func(args ...string) (p memoryPlan) {
		t.Helper()
		out := must(t, append([]string{"plan", "--device", "cpu", "--encoder", "resnet18", "--image-size", "64", "--threads", "2", "--memory", "4G", "--json"}, args...)...)
		mustDo(t, json.Unmarshal([]byte(out), &p))
		return p
	}
	half, shared := plan("--batch", "32"), plan("--batch", "64", "--ranks", "2")
	if shared.OnDevice <= half.OnDevice || shared.OnDevice > half.OnDevice+half.OnDevice/4 || shared.Largest <= half.Largest || shared.Largest%2 != 0 || shared.Ranks != 2 {
		t.Errorf("half a batch takes %d bytes, largest %d; one of two ranks %d, largest %d", half.OnDevice, half.Largest, shared.OnDevice, shared.Largest)
	}
	if p := plan("--batch", "64", "--gpus", "2"); p.OnDevice != shared.OnDevice || p.Ranks != 2 {
		t.Errorf("--gpus, as of train, is not --ranks: %+v, want %+v", p, shared)
	}
	if code, _, errs := exec(t, "plan", "--batch", "65", "--ranks", "2"); code != 2 || !strings.Contains(errs, "64 and 66 can") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
