package train

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu/gputest"
)

// deviceClock makes the emulated GPU say that a kernel of bf16 takes so many milliseconds, one of f16 so many, and all else 0.1.
func deviceClock(t *testing.T, bf16, f16 string) {
	t.Setenv("SIMT_CLOCK", "_bf16="+bf16+" _f16="+f16+" =0.1")
}

// chosen trains and returns the precision, what was said of it, and the bytes of the last checkpoint.
func chosen(t *testing.T, c Config, co *data.Cohort, dir string, resume bool) (precision, said, last string) {
	t.Helper()
	o := synthOptions(c, co, dir)
	o.Resume = resume
	o.Progress = func(e Event) {
		if e.Kind == Chosen {
			said += e.Text
		}
	}
	s := mustRun(t, o)
	return s.Precision, said, string(read(t, CheckpointPath(dir, "last")))
}

// TestAutoTakesTheFaster: with --precision auto on a GPU steps are timed by the device's clock. f16 is taken where it is faster by the margin, once
// for all trainings of the same sizes; a run keeps what it began with. Its bytes are those of the precision given outright.
func TestAutoTakesTheFaster(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co, at := synthCohort(t, 30), func(name string) string { return filepath.Join(t.TempDir(), name) }
	c := onGPU(t, auto, 2)
	c.Batch = 4
	bytes := map[string]string{}
	for _, p := range []string{"bf16", "f16"} {
		c := c
		c.Precision = p
		var said string
		if _, said, bytes[p] = chosen(t, c, co, at(p), false); said != "" {
			t.Errorf("%s was asked for, and it says %q", p, said)
		}
	}
	run := at("run")
	for _, x := range []struct{ name, bf16, f16, want, says string }{
		{"f16 is faster", "2", "1", "f16", "timed now"},
		{"kept", "1", "2", "f16", "timed at an earlier start"},
	} {
		deviceClock(t, x.bf16, x.f16)
		dir := run
		if x.name == "kept" {
			dir = at("again")
		}
		got, said, last := chosen(t, c, co, dir, false)
		if got != x.want || !strings.Contains(said, x.says) || !strings.Contains(said, "f16, ") || !strings.Contains(said, "bf16 ") {
			t.Errorf("%s: %s; %s", x.name, got, said)
		}
		if last != bytes[x.want] {
			t.Errorf("%s: the checkpoint is not that of --precision %s", x.name, x.want)
		}
	}
	notes, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "contig-gpu", "cudnn", "*", "precision-of-steps-*.json"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("kept are %v, %v", notes, err)
	}
	if err := os.WriteFile(notes[0], []byte("{"), 0o666); err != nil { // it counts as absent
		t.Fatal(err)
	}
	deviceClock(t, "1", "2")
	got, said, last := chosen(t, c, co, at("slower"), false)
	if got != "bf16" || !strings.Contains(said, "timed now") || last != bytes["bf16"] {
		t.Errorf("f16 is slower: %s, as --precision bf16 %v; %s", got, last == bytes["bf16"], said)
	}
	c.MaxSteps++
	if got, said, _ = chosen(t, c, co, run, true); got != "f16" || !strings.Contains(said, "as the run has it") {
		t.Errorf("resumed: %s; %s", got, said)
	}
}

// TestAutoWithoutAClock: what the emulator's events tell says nothing of a GPU, and bf16 is taken unseen.
func TestAutoWithoutAClock(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	if got, said, _ := chosen(t, onGPU(t, auto, 1), synthCohort(t, 30), filepath.Join(t.TempDir(), "run"), false); got != "bf16" || said != "" {
		t.Errorf("%s; %q", got, said)
	}
}

// TestFastest: another precision is taken where it is faster by more than the margin, or has a time where the first has none.
func TestFastest(t *testing.T) {
	failed := os.ErrNotExist
	for _, x := range []struct {
		times []stepTime
		want  string
	}{
		{[]stepTime{{"bf16", 100, nil}, {"f16", 97.1, nil}}, "bf16"},
		{[]stepTime{{"bf16", 100, nil}, {"f16", 96.9, nil}}, "f16"},
		{[]stepTime{{"bf16", 100, nil}, {"f16", 1, failed}}, "bf16"},
		{[]stepTime{{"bf16", 1, failed}, {"f16", 100, nil}}, "f16"},
		{[]stepTime{{"bf16", 1, failed}, {"f16", 1, failed}}, "bf16"},
	} {
		d := fastest(x.times, "timed now")
		bad := slices.ContainsFunc(x.times, func(s stepTime) bool { return s.err != nil })
		if d.precision != x.want || strings.Contains(d.why, failed.Error()) != bad || complete(x.times, []string{"bf16", "f16"}) == bad {
			t.Errorf("%v: %+v", x.times, d)
		}
	}
}
