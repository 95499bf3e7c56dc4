package train

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
)

// A workspace has a model on a device and the memory to run it on batches of up to a number of images. Arena and scratch
// memory grow to what a planning device says that a batch takes, before it is run.
type workspace struct {
	model    *model.Model
	dev      *gpu.Device
	dtype    gpu.DType
	dims     data.Dims
	resident *resident  // nil where batches come with image and tables
	chunk    int        // images that the image encoder takes at a time; 0: all of a batch
	slots    []*slot    // of dims.Batch rows
	losses   gpu.Tensor // [M, 4]
	inputs   *gpu.Arena
	arena    *gpu.Arena
	room     need          // that there is
	needs    map[load]need // of each kind of batch
}

// A load is what decides the memory of a pass.
type load struct {
	rows  int
	train bool
}

// A need is what a pass takes beside its inputs, in bytes: of its arena, and of what operations work in.
type need struct{ arena, scratch int }

func (n need) most(o need) need { return need{max(n.arena, o.arena), max(n.scratch, o.scratch)} }

// newWorkspace makes room on dev for m and batches of dims. Where dims have a Work, settle must bring tables there before
// the first pass.
func newWorkspace(m *model.Model, dev *gpu.Device, dtype gpu.DType, dims data.Dims, tables []*data.Packed) (*workspace, error) {
	if err := sameModalities(m.Config(), dims); err != nil {
		return nil, err
	}
	w := &workspace{model: m, dev: dev, dtype: dtype, dims: dims, needs: map[load]need{}}
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
	w.inputs = dev.NamedArena("staging", a.Peak())
	w.take(w.inputs, n)
	for _, s := range w.slots {
		if s.upload, err = dev.NewUpload(s.whole.bytes()); err != nil {
			return nil, err
		}
	}
	if dims.Work > 0 {
		a = plan.NewArena(0)
		layResident(a, dtype, tables)
		w.resident = layResident(dev.NamedArena("tables", a.Peak()), dtype, tables)
	}
	return w, nil
}

// take deals the tensors of n slots out of a.
func (w *workspace) take(a *gpu.Arena, n int) {
	w.slots = nil
	for range n {
		w.slots = append(w.slots, &slot{whole: w.newInput(a, w.dims.Batch)})
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
	n, err := w.needOf(l)
	if err != nil {
		return nil, err
	}
	if w.arena == nil || n.most(w.room) != w.room {
		w.grow(n.most(w.room))
	}
	w.arena.Reset()
	return &nn.Pass{Train: l.train, Arena: w.arena, DType: w.dtype}, nil
}

// grow makes arena and scratch memory larger: recorded steps, which know their addresses, are dropped.
func (w *workspace) grow(n need) {
	for _, s := range w.slots {
		s.forget()
	}
	if w.arena != nil {
		w.arena.Close()
	}
	w.arena, w.room = w.dev.NamedArena("activations", n.arena), n
	w.dev.ReserveScratch(n.scratch)
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
	w.resident.close()
	w.model.Close()
}

// needOf runs the pass on a planning device, once, and returns what it takes.
func (w *workspace) needOf(l load) (need, error) {
	if n, ok := w.needs[l]; ok {
		return n, nil
	}
	dev := w.dev.Plan()
	m, err := model.New(w.model.Config())
	if err != nil {
		return need{}, err
	}
	if err := m.Place(dev, w.dtype); err != nil {
		return need{}, err
	}
	in := dev.NewArena(0)
	q := &workspace{model: m, dev: dev, dtype: w.dtype, dims: w.dims}
	if w.resident != nil {
		q.resident = layResident(in, w.dtype, w.resident.packed)
	}
	losses := in.New(nn.Master(w.dtype), len(w.dims.Features), 4)
	p := &nn.Pass{Train: l.train, Arena: dev.NewArena(0), DType: w.dtype}
	b := q.prepare(p, q.newInput(in, l.rows))
	if l.train {
		m.StepInChunks(p, b, w.chunk, losses)
	} else {
		forward(m, p, b, w.chunk, losses)
	}
	w.needs[l] = need{p.Arena.Peak(), dev.Scratch()}
	return w.needs[l], nil
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
