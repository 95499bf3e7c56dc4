package gputest

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
)

// guard is the number of bytes before and after each of a Lab's tensors that no operation may change.
const guard = 256

const guardByte = 0x5A

// A Lab runs an operation on a target in one type and on the CPU in float64, from the same numbers, and compares
// the results. Its tensors lie between guard bands, which Check looks at.
type Lab struct {
	testing.TB
	Type gpu.DType // of activations on the target

	tf32              bool // products of float32 may be rounded to TF32
	target, reference *gpu.Arena
	bands             []gpu.Tensor
}

// A Twin is a tensor on the target and its float64 twin on the CPU. Twins of integers have their type on both.
type Twin struct{ On, Ref gpu.Tensor }

// Ok reports whether there is a tensor; the zero Twin leaves an optional argument out.
func (x Twin) Ok() bool { return x.On.Ok() }

// NewLab returns a lab on the target with memory for tensors of bytes in all.
func NewLab(t testing.TB, g Target, d gpu.DType, bytes int) *Lab {
	t.Helper()
	reference := Open(t, "cpu", gpu.Options{Threads: 1})
	return LabOn(t, g.Open(t), reference, d, bytes)
}

// LabOn is NewLab on devices that are open: dev is the one under test, reference a CPU. Close gives its memory back.
func LabOn(t testing.TB, dev, reference *gpu.Device, d gpu.DType, bytes int) *Lab {
	return &Lab{TB: t, Type: d, target: dev.NewArena(bytes + 1<<16), reference: reference.NewArena(2*bytes + 1<<16)}
}

// AllowTF32 lets the target, a GPU, compute float32 products on tensor cores, and Same allow for it.
func (l *Lab) AllowTF32() {
	l.Helper()
	if _, _, err := l.target.Device().Precision("tf32"); err != nil {
		l.Fatal(err)
	}
	l.tf32 = true
}

// Close checks the guard bands and gives the memory back.
func (l *Lab) Close() {
	l.Helper()
	l.Check()
	l.target.Close()
	l.reference.Close()
}

// VectorType is the type of statistics, biases and gradients of parameters beside activations of the lab's type.
func (l *Lab) VectorType() gpu.DType {
	if l.Type == gpu.F64 {
		return gpu.F64
	}
	return gpu.F32
}

// New returns a twin of type d on the target, filled with NaN, or with the largest integer: what an operation
// leaves unwritten shows.
func (l *Lab) New(d gpu.DType, dims ...int) Twin {
	l.band()
	x := Twin{l.target.New(d, dims...), l.reference.New(refType(d), dims...)}
	l.band()
	for _, t := range []gpu.Tensor{x.On, x.Ref} {
		switch t.DType() {
		case gpu.U8:
			gpu.Fill(t, 255)
		case gpu.I32:
			gpu.Fill(t, math.MaxInt32)
		default:
			gpu.Fill(t, math.NaN())
		}
	}
	return x
}

func refType(d gpu.DType) gpu.DType {
	if d == gpu.U8 || d == gpu.I32 {
		return d
	}
	return gpu.F64
}

func (l *Lab) band() {
	b := l.target.New(gpu.U8, guard)
	gpu.Fill(b, guardByte)
	l.bands = append(l.bands, b)
}

// Out returns an unwritten twin of the lab's type.
func (l *Lab) Out(dims ...int) Twin { return l.New(l.Type, dims...) }

// Vec returns an unwritten twin of the vector type.
func (l *Lab) Vec(dims ...int) Twin { return l.New(l.VectorType(), dims...) }

// Zeros returns a twin of zeros of type d.
func (l *Lab) Zeros(d gpu.DType, dims ...int) Twin {
	x := l.New(d, dims...)
	gpu.Fill(x.On, 0)
	gpu.Fill(x.Ref, 0)
	return x
}

// Put returns a twin of type d that holds v, rounded to d on both sides.
func (l *Lab) Put(d gpu.DType, v []float64, dims ...int) Twin {
	x := l.New(d, dims...)
	gpu.Write(x.On, v)
	gpu.Write(x.Ref, Values(x.On))
	return x
}

// In returns an input of the lab's type: numbers in [lo, hi) that depend on the name only.
func (l *Lab) In(name string, lo, hi float64, dims ...int) Twin {
	return l.Put(l.Type, golden.Fill(name, size(dims), lo, hi), dims...)
}

// InVec is In for the vector type.
func (l *Lab) InVec(name string, lo, hi float64, dims ...int) Twin {
	return l.Put(l.VectorType(), golden.Fill(name, size(dims), lo, hi), dims...)
}

// Bytes returns a twin of type U8 that holds v: masks, pixels.
func (l *Lab) Bytes(v []uint8, dims ...int) Twin {
	x := l.New(gpu.U8, dims...)
	gpu.Write(x.On, v)
	gpu.Write(x.Ref, v)
	return x
}

// Ints returns a twin of type I32 that holds v: indices, groups.
func (l *Lab) Ints(v []int32, dims ...int) Twin {
	x := l.New(gpu.I32, dims...)
	gpu.Write(x.On, v)
	gpu.Write(x.Ref, v)
	return x
}

// Run runs an operation on both sides: op gets the function that picks a twin's side.
func (l *Lab) Run(op func(of func(Twin) gpu.Tensor)) {
	l.Helper()
	op(func(x Twin) gpu.Tensor { return x.On })
	op(func(x Twin) gpu.Tensor { return x.Ref })
	if err := l.target.Device().Sync(); err != nil {
		l.Fatal(err)
	}
}

// Same fails the test unless the target's result is the reference's: within Tol of the tensor's own type for a sum of
// n terms, times loose where terms cancel.
func (l *Lab) Same(name string, x Twin, n int, loose float64) {
	l.Helper()
	got, want := Values(x.On), Values(x.Ref)
	if x.On.DType() == gpu.U8 || x.On.DType() == gpu.I32 {
		l.equal(name, got, want)
		return
	}
	tol := Tol(x.On.DType(), n)
	if l.tf32 {
		tol = TolTF32(n)
	}
	Close(l.TB, fmt.Sprintf("%s of %v", name, x.On.Dims()), got, want, loose*tol)
}

func (l *Lab) equal(name string, got, want []float64) {
	l.Helper()
	for i, w := range want {
		if got[i] != w {
			l.Errorf("%s: element %d is %v, want %v", name, i, got[i], w)
			return
		}
	}
}

// Check fails the test if an operation wrote beside a tensor.
func (l *Lab) Check() {
	l.Helper()
	want := bytes.Repeat([]byte{guardByte}, guard)
	got := make([]byte, guard)
	for i, b := range l.bands {
		if gpu.Read(got, b); !bytes.Equal(got, want) {
			l.Errorf("the guard band %s tensor %d was written to", [...]string{"before", "after"}[i%2], i/2)
		}
	}
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
