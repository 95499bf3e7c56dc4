package bench

import (
	"fmt"
	"math"
	"strconv"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/train/safetensors"
)

// Dump computes the losses and the gradient of the first batch and writes all that another program needs to check
// them, as safetensors in our own layouts (images [N, H, W, 3], convolutions [K, R, S, C]):
//
//	param/NAME, grad/NAME, buffer/NAME    the gradient is that of the weighted loss; buffers are those before the step
//	batch/B/image, batch/B/table/M, batch/B/present/M, batch/B/scale    of batch B; scale has the terms' weights
//	losses [M, 4]                         loss, image to genetics, genetics to image, rows present
//
// The metadata are the modalities, in order, and the settings of the loss.
func (s *Step) Dump(path string) error {
	var ts []safetensors.Tensor
	put := func(name string, t gpu.Tensor, factor float64) {
		v := host(t)
		for i := range v {
			v[i] *= factor
		}
		kind := safetensors.F32
		if t.DType() == gpu.F64 {
			kind = safetensors.F64
		}
		ts = append(ts, safetensors.FromFloats(name, kind, t.Dims(), v))
	}
	for _, p := range s.model.Params() {
		put("param/"+p.Name, p.Value, 1)
	}
	for _, b := range s.model.Buffers() {
		put("buffer/"+b.Name, b.Value, 1)
	}
	if err := s.gradient(); err != nil {
		return err
	}
	for _, p := range s.model.Params() {
		put("grad/"+p.Name, p.Grad, 1/s.factor)
	}
	put("losses", s.losses, 1)
	for i, b := range s.batches() {
		prefix := fmt.Sprintf("batch/%d/", i)
		put(prefix+"image", b.Image, 1)
		put(prefix+"scale", b.Scale, 1/s.factor)
		for j, m := range s.o.Model.Modalities {
			put(prefix+"table/"+m.Name, b.Tables[j], 1)
			put(prefix+"present/"+m.Name, b.Present[j], 1)
		}
	}
	return safetensors.WriteFile(path, ts, metadata(s.o.Model))
}

// gradient computes that of the first batch, in f16 times the largest factor with which it is finite.
func (s *Step) gradient() error {
	for {
		s.taken = 0
		s.prepare()
		s.model.ZeroGrad()
		s.model.Step(s.pass, s.slot, s.losses)
		s.pass.Reset()
		_, grads, _ := s.model.Flat()
		gpu.Fill(s.sumsq, 0)
		gpu.SumSquares(s.sumsq, grads)
		if err := s.dev.Sync(); err != nil {
			return err
		}
		if sum := host(s.sumsq)[0]; s.o.DType != gpu.F16 || s.factor <= 1 || !math.IsNaN(sum) && !math.IsInf(sum, 0) {
			return nil
		}
		s.halve()
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
