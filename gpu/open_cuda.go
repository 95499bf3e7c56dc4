//go:build linux && cgo

package gpu

import (
	"contig-gpu/gpu/internal/blas"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
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

// A vendorGPU is a GPU whose products are cuBLASLt's and whose convolutions are cuDNN's.
type vendorGPU struct {
	*cuda.Context
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
	launchOwn(w.dev, "cast_add", t, coverGrid(n/8), &kernels.CastAdd{Y: uint64(dw), X: uint64(part), N: int64(n)})
	return nil
}

// SetScratch gives the memory to both; one operation runs at a time.
func (v *vendorGPU) SetScratch(p driver.Ptr, bytes int) {
	v.cublas.SetScratch(p, bytes)
	v.cudnn.SetScratch(p, bytes)
}

// Info adds the libraries to what the driver says: NVRTC too, which cuDNN calls.
func (v *vendorGPU) Info() driver.Info {
	i := v.Context.Info()
	i.Libraries = append(slices.Clone(i.Libraries), v.cublas.Library(), v.cudnn.Library())
	if l, ok := cuda.NVRTC(); ok {
		i.Libraries = append(i.Libraries, l)
	}
	return i
}

// Close waits for what is queued, then closes the libraries and the driver: a graph that still runs, as after an
// interruption, runs kernels of the libraries' plans.
func (v *vendorGPU) Close() error {
	return errors.Join(v.Context.Sync(), v.cudnn.Close(), v.cublas.Close(), v.Context.Close())
}

// A portableGPU is a GPU that computes with our own kernels alone.
type portableGPU struct {
	*cuda.Context
	*ownProducts
}

// openCUDA opens a GPU by its number, with our kernels on it.
func openCUDA(ordinal int, o Options) (*Device, error) {
	api, err := cuda.Load()
	if err != nil {
		return nil, err
	}
	ctx, err := api.Open(ordinal)
	if err != nil {
		return nil, err
	}
	c, err := equip(ctx, o)
	if err != nil {
		return nil, errors.Join(err, ctx.Close())
	}
	return &Device{kind: cudaKind, why: "asked for", gpu: newGPU(c)}, nil
}

// plansEnv may say how plans of convolutions are chosen: with plansFirst it is the library's first proposal for each, or the first of a pack, and
// nothing is timed or kept. It is for a look at a GPU for whose many shapes there is no time.
const plansEnv, plansFirst = "CONTIG_PLANS", "first"

// equip loads the kernels and the libraries. A library that is missing is an error: our own kernels stand in for none.
func equip(ctx *cuda.Context, o Options) (driver.Device, error) {
	image, err := kernelImage(ctx.Info())
	if err != nil {
		return nil, err
	}
	arguments := map[string]int{}
	for _, e := range kernels.EntryPoints() {
		arguments[e.Name] = len(e.ArgSizes)
	}
	if err := ctx.LoadImage(image, arguments); err != nil {
		return nil, err
	}
	if o.Portable {
		return &portableGPU{ctx, &ownProducts{dev: ctx}}, nil
	}
	lt, err := blas.New(ctx)
	if err != nil {
		return nil, err
	}
	i := ctx.Info()
	var timer dnn.Timer
	if os.Getenv(plansEnv) != plansFirst {
		timer = ctx
	}
	nn, err := dnn.New(ctx, dnn.Options{Timer: timer, Ways: weightWays{lt, ctx}, Untimed: i.Emulated, NonDeterministic: o.NonDeterministic,
		Made: o.Planning, GPU: i.Name, Arch: i.Arch, Multiprocs: i.Multiprocs, Driver: i.Driver})
	if err != nil {
		return nil, errors.Join(err, lt.Close())
	}
	return &vendorGPU{ctx, lt, nn}, nil
}

// kernelImage returns the kernels for a GPU: those that were built into the program, else compiled here. The
// emulator runs neither; it takes what its own compiler makes.
func kernelImage(info driver.Info) ([]byte, error) {
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
