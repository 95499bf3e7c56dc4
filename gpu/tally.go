package gpu

import "slices"

// A Launch is what an operation asked of a GPU: a kernel of ours, by its name, or a "product", "conv_forward", "conv_data",
// "conv_weight", "copy", "fill" or "download", products and convolutions with their type.
type Launch struct {
	Name  string
	Bytes int // of the tensors read and written, every one once for each; not of vectors and partial results
	Flops int // of products and convolutions, an addition and a multiplication being two
}

// A tally lists launches. Its methods take nil for a tally that nobody asked for.
type tally []Launch

func (t *tally) add(name string, flops int, moved ...Tensor) {
	if t == nil {
		return
	}
	l := Launch{Name: name, Flops: flops}
	for _, x := range moved {
		l.Bytes += x.Bytes()
	}
	*t = append(*t, l)
}

// CountLaunches begins a list of what operations ask of a GPU. It is for devices that are GPUs or plan for one; others
// list nothing.
func (d *Device) CountLaunches() {
	if d.card != nil {
		d.card.tally = &tally{}
	}
}

// Launches returns what was asked since CountLaunches, in order.
func (d *Device) Launches() []Launch {
	if d.card == nil || d.card.tally == nil {
		return nil
	}
	return slices.Clone(*d.card.tally)
}
