//go:build linux && cgo

// Package vendor opens NVIDIA GPUs: by the driver, with cuBLASLt and cuDNN or, where it is asked for, with our kernels alone; several
// of them by NCCL.
package vendor

import (
	"contig-gpu/gpu/internal/blas"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/portable"
	"contig-gpu/kernels"
	"errors"
	"fmt"
	"os"
	"slices"
)

type (
	cublas = blas.Handle
	cudnn  = dnn.Handle
)

// A device is a GPU whose products are cuBLASLt's and whose convolutions are cuDNN's.
type device struct {
	*together
	*cublas
	*cudnn
}

// weightWays implements dnn.Ways.
type weightWays struct {
	*cublas
	dev *cuda.Context
}

// AddRounded adds by a kernel of ours.
func (w weightWays) AddRounded(dw, part driver.Ptr, n int, t driver.Type) error {
	portable.Launch(w.dev, "cast_add", t, portable.Cover(n/8), &kernels.CastAdd{Y: uint64(dw), X: uint64(part), N: int64(n)})
	return nil
}

// SetScratch gives the memory to both; one operation runs at a time.
func (v *device) SetScratch(p driver.Ptr, bytes int) {
	v.cublas.SetScratch(p, bytes)
	v.cudnn.SetScratch(p, bytes)
}

// Info adds the libraries to what the driver says: NVRTC too, which cuDNN calls.
func (v *device) Info() driver.Info {
	i := v.together.Info()
	i.Libraries = append(slices.Clone(i.Libraries), v.cublas.Library(), v.cudnn.Library())
	i.Untimed = i.Untimed || v.cudnn.Timer == nil
	if l, ok := cuda.NVRTC(); ok {
		i.Libraries = append(i.Libraries, l)
	}
	return i
}

// Close waits for what is queued, then closes the libraries and the driver: a graph that still runs, as after an
// interruption, runs kernels of the libraries' plans.
func (v *device) Close() error {
	return errors.Join(v.leave(), v.cudnn.Close(), v.cublas.Close(), v.Context.Close())
}

// Caps adds what the libraries have.
func (v *device) Caps() driver.Caps {
	c := v.together.Caps()
	c.Stats, c.Norms = stats{v}, norms{v.cudnn, v}
	c.AddsBias, c.AddsWeights, c.Describe = v.cublas.FusesBias, v.cudnn.AddsWeights, v.cudnn.DescribeGPU
	c.Warning = func() error { return errors.Join(v.together.warning(), v.cudnn.Warning()) }
	return c
}

// stats are cuDNN's convolutions with sums.
type stats struct{ v *device }

func (s stats) StatsPay(c driver.Conv, apart func(d driver.Device, y driver.Ptr) error) bool {
	return s.v.cudnn.StatsPay(c, func(y driver.Ptr) error { return apart(s.v, y) })
}

func (s stats) ConvForwardStats(c driver.Conv, y, x, w, sum, square driver.Ptr) {
	s.v.cudnn.ConvForwardStats(c, y, x, w, sum, square)
}

// norms are cuDNN's convolutions with a norm before them.
type norms struct {
	*cudnn
	v *device
}

func (n norms) NormPays(c driver.Conv, apart func(d driver.Device, y, x driver.Ptr) error) bool {
	return n.cudnn.NormPays(c, func(y, x driver.Ptr) error { return apart(n.v, y, x) })
}

func (n norms) NormDataPays(c driver.Conv, add bool, apart func(d driver.Device, dy, x driver.Ptr) error) bool {
	return n.cudnn.NormDataPays(c, add, func(dy, x driver.Ptr) error { return apart(n.v, dy, x) })
}

func (n norms) NormAddPays(c driver.Conv, apart func(d driver.Device, z, x, add driver.Ptr) error) bool {
	return n.cudnn.NormAddPays(c, func(z, x, add driver.Ptr) error { return apart(n.v, z, x, add) })
}

// A portableDevice is a GPU that computes with our own kernels alone.
type portableDevice struct {
	*together
	*portable.Library
}

// Options say how a GPU computes.
type Options struct {
	NonDeterministic bool             // plans of convolutions may sum in any order
	Portable         bool             // our kernels alone
	Planning         func(dnn.Counts) // is told of plans that were made; may be nil
}

// Open opens a GPU by its number, with our kernels on it; the library of its convolutions is nil where our kernels compute them.
func Open(ordinal int, o Options) (driver.Device, *dnn.Handle, error) {
	api, err := cuda.Load()
	if err != nil {
		return nil, nil, err
	}
	ctx, err := api.Open(ordinal)
	if err != nil {
		return nil, nil, err
	}
	d, nn, err := equip(ctx, o)
	if err != nil {
		return nil, nil, errors.Join(err, ctx.Close())
	}
	return d, nn, nil
}

// plansEnv may say how plans of convolutions are chosen: with plansFirst it is the library's first proposal for each, or the first of a pack, and
// nothing is timed or kept. It is for a look at a GPU for whose many shapes there is no time.
const plansEnv, plansFirst = "CONTIG_PLANS", "first"

// equip loads the kernels and the libraries. A library that is missing is an error: our own kernels stand in for none.
func equip(ctx *cuda.Context, o Options) (driver.Device, *dnn.Handle, error) {
	image, err := Image(ctx.Info())
	if err != nil {
		return nil, nil, err
	}
	arguments := map[string]int{}
	for _, e := range kernels.EntryPoints() {
		arguments[e.Name] = len(e.ArgSizes)
	}
	if err := ctx.LoadImage(image, arguments); err != nil {
		return nil, nil, err
	}
	gpu := &together{Context: ctx, deterministic: !o.NonDeterministic}
	if o.Portable {
		return &portableDevice{gpu, portable.New(ctx)}, nil, nil
	}
	lt, err := blas.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	i := ctx.Info()
	var timer dnn.Timer
	if os.Getenv(plansEnv) != plansFirst {
		timer = ctx
	}
	// Times on the emulator mean nothing.
	nn, err := dnn.New(ctx, dnn.Options{Timer: timer, Ways: weightWays{lt, ctx}, Untimed: i.Emulated, NonDeterministic: o.NonDeterministic,
		Made: o.Planning, GPU: i.Name, Arch: i.Arch, Multiprocs: i.Multiprocs, Driver: i.Driver})
	if err != nil {
		return nil, nil, errors.Join(err, lt.Close())
	}
	return &device{gpu, lt, nn}, nn, nil
}

// Image returns the kernels for a GPU: those that were built into the program, else compiled here. The
// emulator runs neither; it takes what its own compiler makes.
func Image(info driver.Info) ([]byte, error) {
	arch := info.Arch
	image, absent := kernels.Image(arch)
	if absent == nil && !info.Emulated {
		return image, nil
	}
	image, log, err := cuda.CompileNVRTC(kernels.Sources(), kernels.Units(), arch)
	if err != nil {
		return nil, fmt.Errorf("the program's kernels for compute capability %d.%d: %w; compiling them here: %w\n%s", arch/10, arch%10, absent, err, log)
	}
	return image, nil
}
