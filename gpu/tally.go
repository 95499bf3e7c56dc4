package gpu

import (
	"contig-gpu/gpu/internal/driver"
)

// A Launch is what an operation asked of a GPU: a kernel of ours, by its name, or a "product", "conv_forward", "conv_data",
// "conv_weight", "copy", "fill" or "download", products and convolutions with their type.
type Launch struct {
	Name         string
	Bytes        int     // of the tensors read and written, every one once for each; not of vectors and partial results
	Flops        int     // of products and convolutions, an addition and a multiplication being two
	Milliseconds float64 // until the next one, by the GPU's clock; 0 where it has none
}

// A tally lists launches. Its methods take nil for a tally that nobody asked for.
type tally struct {
	list  []Launch
	mark  func() driver.Event // nil where the device has no clock
	marks []driver.Event      // one before each launch
}

func (t *tally) add(name string, flops int, moved ...Tensor) {
	if t == nil {
		return
	}
	l := Launch{Name: name, Flops: flops}
	for _, x := range moved {
		l.Bytes += x.Bytes()
	}
	t.append(l)
}

// addBytes is add for what moves no tensors of an operation.
func (t *tally) addBytes(name string, bytes int) {
	if t != nil {
		t.append(Launch{Name: name, Bytes: bytes})
	}
}

func (t *tally) append(l Launch) {
	t.list = append(t.list, l)
	if t.mark != nil {
		t.marks = append(t.marks, t.mark())
	}
}

// read waits for the last launch, fills in how long each took, and gives the marks back.
func (t *tally) read() {
	if len(t.marks) == 0 {
		return
	}
	t.marks = append(t.marks, t.mark())
	for i, m := range t.marks {
		if err := m.Wait(); err != nil {
			break // the device's next Sync says so
		}
		if i > 0 {
			t.list[i-1].Milliseconds, _ = m.Since(t.marks[i-1])
		}
	}
	for _, m := range t.marks {
		m.Close()
	}
	t.marks = nil
}

// CountLaunches begins a list of what operations ask of a GPU. It is for devices that are GPUs or plan for one; others
// list nothing. What is launched from now on is timed, and cannot be recorded.
func (d *Device) CountLaunches() { d.countLaunches() }

// Launches returns what was asked since CountLaunches, in order, and ends the list. It waits for the last of it.
func (d *Device) Launches() []Launch { return d.launches() }
