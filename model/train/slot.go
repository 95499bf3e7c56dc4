package train

import (
	"fmt"
	"slices"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
)

// An input is what travels of a batch: the rows' own tensors, and either image and tables or what the device makes
// them from.
type input struct {
	model.Batch
	pixels   gpu.Tensor   // U8 [N, Work, Work, 3]; the zero Tensor where Image and Tables travel
	geometry gpu.Tensor   // I32 [N, 10]
	colour   gpu.Tensor   // [N, 3]
	row      []gpu.Tensor // per modality I32 [N]: of the resident table, -1 where absent
}

// A slot holds one batch on the device. Where the device copies beside its work there are two, so that the next
// batch travels while a step runs.
type slot struct {
	whole   input // of as many rows as a batch may have
	upload  *gpu.Upload
	input   input     // the rows of the batch that is in it
	rows    int       // 0: nothing was loaded
	weights []float64 // what input.Scale holds
	// Of training only:
	results  *gpu.Download // of the losses [M, 4], and of the gradient's sum of squares [1]
	recorded map[part]*gpu.Recording
}

// newInput takes the tensors of an input of n rows from a.
func (w *workspace) newInput(a *gpu.Arena, n int) input {
	if w.dims.Work == 0 {
		return input{Batch: w.model.NewBatch(a, w.dtype, n, w.dims.Height, w.dims.Width)}
	}
	in := input{Batch: w.model.NewRows(a, w.dtype, n), pixels: a.New(gpu.U8, n, w.dims.Work, w.dims.Work, 3),
		geometry: a.New(gpu.I32, n, gpu.AugmentFields), colour: a.New(nn.Master(w.dtype), n, 3)}
	for range w.dims.Features {
		in.row = append(in.row, a.New(gpu.I32, n))
	}
	return in
}

// first returns the input's first n rows, for images of work pixels a side.
func (in input) first(n, work int) input {
	v := input{Batch: model.Batch{Group: rows(in.Group, n), Scale: in.Scale}}
	for _, p := range in.Present {
		v.Present = append(v.Present, rows(p, n))
	}
	if !in.pixels.Ok() {
		v.Image = rows(in.Image, n).View(n, in.Image.Dim(1), in.Image.Dim(2), in.Image.Dim(3))
		for _, t := range in.Tables {
			v.Tables = append(v.Tables, rows(t, n).View(n, t.Dim(1)))
		}
		return v
	}
	v.pixels = in.pixels.Slice(0, n*work*work*3).View(n, work, work, 3)
	v.geometry, v.colour = rows(in.geometry, n).View(n, in.geometry.Dim(1)), rows(in.colour, n).View(n, in.colour.Dim(1))
	for _, r := range in.row {
		v.row = append(v.row, rows(r, n))
	}
	return v
}

// tensors returns all of the input's; some may be the zero Tensor.
func (in input) tensors() []gpu.Tensor {
	return slices.Concat([]gpu.Tensor{in.Image, in.Group, in.Scale, in.pixels, in.geometry, in.colour}, in.Tables, in.Present, in.row)
}

// bytes bounds what the input's tensors take, each aligned as an arena aligns it.
func (in input) bytes() int {
	n := 0
	for _, t := range in.tensors() {
		n += t.Bytes() + arenaAlign
	}
	return n
}

// arenaAlign bounds what aligning a tensor adds, in bytes.
const arenaAlign = 256

// load copies a batch to the slot. work is the side of its pixels, 0 where it has none. factor multiplies the weight of every
// term: 1 over the batches of a step, times the scale of the loss.
func (w *workspace) load(s *slot, b *data.Batch, work int, factor float64) error {
	if work > w.dims.Work || (work == 0) != (w.dims.Work == 0) {
		return fmt.Errorf("train: a batch of images of %d px, where the device has memory for %d px", work, w.dims.Work)
	}
	if err := s.upload.Begin(); err != nil {
		return err
	}
	n := b.N
	s.input, s.rows = s.whole.first(n, work), n
	counts := make([]int, len(b.Present))
	for i := range b.Present {
		gpu.UploadTo(s.upload, s.input.Present[i], b.Present[i][:n])
		counts[i] = count(b.Present[i][:n])
	}
	scale := w.model.ModalityScale(counts)
	for i := range scale {
		scale[i] *= factor
	}
	gpu.UploadTo(s.upload, s.input.Group, b.Group[:n])
	gpu.UploadTo(s.upload, s.input.Scale, scale)
	s.weights = scale
	if work > 0 {
		w.loadRaw(s, b)
		return nil
	}
	gpu.UploadTo(s.upload, s.input.Image, b.Image[:s.input.Image.Len()])
	for i, t := range s.input.Tables {
		gpu.UploadTo(s.upload, t, b.Tables[i][:t.Len()])
	}
	return nil
}

// loadRaw copies what the device makes images and tables from.
func (w *workspace) loadRaw(s *slot, b *data.Batch) {
	in := s.input
	gpu.UploadTo(s.upload, in.pixels, b.Pixels[:in.pixels.Len()])
	gpu.UploadTo(s.upload, in.geometry, b.Geometry[:in.geometry.Len()])
	gpu.UploadTo(s.upload, in.colour, b.Colour[:in.colour.Len()])
	row := make([]int32, b.N)
	for i, t := range w.resident.tables {
		for j, person := range b.Person[:b.N] {
			row[j] = t.Row[person]
		}
		gpu.UploadTo(s.upload, in.row[i], row)
	}
}

// prepare returns an input as the model takes it. Where images and tables are made on the device it queues that; they live
// in the pass's arena until it is reset.
func (w *workspace) prepare(p *nn.Pass, in input) model.Batch {
	b := in.Batch
	if w.resident == nil {
		return b
	}
	w.model.NewInputs(&b, p.Arena, p.DType, in.pixels.Dim(0), w.dims.Height, w.dims.Width)
	gpu.Augment(b.Image, in.pixels, in.geometry, in.colour, w.resident.norm)
	for i, t := range w.resident.tables {
		t.gather(b.Tables[i], in.row[i])
	}
	return b
}

func (s *slot) close() {
	s.forget()
	if s.upload != nil {
		s.upload.Close()
	}
	if s.results != nil {
		s.results.Close()
	}
}

// forget drops what is recorded, whose addresses or constants are no longer right.
func (s *slot) forget() {
	for _, r := range s.recorded {
		r.Close()
	}
	s.recorded = map[part]*gpu.Recording{}
}
