package train

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
)

// A workspace has a model on a device and the memory to run it on batches of up to a number of images. The
// arena grows to what the planning device says that a batch takes.
type workspace struct {
	model  *model.Model
	dev    *gpu.Device
	dtype  gpu.DType
	dims   data.Dims
	slots  []*slot    // of dims.Batch rows
	losses gpu.Tensor // [M, 4]
	inputs *gpu.Arena
	arena  *gpu.Arena
	size   int          // bytes of arena
	fits   map[load]int // bytes that each kind of batch takes
}

// A load is what decides the memory of a pass.
type load struct {
	rows  int
	train bool
}

func newWorkspace(m *model.Model, dev *gpu.Device, dtype gpu.DType, dims data.Dims) (*workspace, error) {
	if err := sameModalities(m.Config(), dims); err != nil {
		return nil, err
	}
	w := &workspace{model: m, dev: dev, dtype: dtype, dims: dims, fits: map[load]int{}}
	plan, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	n := 1
	if dev.Overlaps() {
		n = 2
	}
	a := plan.NewArena(0)
	w.take(a, n)
	w.inputs = dev.NewArena(a.Peak())
	w.take(w.inputs, n)
	for _, s := range w.slots {
		if s.upload, err = dev.NewUpload(inputBytes(s.input)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// take deals the tensors of n slots out of a.
func (w *workspace) take(a *gpu.Arena, n int) {
	w.slots = nil
	for range n {
		w.slots = append(w.slots, &slot{input: w.model.NewBatch(a, w.dtype, w.dims.Batch, w.dims.Height, w.dims.Width)})
	}
	w.losses = a.New(nn.Master(w.dtype), len(w.dims.Features), 4)
}

func sameModalities(c model.Config, dims data.Dims) error {
	same := len(c.Modalities) == len(dims.Features)
	for i := 0; same && i < len(c.Modalities); i++ {
		same = c.Modalities[i] == model.Modality{Name: dims.Modalities[i], Features: dims.Features[i]}
	}
	if !same {
		return fmt.Errorf("train: the model has the modalities %v, the data %v of %v features", c.Modalities, dims.Modalities, dims.Features)
	}
	return nil
}

// pass returns a pass with room for a load, everything of the pass before taken back.
func (w *workspace) pass(l load) (*nn.Pass, error) {
	need, known := w.fits[l]
	if !known {
		var err error
		if need, err = w.plan(l); err != nil {
			return nil, err
		}
		w.fits[l] = need
	}
	if w.arena == nil || need > w.size {
		w.grow(need)
	}
	w.arena.Reset()
	return &nn.Pass{Train: l.train, Arena: w.arena, DType: w.dtype}, nil
}

// grow makes the arena larger: recorded steps, which know its addresses, are dropped.
func (w *workspace) grow(bytes int) {
	for _, s := range w.slots {
		s.forget()
	}
	if w.arena != nil {
		w.arena.Close()
	}
	w.arena, w.size = w.dev.NewArena(bytes), bytes
}

// close gives the memory back.
func (w *workspace) close() {
	for _, s := range w.slots {
		s.close()
	}
	for _, a := range []*gpu.Arena{w.inputs, w.arena} {
		if a != nil {
			a.Close()
		}
	}
	w.model.Close()
}

// plan runs the pass on the planning device and returns the bytes that its arena takes.
func (w *workspace) plan(l load) (int, error) {
	dev, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return 0, err
	}
	defer dev.Close()
	m, err := model.New(w.model.Config())
	if err != nil {
		return 0, err
	}
	if err := m.Place(dev, w.dtype); err != nil {
		return 0, err
	}
	in := dev.NewArena(0)
	b := m.NewBatch(in, w.dtype, l.rows, w.dims.Height, w.dims.Width)
	losses := in.New(nn.Master(w.dtype), len(w.dims.Features), 4)
	p := &nn.Pass{Train: l.train, Arena: dev.NewArena(0), DType: w.dtype}
	if l.train {
		m.Step(p, b, losses)
	} else {
		forward(m, p, b, losses)
	}
	return p.Arena.Peak(), nil
}

// rows returns the first n rows of t, flattened.
func rows(t gpu.Tensor, n int) gpu.Tensor { return t.Slice(0, n*(t.Len()/t.Dim(0))) }

func count(present []uint8) int {
	n := 0
	for _, p := range present {
		n += int(p)
	}
	return n
}
