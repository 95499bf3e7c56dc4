package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/train/engine"
)

// Disk says what the checkpoints of a run take at most.
type Disk struct {
	Checkpoints int   // different ones at a time, with the one that is being written
	Bytes       int64 // of each
	There       int64 // of checkpoints that the run folder has already, and that make way
	Free        int64 // on the file system of the run folder, for this user; -1: not known
}

// Total returns the bytes of all checkpoints together.
func (d Disk) Total() int64 { return int64(d.Checkpoints) * d.Bytes }

// String says it in a line.
func (d Disk) String() string {
	text := fmt.Sprintf("disk: %d checkpoints of %s, one of them while it is written: %s", d.Checkpoints, bytesText(int(d.Bytes)), bytesText(int(d.Total())))
	if d.There > 0 {
		text += fmt.Sprintf(", of which %s are there", bytesText(int(d.There)))
	}
	if d.Free >= 0 {
		text += fmt.Sprintf("; %s free", bytesText(int(d.Free)))
	}
	return text
}

// checkDisk is E723 where the file system has not as much as the checkpoints may come to take.
func (t *trainer) checkDisk(d Disk) error {
	if d.Free < 0 || d.Total()-d.There <= d.Free {
		return nil
	}
	return &data.Problem{Code: codeDisk, File: t.o.Dir, What: "the checkpoints of this training do not fit on the disk", Expected: d.String(),
		Found: fmt.Sprintf("%s free", bytesText(int(d.Free))), Cause: "a full disk, or a quota",
		Fix: "make room, name a --run on another disk, or lower --keep"}
}

// disk counts what the checkpoints of e take.
func (t *trainer) disk(e *engine.Engine) Disk {
	d := Disk{Bytes: int64(fileBytes(e) + t.headBytes(e)), There: checkpointsThere(t.o.Dir), Free: folder.Free(t.o.Dir)}
	epochs := 1
	if t.perEpoch > 0 {
		epochs = (t.total + t.perEpoch - 1) / t.perEpoch
	}
	d.Checkpoints = checkpointsAtOnce(epochs, t.cfg.Keep, linkable(t.o.Dir))
	return d
}

// checkpointsAtOnce returns how many files a run has at a time while it writes one, where keep of the epochs' stay: these, the
// best if it need not be one of them, the last in the middle of an epoch, and the one that is written. Without links each
// name has a file of its own.
func checkpointsAtOnce(epochs, keep int, links bool) int {
	switch {
	case !links:
		return min(epochs, keep+1) + 3
	case epochs <= keep:
		return epochs + 1
	}
	return keep + 3
}

// fileBytes is what the tensors of a checkpoint take in its file.
func fileBytes(e *engine.Engine) int {
	values, _, _ := e.Objective().Weights().Flat()
	return checkpointBytes(e) - values.Bytes()
}

// tensorHead bounds what stands of a tensor in the head of a file, in bytes.
const tensorHead = 192

// headBytes bounds the head of a checkpoint.
func (t *trainer) headBytes(e *engine.Engine) int {
	w := e.Objective().Weights()
	n := tensorHead * (2*len(w.Params()) + len(w.Buffers()) + len(e.Optimizer().State()))
	if t.o.Cohort == nil {
		return n
	}
	meta, err := checkpoint.Meta{Config: t.cfg, State: t.at, Stats: statsOf(t.o.Cohort), Cohort: t.o.Cohort, Version: t.o.Version}.Encode()
	if err != nil {
		return n // writing one says what is wrong
	}
	for _, text := range meta {
		n += len(text) * 5 / 4 // quotes are escaped
	}
	return n
}

// checkpointsThere returns the bytes of the checkpoints in a run folder, each once whatever its names.
func checkpointsThere(dir string) int64 {
	sum, seen := int64(0), []os.FileInfo{}
	for _, c := range candidates(dir) {
		st, err := os.Stat(c.path)
		if err != nil {
			continue
		}
		if !slices.ContainsFunc(seen, func(other os.FileInfo) bool { return os.SameFile(st, other) }) {
			seen, sum = append(seen, st), sum+st.Size()
		}
	}
	return sum
}

// linkable reports whether the file system of dir has links.
func linkable(dir string) bool {
	f, err := os.CreateTemp(dir, ".link-")
	if err != nil {
		return false
	}
	f.Close()
	defer os.Remove(f.Name())
	to := filepath.Join(dir, filepath.Base(f.Name())+"2")
	defer os.Remove(to)
	return os.Link(f.Name(), to) == nil
}
