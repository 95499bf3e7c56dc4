package bench

import (
	"bytes"
	"fmt"
	"strconv"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/objective"
	"contig-gpu/model/train"
)

// Dump computes the losses and the gradient of the first batch and writes all that another program needs to check
// them, as safetensors in our own layouts (images [N, H, W, 3], convolutions [K, R, S, C]). Batches must be floats, and no
// step taken yet:
//
//	param/NAME, grad/NAME, buffer/NAME    the gradient is that of the weighted loss; all but it as before the step
//	batch/B/image, batch/B/table/M, batch/B/present/M, batch/B/scale    of batch B; scale has the terms' weights
//	losses [M, 4]                         loss, image to genetics, genetics to image, rows present
//
// The metadata are the modalities, in order, and the settings of the loss.
func (s *Step) Dump(path string) error {
	var ts []safetensors.Tensor
	put := func(name string, dims []int, v []float64) {
		kind := safetensors.F32
		if s.o.Precision == "f64" {
			kind = safetensors.F64
		}
		ts = append(ts, safetensors.FromFloats(name, kind, dims, v))
	}
	m := s.Weights()
	for _, p := range m.Params() {
		put("param/"+p.Name, p.Value.Dims(), host(p.Value))
	}
	for _, b := range m.Buffers() {
		put("buffer/"+b.Name, b.Value.Dims(), host(b.Value))
	}
	line, err := s.first()
	if err != nil {
		return err
	}
	for _, p := range m.Params() {
		g := host(p.Grad)
		for i := range g {
			g[i] /= s.LossScale()
		}
		put("grad/"+p.Name, p.Grad.Dims(), g)
	}
	var losses []float64
	terms := s.Objective().Terms()
	for _, name := range terms.Names {
		for _, value := range terms.Values {
			losses = append(losses, line.Losses[name][value])
		}
	}
	put("losses", []int{len(terms.Names), objective.TermValues}, losses)
	s.dumpBatches(put)
	return safetensors.WriteFile(path, ts, metadata(s.o.Model))
}

func (s *Step) dumpBatches(put func(name string, dims []int, v []float64)) {
	n, size := s.o.Batch, s.o.ImageSize
	for i, b := range s.source.batches {
		prefix := fmt.Sprintf("batch/%d/", i)
		put(prefix+"image", []int{n, size, size, 3}, values(b.Image))
		var counts []int
		for j, m := range s.o.Model.Modalities {
			put(prefix+"table/"+m.Name, []int{n, m.Features}, values(b.Tables[j]))
			put(prefix+"present/"+m.Name, []int{n}, values(b.Present[j]))
			counts = append(counts, bytes.Count(b.Present[j], []byte{1}))
		}
		put(prefix+"scale", []int{len(counts)}, s.Objective().TermWeights(n, counts))
	}
}

// first takes the first step that changes the weights, on the first batch: in f16 the loss is multiplied by less and less
// until the gradient stays within its range.
func (s *Step) first() (train.StepLine, error) {
	s.source.held = true
	for {
		lines, _, err := s.Take(func(int) bool { return true })
		if err != nil {
			return train.StepLine{}, err
		}
		if !lines[0].Skipped {
			return lines[0], nil
		}
	}
}

// metadata says what the model is, in order of the modalities: "0" has the name of the first.
func metadata(c model.Config) map[string]string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	m := map[string]string{"encoder": c.Encoder, "genetics": c.Genetics, "hidden": strconv.Itoa(c.Hidden), "embedding": strconv.Itoa(c.Embedding),
		"tau": number(c.Tau), "lambda": number(c.Lambda), "modalities": strconv.Itoa(len(c.Modalities))}
	for i, x := range c.Modalities {
		m["modality/"+strconv.Itoa(i)] = x.Name
	}
	return m
}

// host returns a copy of a float tensor's elements.
func host(t gpu.Tensor) []float64 {
	v := make([]float64, t.Len())
	gpu.Read(v, t)
	return v
}

func values[E float32 | uint8](x []E) []float64 {
	v := make([]float64, len(x))
	for i := range x {
		v[i] = float64(x[i])
	}
	return v
}
