package train

import (
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
)

// A slot holds one batch on the device. Where the device copies beside its work there are two, so that the next
// batch travels while a step runs.
type slot struct {
	input  model.Batch // of as many rows as a batch may have
	upload *gpu.Upload
	batch  model.Batch // the rows of the batch that is in it
	rows   int         // 0: nothing was loaded
	step   *gpu.Recording
	warm   bool // a step has run on it
}

// load copies a batch to the slot. factor multiplies the weight of every term: 1 over the batches of a step, times the
// scale of the loss.
func (w *workspace) load(s *slot, b *data.Batch, factor float64) error {
	if err := s.upload.Begin(); err != nil {
		return err
	}
	n, h, wd := b.N, w.dims.Height, w.dims.Width
	v := model.Batch{Image: rows(s.input.Image, n).View(n, h, wd, 3), Group: rows(s.input.Group, n), Scale: s.input.Scale}
	gpu.UploadTo(s.upload, v.Image, b.Image[:n*h*wd*3])
	gpu.UploadTo(s.upload, v.Group, b.Group[:n])
	counts := make([]int, len(b.Tables))
	for i, f := range w.dims.Features {
		table, present := rows(s.input.Tables[i], n).View(n, f), rows(s.input.Present[i], n)
		gpu.UploadTo(s.upload, table, b.Tables[i][:n*f])
		gpu.UploadTo(s.upload, present, b.Present[i][:n])
		v.Tables, v.Present = append(v.Tables, table), append(v.Present, present)
		counts[i] = count(b.Present[i][:n])
	}
	scale := w.model.ModalityScale(counts)
	for i := range scale {
		scale[i] *= factor
	}
	gpu.UploadTo(s.upload, v.Scale, scale)
	s.batch, s.rows = v, n
	return nil
}

// inputBytes bounds what the tensors of a batch take, each aligned as an arena aligns it.
func inputBytes(b model.Batch) int {
	n := b.Image.Bytes() + b.Group.Bytes() + b.Scale.Bytes()
	for i := range b.Tables {
		n += b.Tables[i].Bytes() + b.Present[i].Bytes()
	}
	return n + (3+2*len(b.Tables))*256
}

func (s *slot) close() {
	s.forget()
	if s.upload != nil {
		s.upload.Close()
	}
}

// forget drops the recorded step, whose addresses are no longer right.
func (s *slot) forget() {
	if s.step != nil {
		s.step.Close()
	}
	s.step = nil
}
