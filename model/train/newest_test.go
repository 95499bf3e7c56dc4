package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/train/traintest"
)

// notes makes o collect what is noted, and returns it.
func notes(o *Options) *[]string {
	var all []string
	o.Progress = func(e Event) {
		if e.Kind == Noted || e.Kind == Warned {
			all = append(all, e.Text)
		}
	}
	return &all
}

// TestResumesFromTheNewestWholeCheckpoint: whichever of last, best and epoch-N that is, and the end is the same.
func TestResumesFromTheNewestWholeCheckpoint(t *testing.T) {
	turn.Share(t)
	slow(t)
	c := tiny(t)
	c.Epochs, c.Keep = 2, 2
	whole := filepath.Join(t.TempDir(), "whole")
	mustRun(t, options(c, whole))
	half := c
	half.Epochs = 1
	for name, harm := range map[string]func(dir string) error{
		"no last":    func(dir string) error { return os.Remove(CheckpointPath(dir, "last")) },
		"cut last":   func(dir string) error { return cut(CheckpointPath(dir, "last"), 5000) },
		"short last": func(dir string) error { return cut(CheckpointPath(dir, "last"), 1<<20) },
		"empty last": func(dir string) error { return cut(CheckpointPath(dir, "last"), 0) },
		"no other than epoch-1": func(dir string) error {
			return errors.Join(os.Remove(CheckpointPath(dir, "last")), os.Remove(CheckpointPath(dir, "best")))
		},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(c, dir)
		interrupt(t, o, 5)
		if err := harm(dir); err != nil {
			t.Fatal(name, err)
		}
		said := notes(&o)
		o.Resume = true
		if s := mustRun(t, o); !s.Resumed {
			t.Errorf("%s: began anew", name)
		}
		all := strings.Join(*said, "\n")
		if !strings.Contains(all, "going on from ") || strings.Contains(all, lastName) == strings.Contains(name, "no") {
			t.Errorf("%s: noted %q", name, all)
		}
		if name != "no other than epoch-1" {
			sameRuns(t, whole, dir)
		} else if !bytes.Equal(read(t, CheckpointPath(whole, "last")), read(t, CheckpointPath(dir, "last"))) {
			t.Errorf("%s: another end", name)
		}
	}
}

// cut replaces a file by its first n bytes; other names of it keep all.
func cut(path string, n int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(path), os.WriteFile(path, b[:n], 0o644))
}

// TestALogDecidesNothing: whatever became of metrics.jsonl, the run goes on to the same checkpoints.
func TestALogDecidesNothing(t *testing.T) {
	slow(t)
	c := tiny(t)
	c.Epochs = 2
	whole := filepath.Join(t.TempDir(), "whole")
	mustRun(t, options(c, whole))
	for name, harm := range map[string]func(path string) error{
		"gone": os.Remove, "empty": func(p string) error { return os.Truncate(p, 0) }, "short": func(p string) error { return os.Truncate(p, 900) },
	} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(c, dir)
		interrupt(t, o, 7)
		if err := harm(filepath.Join(dir, metricsName)); err != nil {
			t.Fatal(err)
		}
		said := notes(&o)
		o.Resume = true
		mustRun(t, o)
		if len(*said) != 1 || !strings.Contains((*said)[0], metricsName) {
			t.Errorf("%s: noted %q", name, *said)
		}
		if !bytes.Equal(read(t, CheckpointPath(whole, "last")), read(t, CheckpointPath(dir, "last"))) {
			t.Errorf("%s: another end", name)
		}
		lost := 0
		for _, l := range traintest.Lines(t, dir) {
			if l["kind"] == "lost" {
				lost++
			}
		}
		if a, b := len(traintest.Lines(t, whole)), len(traintest.Lines(t, dir)); a != b || lost == 0 {
			t.Errorf("%s: %d lines, %d of them lost, want %d", name, b, lost, a)
		}
	}
}

