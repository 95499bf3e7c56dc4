package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/data"
	"contig-gpu/data/folder"
)

const (
	checkpointDir = "checkpoints"
	metricsName   = "metrics.jsonl"
	lastName      = "last.safetensors"
	bestName      = "best.safetensors"
)

// CheckpointPath returns where a run folder keeps the checkpoint called name: "last", "best" or "epoch-N".
func CheckpointPath(dir, name string) string {
	return filepath.Join(dir, checkpointDir, name+".safetensors")
}

// Take locks the folder dir for a run and makes it where it is missing: E705 where it holds a run and neither resume nor
// overwrite is asked for, E704 where there is nothing to resume, E132 while another process has it, the system's refusal
// where nothing can be written. Nothing in it is changed. Whoever calls Take releases the lock when the run has ended; where
// that left nothing in the folder, the folder goes too.
func Take(dir string, resume, overwrite bool) (*folder.Lock, error) {
	if _, err := os.Stat(dir); resume && os.IsNotExist(err) {
		return nil, noCheckpoint(dir, err)
	}
	l, err := folder.Take(dir)
	if err != nil {
		return nil, err
	}
	if err := check(dir, resume, overwrite, l.Left()); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// check tells whether a run may begin in dir; begun says that one has which died.
func check(dir string, resume, overwrite, begun bool) error {
	if !resume {
		if overwrite || !holdsRun(dir) {
			return nil
		}
		return &data.Problem{Code: codeRunExists, File: dir, What: "the run folder holds a run already",
			Fix: "give another --run, or --resume to go on with it, or --overwrite to replace it"}
	}
	if begun || holdsRun(dir) {
		return nil
	}
	return noCheckpoint(dir, nil)
}

func noCheckpoint(dir string, err error) error {
	return &data.Problem{Code: codeNoCheckpoint, File: dir, What: "this folder holds no run", Err: err, Expected: "what a training leaves: checkpoints/, metrics.jsonl",
		Cause: "another folder was meant, or the run never began", Fix: "give --run the folder of the run, or leave --resume out"}
}

// holdsRun reports whether a run has begun in dir, whether or not it came to a checkpoint.
func holdsRun(dir string) bool {
	for _, name := range []string{checkpointDir, metricsName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// removeRun removes what a run leaves, for Overwrite. Other files in the folder stay.
func removeRun(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, checkpointDir)); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, metricsName)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// begin makes the run folder, once: after the first step, when nothing can be wrong with the input any more.
func (t *trainer) begin() error {
	if t.log != nil {
		return nil
	}
	if !t.writes() {
		t.log = &metricsLog{lines: t.at.MetricsLines}
		return nil
	}
	if t.o.Overwrite && !t.resumed {
		if err := removeRun(t.o.Dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(t.o.Dir, checkpointDir), 0o755); err != nil {
		return fmt.Errorf("train: run folder: %w", err)
	}
	t.tidy()
	if err := t.prune(); err != nil { // a process that died may have written the last of an epoch, and not come to this
		return err
	}
	log, lost, err := openMetrics(filepath.Join(t.o.Dir, metricsName), t.at.MetricsLines)
	if err != nil {
		return err
	}
	t.log = log
	if lost > 0 {
		t.event(Event{Kind: Noted, Text: fmt.Sprintf("%s had lost %d of its first %d lines: their places are marked, and training goes on", metricsName, lost, t.at.MetricsLines)})
	}
	if last := CheckpointPath(t.o.Dir, "last"); t.resumed && t.from != last && !link(t.from, last) {
		if err := t.write(false, false); err != nil {
			return err
		}
	}
	t.event(Event{Kind: Started})
	return nil
}

// tidy removes what processes that died have left among the checkpoints: the folder is locked, so that no other is at work.
func (t *trainer) tidy() {
	for _, of := range []string{".*.tmp*", ".*.link"} {
		left, _ := filepath.Glob(filepath.Join(data.Literal(filepath.Join(t.o.Dir, checkpointDir)), of))
		for _, path := range left {
			os.Remove(path)
		}
	}
}
