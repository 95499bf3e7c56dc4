package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"contig-gpu/model/checkpoint/safetensors"
)

// save writes the checkpoints of this moment: best and epoch-N where due, then last, so that what last says
// of the others is true whenever the process dies. The bytes are written once, under the first name; the others are links to
// them where the file system has links. No checkpoint is ever changed in place.
func (t *trainer) save(isBest, epochEnd bool) error {
	defer spend(&t.watch.Checkpoint, time.Now())
	if err := t.agree(); err != nil {
		return err
	}
	if t.saved = time.Now(); !t.writes() {
		return nil
	}
	return t.write(isBest, epochEnd)
}

// write is save on the rank that has the run folder.
func (t *trainer) write(isBest, epochEnd bool) error {
	t.tellBad()
	if err := t.log.sync(); err != nil {
		return err
	}
	meta, err := t.metadata()
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
	names = append(names, "last")
	t.event(Event{Kind: Saving, Path: CheckpointPath(t.o.Dir, names[0])})
	packed, err := safetensors.Pack(t.tensors(), meta)
	if err != nil {
		return err
	}
	first := ""
	for _, name := range names {
		path := CheckpointPath(t.o.Dir, name)
		if first == "" || !link(first, path) {
			if first != "" {
				t.event(Event{Kind: Saving, Path: path})
			}
			if err := packed.WriteFile(path); err != nil {
				return err
			}
		}
		first = path
		t.event(Event{Kind: Saved, Path: path})
	}
	t.saved = time.Now()
	return t.prune()
}

// link puts a further name of the file at from in the place of what is at to, and reports whether that was done: where the
// file system has no links, or anything else is in the way, writing says what.
func link(from, to string) bool {
	temp := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".link")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if os.Link(from, temp) != nil {
		return false
	}
	defer os.Remove(temp) // renaming a link to another of the same file leaves both
	if os.Rename(temp, to) != nil {
		return false
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return false
	}
	defer d.Close()
	return d.Sync() == nil
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
