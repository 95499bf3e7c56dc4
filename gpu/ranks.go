package gpu

import (
	"fmt"

	"contig-gpu/gpu/world"
)

// Join makes the device that of one of several ranks, each with a device of its kind: AllReduce, AllGather, Broadcast and what is Shared are over all of
// them. It is called before anything else. All ranks then call these operations in the same order and with the same shapes. A device that has not
// joined is alone, for which they cost nothing.
func (d *Device) Join(w *world.World) error {
	if w.Size() > 1 {
		if err := d.join(w); err != nil {
			return fmt.Errorf("gpu: Join: %w", err)
		}
	}
	d.world = w
	return nil
}

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
