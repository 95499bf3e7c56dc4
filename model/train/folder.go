package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/model/checkpoint/safetensors"
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
			Fix: "give another --run, or --resume to go on with it, or --overwrite to lose it"}
	}
	_, err := os.Stat(CheckpointPath(dir, "last"))
	if err == nil || startedOnly(dir, begun) {
		return nil
	}
	return noCheckpoint(dir, err)
}

func noCheckpoint(dir string, err error) error {
	return &data.Problem{Code: codeNoCheckpoint, File: CheckpointPath(dir, "last"), What: "there is no checkpoint to resume from", Err: err,
		Cause: "another folder was meant, or the run never began", Fix: "give --run the folder of the run, or leave --resume out"}
}

func holdsRun(dir string) bool {
	for _, name := range []string{checkpointDir, metricsName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// startedOnly reports whether dir is a run that ended before its first checkpoint was whole, which last is the end of:
// resuming it is starting it. begun says that a run has died there, whatever it left.
func startedOnly(dir string, begun bool) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= 1 && !begun { // the one is the lock
		return false
	}
	found, _ := filepath.Glob(filepath.Join(dir, checkpointDir, "*.safetensors"))
	for _, path := range found {
		if name := filepath.Base(path); name != bestName && name != epochName(1)+".safetensors" {
			return false
		}
	}
	return true
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
	if t.o.Overwrite && !t.resumed {
		if err := removeRun(t.o.Dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(t.o.Dir, checkpointDir), 0o755); err != nil {
		return fmt.Errorf("train: run folder: %w", err)
	}
	log, err := openMetrics(filepath.Join(t.o.Dir, metricsName), t.at.MetricsLines)
	if err != nil {
		return err
	}
	t.log = log
	t.event(Event{Kind: Started})
	return nil
}

// save writes the checkpoints of this moment: best and epoch-N where due, then last, so that what last says
// of the others is true whenever the process dies.
func (t *trainer) save(isBest, epochEnd bool) error {
	if err := t.log.sync(); err != nil {
		return err
	}
	meta, err := t.metadata()
	if err != nil {
		return err
	}
	packed, err := safetensors.Pack(t.tensors(), meta)
	if err != nil {
		return err
	}
	var names []string
	if isBest {
		names = append(names, "best")
	}
	if epochEnd && t.cfg.Keep > 0 {
		names = append(names, epochName(t.at.Epoch))
	}
	for _, name := range append(names, "last") {
		path := CheckpointPath(t.o.Dir, name)
		if err := packed.WriteFile(path); err != nil {
			return err
		}
		t.event(Event{Kind: Saved, Path: path})
	}
	return t.prune()
}

func epochName(n int) string { return fmt.Sprintf("epoch-%d", n) }

// prune removes the epoch checkpoints that Keep does not cover.
func (t *trainer) prune() error {
	for n := t.at.Epoch - t.cfg.Keep; n > 0; n-- {
		err := os.Remove(CheckpointPath(t.o.Dir, epochName(n)))
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
