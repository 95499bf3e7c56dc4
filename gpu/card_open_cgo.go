//go:build linux && cgo

package gpu

import (
	"errors"
	"fmt"
	"slices"

	"contig-gpu/gpu/internal/blas"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

type (
	cublas = blas.Handle
	cudnn  = dnn.Handle
)

// A vendorCard is a GPU whose products are cuBLASLt's and whose convolutions are cuDNN's.
type vendorCard struct {
	*cuda.Context
	*cublas
	*cudnn
}

// SetScratch gives the memory to both; one operation runs at a time.
func (v *vendorCard) SetScratch(p driver.Ptr, bytes int) {
	v.cublas.SetScratch(p, bytes)
	v.cudnn.SetScratch(p, bytes)
}

// Info adds the libraries to what the driver says.
func (v *vendorCard) Info() driver.Info {
	i := v.Context.Info()
	i.Libraries = append(slices.Clone(i.Libraries), v.cublas.Library(), v.cudnn.Library())
	return i
}

// Close waits for what is queued, then closes the libraries and the driver: a graph that still runs, as after an
// interruption, runs kernels of the libraries' plans.
func (v *vendorCard) Close() error {
	return errors.Join(v.Context.Sync(), v.cudnn.Close(), v.cublas.Close(), v.Context.Close())
}

// A portableCard is a GPU that computes with our own kernels alone.
type portableCard struct {
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
	return &Device{kind: cudaKind, why: "asked for", card: newCard(c)}, nil
}

// equip loads the kernels and the libraries. A library that is missing is an error: our own kernels stand in for none.
func equip(ctx *cuda.Context, o Options) (driver.Device, error) {
	image, err := kernelImage(ctx.Info())
	if err != nil {
		return nil, err
	}
	if err := ctx.LoadImage(image); err != nil {
		return nil, err
	}
	if o.Portable {
		return &portableCard{ctx, &ownProducts{dev: ctx}}, nil
	}
	lt, err := blas.New(ctx)
	if err != nil {
		return nil, err
	}
	nn, err := dnn.New(ctx, dnn.Options{Timer: ctx, NonDeterministic: o.NonDeterministic, Card: ctx.Info().Name, Arch: ctx.Info().Arch})
	if err != nil {
		return nil, errors.Join(err, lt.Close())
	}
	return &vendorCard{ctx, lt, nn}, nil
}

// kernelImage returns the kernels for a GPU: those that were built into the program, else compiled here. The
// emulator runs neither; it takes what its own compiler makes.
func kernelImage(card driver.Info) ([]byte, error) {
	arch := card.Arch
	image, absent := kernels.Image(arch)
	if absent == nil && !card.Emulated {
		return image, nil
	}
	image, log, err := cuda.CompileNVRTC(kernels.Sources(), kernels.Units(), arch)
	if err != nil {
		return nil, fmt.Errorf("the program's kernels for compute capability %d.%d: %w; compiling them here: %w\n%s", arch/10, arch%10, absent, err, log)
	}
	return image, nil
}
