package gpu

import "fmt"

// Auto lists the precisions that auto may stand for, that one first which it stands for where nothing is timed. On a GPU whose library and
// architecture have both types of 16 bits these are two: which is faster depends on the network and its sizes, and a training times it.
func (d *Device) Auto() []string { return d.auto() }

// Again opens the device once more, alone whatever ranks d is one of: what is tried there leaves nothing behind on d but plans of convolutions
// in the cache. It is driven by the same goroutine. Only GPUs of the cuda device have this.
func (d *Device) Again() (*Device, error) {
	if d.again == nil {
		return nil, fmt.Errorf("gpu: Again: %w: a device %s is opened once", ErrNoDevice, d.Name())
	}
	return d.again()
}

// Recall returns what Remember has kept of a key on this machine, for this kind of GPU and version of cuDNN, beside the plans of its
// convolutions; nil: nothing.
func (d *Device) Recall(kind, key string) []byte {
	if h := d.library(); h != nil {
		return h.Recall(kind, key)
	}
	return nil
}

// Remember keeps value, which is JSON, for later processes. Where it cannot be kept Warning says so.
func (d *Device) Remember(kind, key string, value []byte) {
	if h := d.library(); h != nil {
		h.Remember(kind, key, value)
	}
}

// FromRank0 returns what rank 0 gives; all ranks call it.
func (d *Device) FromRank0(v float64) (float64, error) {
	all, err := d.world.Gather(v)
	if err != nil {
		return 0, fmt.Errorf("gpu: FromRank0: %w", err)
	}
	return all[0], nil
}
