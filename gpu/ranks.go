package gpu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/vendor"
	"contig-gpu/gpu/world"
)

// joinPatience is how long GPUs whose ranks have met wait for each other: a rank that is lost meanwhile ends the wait, by World.Abandon.
const joinPatience = 5 * time.Minute

// Join makes the device that of one of several ranks, each with a device of its kind: AllReduce, AllGather, Broadcast and what is Shared are over all of
// them. It is called before anything else. All ranks then call these operations in the same order and with the same shapes. A device that has not
// joined is alone, for which they cost nothing. What fails then, on a GPU in NCCL's words, is an error that is world.Gone; a GPU for which there is no
// NCCL is one that is NoCollectives.
func (d *Device) Join(w *world.World) error {
	if w.Size() > 1 {
		if err := d.join(w); err != nil {
			return fmt.Errorf("gpu: Join: %w", err)
		}
	}
	d.world = w
	return nil
}

// GPUs returns how many this process is shown, which the driver numbers from 0; 0 where there is no driver.
func GPUs() int { return vendor.Count() }

// Collectives opens the library that carries sums between GPUs and describes it, or says where it was looked for. No GPU is needed.
func Collectives() (Library, error) { return vendor.Collectives() }

// Rank returns the number of the device among those of all ranks, from 0.
func (d *Device) Rank() int { return d.world.Rank() }

// Ranks returns how many there are.
func (d *Device) Ranks() int { return d.world.Size() }

// fail keeps the first failure of an exchange, which Sync returns: what is computed after it is of no use.
func (d *Device) fail(err error) {
	if d.lost == nil {
		d.lost = err
	}
}

// NoCollectives reports whether err is that of a GPU that cannot join, since there is no library that carries sums between GPUs, or one
// that is too old. The error says where it was looked for.
func NoCollectives(err error) bool { return errors.Is(err, driver.ErrNoCollectives) }

// errNoCollectives is why other devices cannot join.
func errNoCollectives() error {
	return fmt.Errorf("%w: this kind of device computes alone", driver.ErrNoCollectives)
}

// join makes the GPU one of several. Rank 0 makes the id by which they find each other.
func (c *gpu) join(w *world.World) error {
	if c.caps.Join == nil {
		return errNoCollectives()
	}
	p := driver.Place{ID: make([]byte, driver.IDBytes), Rank: w.Rank(), Size: w.Size()}
	var err error
	if w.Rank() == 0 {
		if p.ID, err = vendor.UniqueID(); err != nil {
			return err
		}
	}
	if err := w.Broadcast(p.ID); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), joinPatience, fmt.Errorf("not all ranks came within %v", joinPatience))
	defer cancel()
	lost, abandon := context.WithCancelCause(ctx)
	defer abandon(nil)
	w.Beside(abandon)
	if c.ranks, err = c.caps.Join(lost, p); err != nil {
		return err
	}
	w.Beside(c.ranks.Abandon)
	return nil
}
