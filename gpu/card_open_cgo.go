//go:build linux && cgo

package gpu

import (
	"errors"
	"fmt"
	"slices"

	"contig-gpu/gpu/internal/blas"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// A vendorCard is a card with its driver and what computes its products and convolutions.
type vendorCard struct {
	*cuda.Context
	driver.Products
	driver.Convolutions
	lt *blas.Handle // nil where products are our own
}

// SetScratch gives the memory to both; one operation runs at a time.
func (v *vendorCard) SetScratch(p driver.Ptr, bytes int) {
	v.Convolutions.SetScratch(p, bytes)
	if v.lt != nil {
		v.lt.SetScratch(p, bytes)
	}
}

// FusesBias reports whether MatMul adds the bias of a product.
func (v *vendorCard) FusesBias(p driver.Product) bool { return v.lt == nil || v.lt.FusesBias(p) }

// Info adds the libraries to what the driver says.
func (v *vendorCard) Info() driver.Info {
	i := v.Context.Info()
	if v.lt != nil {
		i.Libraries = append(slices.Clone(i.Libraries), v.lt.Library())
	}
	return i
}

// Close closes the libraries, then the driver.
func (v *vendorCard) Close() error {
	var err error
	if v.lt != nil {
		err = v.lt.Close()
	}
	return errors.Join(err, v.Context.Close())
}

// openCUDA opens a card by its number, with our kernels on it.
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

// equip loads the kernels and the libraries.
func equip(ctx *cuda.Context, o Options) (driver.Device, error) {
	image, err := kernelImage(ctx.Info())
	if err != nil {
		return nil, err
	}
	if err := ctx.LoadImage(image); err != nil {
		return nil, err
	}
	own := &ownProducts{dev: ctx}
	if o.Portable {
		return &vendorCard{Context: ctx, Products: own, Convolutions: own}, nil
	}
	lt, err := blas.New(ctx)
	if err != nil {
		return nil, err
	}
	return &vendorCard{Context: ctx, Products: lt, Convolutions: own, lt: lt}, nil
}

// kernelImage returns the kernels for a card: those that were built into the program, else compiled here. The
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
