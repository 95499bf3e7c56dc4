package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/checkpoint/strict"
	"contig-gpu/model/nn"
)

// Tensors returns parameters and running averages by their names, in PyTorch's layout.
func Tensors(w *nn.Weights) []safetensors.Tensor {
	ts := Params(w.Params(), "")
	for _, b := range w.Buffers() {
		ts = append(ts, Encode(b.Name, b.Value))
	}
	return ts
}

// Params returns parameters by their names behind prefix.
func Params(ps []*nn.Param, prefix string) []safetensors.Tensor {
	ts := make([]safetensors.Tensor, 0, len(ps))
	for _, p := range ps {
		ts = append(ts, Encode(prefix+p.Name, p.Value))
	}
	return ts
}

// Encode returns a tensor of floats for a file, in PyTorch's layout.
func Encode(name string, v gpu.Tensor) safetensors.Tensor {
	if v.DType() == gpu.F64 {
		return encode[float64](name, safetensors.F64, v)
	}
	return encode[float32](name, safetensors.F32, v)
}

func encode[E float32 | float64](name string, t safetensors.DType, v gpu.Tensor) safetensors.Tensor {
	x, d := make([]E, v.Len()), v.Dims()
	gpu.Read(x, v)
	return safetensors.FromFloats(name, t, torchDims(d), toTorch(x, d))
}

// A Loader fills tensors from a file and remembers what did not fit.
type Loader struct {
	File    *safetensors.File
	bad     []string
	unsound []string // tensors with values that no network has
}

// Fill reads the tensor called name into v, whose name and shape must be as in the file.
func (l *Loader) Fill(name string, v gpu.Tensor) {
	t, ok := l.fits(name, v.Dims())
	switch {
	case !ok:
	case v.DType() == gpu.F64:
		write(l, t, v, safetensors.Floats[float64](t))
	default:
		write(l, t, v, safetensors.Floats[float32](t))
	}
}

// fits returns the tensor called name if it is there, with a shape of ours and of numbers.
func (l *Loader) fits(name string, dims []int) (t safetensors.Tensor, ok bool) {
	if t, ok = l.File.Lookup(name); !ok {
		l.bad = append(l.bad, strict.Name(name)+" is missing")
	} else if ok = t.DType.Floats() && slices.Equal(t.Shape, torchDims(dims)); !ok {
		l.bad = append(l.bad, unlike(name, t, dims))
	}
	return t, ok
}

// unlike says how a tensor differs from a shape of ours.
func unlike(name string, t safetensors.Tensor, dims []int) string {
	return fmt.Sprintf("%s is %s %s, want %v", strict.Name(name), t.DType, safetensors.ShapeText(t.Shape), torchDims(dims))
}

// write takes over the elements of a tensor if they are sound.
func write[E float32 | float64](l *Loader, t safetensors.Tensor, v gpu.Tensor, x []E) {
	if what := fault(t.Name, x); what != "" {
		l.unsound = append(l.unsound, strict.Name(t.Name)+what)
		return
	}
	gpu.Write(v, fromTorch(x, v.Dims()))
}

// fault says what is wrong with the elements of a tensor, of the first that is.
func fault[E float32 | float64](name string, x []E) string {
	variance := strings.HasSuffix(name, runningVar) || strings.HasPrefix(name, PrefixOptimizer) && strings.HasSuffix(name, secondMoment)
	for i, e := range x {
		if e-e != 0 || variance && e < 0 { // of infinity and NaN the difference is NaN
			return fmt.Sprintf("[%d] is %v", i, e)
		}
	}
	return ""
}

// Params fills parameters, by their names behind prefix.
func (l *Loader) Params(ps []*nn.Param, prefix string) {
	for _, p := range ps {
		l.Fill(prefix+p.Name, p.Value)
	}
}

// Averages fills parameters, each with its average where the file has one.
func (l *Loader) Averages(ps []*nn.Param) {
	for _, p := range ps {
		l.Fill(l.average(p.Name), p.Value)
	}
}

// average returns the name of a parameter's average, or its own where there is none.
func (l *Loader) average(name string) string {
	if l.has(PrefixEMA + name) {
		return PrefixEMA + name
	}
	return name
}

// Buffers fills running averages.
func (l *Loader) Buffers(bs []*nn.Buffer) {
	for _, b := range bs {
		l.Fill(b.Name, b.Value)
	}
}

func (l *Loader) has(name string) bool {
	_, ok := l.File.Lookup(name)
	return ok
}

// Err returns E706 if anything did not fit, E717 if it did and holds NaN, infinity or a negative variance.
func (l *Loader) Err() error {
	switch {
	case len(l.bad) > 0:
		return misfit(l.File, l.bad)
	case len(l.unsound) > 0:
		return unsound(l.File.Path, l.unsound)
	}
	return nil
}
