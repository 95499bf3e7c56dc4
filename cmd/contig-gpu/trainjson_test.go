package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/model/train"
)

// TestTrainPrintsOneJSONObject: stdout is one object that says what became of a training, whether it trained, had nothing to do or only planned; the
// words are on stderr, without them with --quiet.
func TestTrainPrintsOneJSONObject(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	object := func(flags ...string) (o trainResult, words string) {
		t.Helper()
		code, out, errs := exec(t, small(cohort, run, append(flags, "--json")...)...)
		if err := json.Unmarshal([]byte(out), &o); code != 0 || err != nil || o.Run != run {
			t.Fatalf("%v: exit code %d, %v, %s", flags, code, err, out)
		}
		return o, errs
	}
	if o, words := object("--epochs", "1000000000", "--dry-run"); o.Status != dryStatus || o.Steps != 0 || o.Total < 1e9 || o.Memory <= 0 || o.Disk <= 0 || o.Checkpoint != "" || !strings.Contains(words, "dry run: ") {
		t.Errorf("a plan: %+v; %s", o, words)
	}
	if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a plan left %s: %v", run, err)
	}
	o, words := object("--max-steps", "2", "--quiet")
	if o.Status != finishedStatus || o.Steps != 2 || o.Total != 2 || o.Parameters < 1e6 || o.Seconds <= 0 || o.Checkpoint != train.CheckpointPath(run, "best") || o.BestStep != 2 ||
		len(o.Learnt) != 4 || o.Test == nil || o.Test.Checkpoint != "best" || len(o.Test.Retrieval) != 5 || o.Next[0] != "embed" {
		t.Errorf("a training: %+v", o)
	}
	for _, not := range []string{"step 2 of 2", "device: ", "report: "} {
		if strings.Contains(words, not) {
			t.Errorf("--quiet says %q", not)
		}
	}
	for _, file := range []string{o.Checkpoint, o.Report} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	if o, words := object("--max-steps", "2", "--resume"); o.Status != doneStatus || o.Steps != 2 || o.Parameters < 1e6 || o.Next != nil || !strings.Contains(words, "Nothing to do") {
		t.Errorf("a finished run: %+v; %s", o, words)
	}
}

// A toldWriter hands on what is written.
type toldWriter chan string

func (w toldWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// TestACheckpointThatTakesLongIsNamed: what is being written is said while it is, but not with --quiet.
func TestACheckpointThatTakesLongIsNamed(t *testing.T) {
	said := make(toldWriter, 1)
	r := &trainRun{line: progress.New(said), team: &ranks.Team{Place: ranks.Place{Size: 1}}}
	r.progress(train.Event{Kind: train.Saving, Path: "run/checkpoints/best.safetensors"})
	if text := <-said; text != "writing run/checkpoints/best.safetensors\n" {
		t.Errorf("said %q", text)
	}
	r.progress(train.Event{Kind: train.Stepped, Step: 9, Total: 9})
	if text := <-said; !strings.HasPrefix(text, "step 9 of 9") || r.saved != nil {
		t.Errorf("said %q", text)
	}
	r.quiet = true
	if r.progress(train.Event{Kind: train.Saving, Path: "x"}); r.saved != nil {
		t.Error("--quiet waits for it")
	}
}