// TestLinksWhatIsTheSame: checkpoints of one moment are one file under several names.
func TestLinksWhatIsTheSame(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Epochs = 1
	mustRun(t, options(c, dir))
	a, err := os.Stat(CheckpointPath(dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"best", "epoch-1"} {
		if b, err := os.Stat(CheckpointPath(dir, name)); err != nil || !os.SameFile(a, b) {
			t.Errorf("%s is a copy (%v)", name, err)
		}
	}
}

// TestOldCheckpointsGo: a run that was killed before it removed what Keep does not cover does so when it goes on, though nothing is left to learn.
func TestOldCheckpointsGo(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Epochs, c.Keep = 3, 1
	mustRun(t, options(c, dir))
	for _, name := range []string{"epoch-1", "epoch-2"} {
		if err := os.Link(CheckpointPath(dir, "last"), CheckpointPath(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	o := options(c, dir)
	o.Resume = true
	mustRun(t, o)
	left, _ := filepath.Glob(CheckpointPath(dir, "epoch-*"))
	if len(left) != 1 || filepath.Base(left[0]) != "epoch-3.safetensors" {
		t.Errorf("%v are left", left)
	}
}

// TestALostBestIsSaid: the end of a run does not fail for it.
func TestALostBestIsSaid(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.MaxSteps = 1
	o := options(c, dir)
	mustRun(t, o)
	if err := os.Remove(CheckpointPath(dir, "best")); err != nil {
		t.Fatal(err)
	}
	said := notes(&o)
	o.Resume = true
	if s := mustRun(t, o); s.Tested != "last" || s.Test == nil || len(*said) != 1 {
		t.Errorf("tested %q, noted %q", s.Tested, *said)
	}
}

// faulty fails at the batch of a number, once, or with an evaluation at once.
type faulty struct {
	memorySource
	at    *int
	count int
}

func (s *faulty) Next(b *data.Batch) error {
	s.count++
	if *s.at == s.count {
		return &data.Problem{Code: 501, What: "an image is broken", Fix: "mend it"}
	}
	return s.memorySource.Next(b)
}

// TestInputErrorsSaveWhatWasLearnt: in the middle of an epoch, of a step's batches, and in an evaluation; going on ends with
// the bytes of a run without them.
func TestInputErrorsSaveWhatWasLearnt(t *testing.T) {
	turn.Share(t)
	slow(t)
	c := longer(t)
	whole := filepath.Join(t.TempDir(), "whole")
	mustRun(t, options(c, whole))
	for name, x := range map[string]struct {
		train bool
		at    int
		step  int
	}{"first batch of a step": {true, 5, 2}, "second batch of a step": {true, 6, 2}, "evaluation": {false, 1, 4}} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(c, dir)
		at := x.at
		o.NewSource = func(f Feed) (data.Source, error) {
			s := &faulty{memorySource: memorySource{c: o.Cohort, split: f.Split, train: f.Train, batch: c.Batch, size: c.ImageSize}, at: &at}
			if f.Train != x.train {
				s.at = new(int)
			}
			return s, nil
		}
		_, err := Run(context.Background(), o)
		if p := wantCode(t, err, 501); !strings.Contains(p.Fix, "mend it") || !strings.Contains(p.Fix, "--resume") {
			t.Errorf("%s: %v", name, p)
		}
		s, err := readCheckpoint(CheckpointPath(dir, "last"))
		if err != nil || s.state.Step != x.step {
			t.Fatalf("%s: saved step %d, want %d (%v)", name, s.state.Step, x.step, err)
		}
		at = 0
		o.Resume = true
		mustRun(t, o)
		sameRuns(t, whole, dir)
	}
}

// TestOutliersAreNamed: extreme values of one held-out person stop an evaluation with the table's name and a count, and what
// was learnt is kept.
func TestOutliersAreNamed(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Epochs = 1
	o := options(c, dir)
	plain := o.Cohort.Tables[1]
	o.Cohort.Tables[1] = &extreme{Table: plain, person: 14}
	_, err := Run(context.Background(), o)
	p := wantCode(t, err, 720)
	if !strings.Contains(p.What, "genes of 1 of ") || strings.Contains(p.Fix, "--lr") || !strings.Contains(p.Fix, "--resume") {
		t.Errorf("%v", p)
	}
	o.Cohort.Tables[1], o.Resume = plain, true
	if s := mustRun(t, o); !s.Resumed || s.BestStep == 0 {
		t.Errorf("%+v", s)
	}
}

// extreme has huge values for one person.
type extreme struct {
	data.Table
	person int
}

func (x *extreme) Row(person int, dst []float32) bool {
	has := x.Table.Row(person, dst)
	if person == x.person && has {
		for i := range dst {
			dst[i] = float32(math.Inf(1)) // what 1e38 becomes, standardised
		}
	}
	return has
}

// TestNoLineIsNotFinite: a value that JSON has no word for is an error of the training, not of the program.
func TestNoLineIsNotFinite(t *testing.T) {
	l, _, err := openMetrics(filepath.Join(t.TempDir(), metricsName), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	wantCode(t, l.append(StepLine{LR: math.Inf(1)}), 720)
}
