package engine

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// A slot holds one batch on the device. Where the device copies beside its work there are two, so that the next
// batch travels while a step runs.
type slot struct {
	whole   input // of as many rows and views as a batch may have
	upload  *gpu.Upload
	input   input     // the rows of the batch that is in it
	loaded  bool      // and waits for its step
	weights []float64 // what input.Scale holds
	// Of training only:
	results  *gpu.Download // of the terms [T, TermValues], of the gradient's sum of squares [1], and of ranks' votes [Votes]
	recorded map[part]*gpu.Recording
}

// load copies a batch to the slot. factor multiplies the weight of every term: 1 over the batches of a step.
func (e *Engine) load(s *slot, b *data.Batch, factor float64) error {
	most := e.o.Dims
	if b.PixelSide > most.PixelSide || (b.PixelSide == 0) != (most.PixelSide == 0) {
		return fmt.Errorf("engine: a batch of images of %d px, where the device has memory for %d px", b.PixelSide, most.PixelSide)
	}
	if err := s.upload.Begin(); err != nil {
		return err
	}
	n := b.N
	s.input, s.loaded = s.whole.first(n, b.Variations(), b.PixelSide), true
	for i := range b.Present {
		gpu.UploadTo(s.upload, s.input.Present[i], b.Present[i][:n])
	}
	s.others(b.Whole)
	all := b.Everyone()
	counts := make([]int, len(b.Present))
	for i := range counts {
		counts[i] = count(all.Present[i][:all.N])
	}
	s.weights = e.obj.TermWeights(all.N, counts)
	for i := range s.weights {
		s.weights[i] *= factor
	}
	gpu.UploadTo(s.upload, s.input.Group, b.Group[:n])
	gpu.UploadTo(s.upload, s.input.Scale, s.weights)
	if err := s.target(b); err != nil {
		return err
	}
	e.feed.upload(s.upload, s.input, b)
	return nil
}

// others copies what is known of the batch of all ranks.
func (s *slot) others(w data.Whole) {
	if !s.input.Shared() {
		return
	}
	s.input.Whole.Images = w.N
	gpu.UploadTo(s.upload, s.input.Whole.Group, w.Group)
	for i, p := range s.input.Whole.Present {
		gpu.UploadTo(s.upload, p, w.Present[i])
	}
}

// target copies what is to be predicted, where the objective is shown it. Of a batch that does not tell nothing is known.
func (s *slot) target(b *data.Batch) error {
	t := s.input.Target
	switch {
	case !t.Ok():
		return nil
	case b.Target == nil:
		gpu.UploadTo(s.upload, t, make([]float32, t.Len()))
		gpu.UploadTo(s.upload, s.input.Known, make([]uint8, t.Len()))
		return nil
	case len(b.Target) < t.Len() || len(b.Known) < t.Len():
		return fmt.Errorf("engine: a batch of %d rows has %d values of its target and knows of %d, where the objective predicts %d", b.N, len(b.Target), len(b.Known), t.Len())
	}
	gpu.UploadTo(s.upload, t, b.Target[:t.Len()])
	gpu.UploadTo(s.upload, s.input.Known, b.Known[:t.Len()])
	return nil
}

func count(present []uint8) int {
	n := 0
	for _, p := range present {
		n += int(p)
	}
	return n
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
