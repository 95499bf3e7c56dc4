package train

import (
	"errors"
	"fmt"
	"sort"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// reserve counts what training takes, and fails where the device or the host has not as much, before any of it is taken.
func (t *trainer) reserve() error {
	p, err := t.planned(t.cfg, t.dev.Plan(), 0)
	if err != nil {
		return err
	}
	t.count = p.need
	free, where := t.free()
	t.event(Event{Kind: Planned, Memory: p.Memory, Free: free, Disk: p.disk, Plans: t.dev.PlanCounts()})
	if fits(p.Memory, t.dev, free, t.o.Memory) {
		return t.checkDisk(p.disk)
	}
	fix, err := t.advice(free, t.o.Memory)
	if err != nil {
		return err
	}
	return &data.Problem{Code: codeMemory,
		What:     fmt.Sprintf("a step of %d images of %d px with %s does not fit into memory", t.cfg.Batch, t.cfg.ImageSize, t.cfg.Model.Encoder),
		Expected: p.Memory.String(), Found: fmt.Sprintf("%s free in %s", bytesText(free), where),
		Cause: "--batch, --image-size or --encoder are meant for a larger machine, or other programs use this one's memory", Fix: fix}
}

// free returns the bytes that the device can still give, 0 where that is not known, and whose they are.
func (t *trainer) free() (int, string) {
	if g := t.dev.GPU(); g != nil {
		return g.Free, "the GPU"
	}
	return t.o.Memory, "this machine or its control group"
}

// fits reports whether m fits into the bytes that are free on the device and on the host; 0: not known.
func fits(m Memory, dev *gpu.Device, free, host int) bool {
	if dev.GPU() == nil {
		return free == 0 || m.Total() <= free
	}
	return (free == 0 || m.OnDevice() <= free) && (host == 0 || m.OnHost() <= host)
}

// advice says what to change so that training fits.
func (t *trainer) advice(free, host int) (string, error) {
	ranks := t.dev.Ranks()
	batch, err := t.largest(t.cfg.Batch/ranks, free, host, func(c *Config, n int) { c.Batch = n * ranks })
	if err != nil {
		return "", err
	}
	batch *= ranks
	if batch < leastBatch {
		return "a smaller --image-size, --encoder or --hidden: not even a batch of 2 fits; contig-gpu plan shows what does", nil
	}
	batch, times := equalParts(t.cfg.Batch, batch)
	fix := fmt.Sprintf("--batch %d fits; --accumulate %d with it keeps the images per step, not the negatives;", batch, times*t.cfg.Accumulate)
	chunk, err := t.largest(t.cfg.Batch/ranks-1, free, host, func(c *Config, n int) { c.Chunk = n })
	if err != nil {
		return "", err
	}
	if chunk >= leastChunk {
		fix += fmt.Sprintf("\nor --chunk %d, which keeps the negatives too: the image encoder takes %d images at a time, twice, and its norms their statistics;", chunk, chunk)
	}
	return fix + "\nor a smaller --image-size or --encoder", nil
}

// equalParts returns the largest batch up to most that makes n images in equal parts, and of how many. Where such a batch would be
// less than half of most it is most itself, and the parts together have somewhat more than n.
func equalParts(n, most int) (batch, times int) {
	for batch = most; 2*batch >= most && batch >= leastBatch; batch-- {
		if n%batch == 0 {
			return batch, n / batch
		}
	}
	return most, (n + most - 1) / most
}

// largest returns the largest number up to most with which training fits, 0 where there is none. More takes more. On a
// GPU scratch memory is taken to be the whole batch's: its libraries would choose, and time, their plans anew for each.
func (t *trainer) largest(most, free, host int, set func(c *Config, n int)) (int, error) {
	var failed error
	plan, scratch := t.dev.Plan, 0
	if t.dev.GPU() != nil {
		plan, scratch = t.dev.PlanTensors, t.count.Scratch
	}
	n := sort.Search(most, func(i int) bool {
		c := t.cfg
		set(&c, i+1)
		p, err := t.planned(c, plan(), scratch)
		if err != nil {
			failed = errors.Join(failed, err)
			return true
		}
		return !fits(p.Memory, t.dev, free, host)
	})
	return n, failed
}

// explain turns a device's lack of memory, which the plan did not foresee, into a problem with a remedy.
func (t *trainer) explain(err error) error {
	var m *gpu.MemoryError
	var told *data.Problem
	if !errors.As(err, &m) || errors.As(err, &told) {
		return err
	}
	room := m.Free
	for _, h := range t.dev.Allocated() {
		if !h.Host {
			room += h.Bytes
		}
	}
	wanted := bytesText(m.Bytes)
	if m.Bytes == 0 {
		wanted = "a few MiB beside what was planned, for the driver's own use"
	}
	fix, planErr := t.advice(room, 0)
	if planErr != nil {
		return errors.Join(err, planErr)
	}
	return &data.Problem{Code: codeOutOfMemory, What: "the GPU has no memory for " + m.Arena,
		Expected: wanted, Found: fmt.Sprintf("%s free, and %s that this training holds", bytesText(m.Free), bytesText(room-m.Free)),
		Cause: "another program has taken memory of the GPU since the training was planned, or its memory is in pieces",
		Fix:   "end the other program, or " + fix, Err: err}
}
