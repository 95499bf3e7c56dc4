//go:build linux && cgo

package engine

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
)

// TestRanksSkipTogether: a gradient that leaves the range of f16 on one rank alone skips the step on all, halves the scale of all, and leaves the same
// parameters. Rank 0's persons have no modality, so that its own gradient is 0.
func TestRanksSkipTogether(t *testing.T) {
	gputest.Long(t)
	gputest.EmulatedRanks(t, 2, nil, func(d *gpu.Device, w *world.World) error {
		absent := func(b *data.Batch, rank, ranks int) {
			for m := range b.Present {
				if rank == 0 {
					clear(b.Present[m])
				}
				if ranks > 1 {
					clear(b.Whole.Present[m][:len(b.Whole.Person)/ranks])
				}
			}
		}
		if w.Rank() == 0 {
			alone := newRig(t, gputest.Open(t, "cuda:0", gpu.Options{}), "f16", 0)
			alone.change = func(b *data.Batch) { absent(b, 0, 1) }
			if err := alone.take(); err != nil {
				return err
			}
			if err := alone.Finish(); err != nil || alone.steps[0].Skipped || alone.steps[0].GradNorm != 0 {
				return fmt.Errorf("rank 0's own rows: %v, %+v", err, alone.steps)
			}
		}
		r := newRig(t, d, "f16", 0.9)
		r.change = func(b *data.Batch) { absent(b, w.Rank(), 2) }
		r.Scaling.Log2 = firstScale - 6 // the last steps of these pass
		for range 8 {
			if err := r.take(); err != nil {
				return err
			}
		}
		if err := r.Finish(); err != nil {
			return err
		}
		if n := r.Scaling.Skipped; n < 1 || n > 7 || r.Optimizer().StepCount() != 8-n || !r.steps[0].Skipped {
			return fmt.Errorf("rank %d: %+v, %d steps taken of 8: %+v", w.Rank(), r.Scaling, r.Optimizer().StepCount(), r.steps)
		}
		h := fnv.New64a()
		_ = binary.Write(h, binary.LittleEndian, append(host(r.update.values), r.Scaling.factor(), float64(r.Scaling.Good), float64(r.Scaling.Skipped))) // a hash takes all
		both, err := r.Gather(h.Sum64())
		if err != nil || both[0] != both[1] {
			return fmt.Errorf("rank %d: after %d skipped steps the ranks have the parameters and scales %x: %v", w.Rank(), r.Scaling.Skipped, both, err)
		}
		r.Close()
		return nil
	})
}
