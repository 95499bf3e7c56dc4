// Package portable computes products and convolutions of a GPU with kernels of ours.
package portable

import (
	"unsafe"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// A Library computes products and convolutions with kernels of ours: the reference that the vendor's libraries are
// held to, and what gpu.Options.Portable asks for. It is many times slower than they are.
type Library struct {
	dev  Launcher
	work driver.Ptr
	room int
}

// New returns the library of a device.
func New(d Launcher) *Library { return &Library{dev: d} }

// A Launcher finds and queues kernels.
type Launcher interface {
	Kernel(name string) (driver.Kernel, error)
	Launch(k driver.Kernel, g driver.Grid, args unsafe.Pointer, size uintptr)
	Fail(err error)
}

// Launch queues the kernel of a family for elements of type t.
func Launch[A any](dev Launcher, name string, t driver.Type, g driver.Grid, args *A) {
	k, err := dev.Kernel(name + "_" + t.String())
	if err != nil {
		dev.Fail(err)
		return
	}
	dev.Launch(k, g, unsafe.Pointer(args), unsafe.Sizeof(*args))
}

// SetScratch implements driver.Convolutions.
func (o *Library) SetScratch(p driver.Ptr, bytes int) { o.work, o.room = p, bytes }

// MatMulScratch implements driver.Products.
func (o *Library) MatMulScratch(driver.Product) int { return 0 }

// MatMul implements driver.Products.
func (o *Library) MatMul(p driver.Product, c, a, b driver.Ptr) {
	if p.M == 0 || p.N == 0 {
		return
	}
	g := driver.Grid{Blocks: [3]int{(p.M + kernels.GemmTile - 1) / kernels.GemmTile, (p.N + kernels.GemmTile - 1) / kernels.GemmTile}, Threads: [3]int{kernels.GemmThreads, kernels.GemmThreads}}
	args := kernels.GemmSame{C: uint64(c), A: uint64(a), B: uint64(b), Bias: uint64(p.Bias), M: int64(p.M), N: int64(p.N), K: int64(p.K),
		TransA: flag(p.TransA), TransB: flag(p.TransB), Beta: p.Beta, Relu: flag(p.ReLU)}
	if p.Out == p.In {
		Launch(o.dev, "gemm_same", p.In, g, &args)
		return
	}
	wide := kernels.GemmWide(args)
	Launch(o.dev, "gemm_wide", p.In, g, &wide)
}

// columnBytes is the largest column matrix that a convolution makes at once, unless one image takes more.
const columnBytes = 64 << 20

// images returns how many images' columns are made at once, of elements of size bytes.
func imagesAtOnce(c driver.Conv, size int) int {
	return max(1, min(c.N, columnBytes/max(1, c.OH()*c.OW()*c.R*c.S*c.C*size)))
}

// ConvScratch implements driver.Convolutions.
func (o *Library) ConvScratch(c driver.Conv, p convolution.Pass) int {
	size := c.Type.Size()
	if p == convolution.Data || p == convolution.DataAdd {
		size = driver.F32.Size()
	}
	return imagesAtOnce(c, size) * c.OH() * c.OW() * c.R * c.S * c.C * size
}

// ConvForward implements driver.Convolutions.
func (o *Library) ConvForward(c driver.Conv, y, x, w driver.Ptr) {
	o.chunks(c, c.Type.Size(), func(n, image int) {
		o.columns(c, n, x.Add(image*c.H*c.W*c.C*c.Type.Size()))
		o.MatMul(driver.Product{M: n * c.OH() * c.OW(), N: c.K, K: c.R * c.S * c.C, TransB: true, In: c.Type, Out: c.Type},
			y.Add(image*c.OH()*c.OW()*c.K*c.Type.Size()), o.work, w)
	})
}

// ConvBackwardData implements driver.Convolutions.
func (o *Library) ConvBackwardData(c driver.Conv, dx, dy, w driver.Ptr, beta float32) {
	o.chunks(c, 4, func(n, image int) {
		o.MatMul(driver.Product{M: n * c.OH() * c.OW(), N: c.R * c.S * c.C, K: c.K, In: c.Type, Out: driver.F32},
			o.work, dy.Add(image*c.OH()*c.OW()*c.K*c.Type.Size()), w)
		Launch(o.dev, "im2col_backward", c.Type, Cover(n*c.H*c.W*c.C), &kernels.Im2colBackward{
			Dx: uint64(dx.Add(image * c.H * c.W * c.C * c.Type.Size())), Col: uint64(o.work), N: int64(n), H: int32(c.H), W: int32(c.W), C: int32(c.C),
			Oh: int32(c.OH()), Ow: int32(c.OW()), R: int32(c.R), S: int32(c.S), Stride: int32(c.Stride), Pad: int32(c.Pad), Beta: beta})
	})
}

// ConvBackwardWeight implements driver.Convolutions.
func (o *Library) ConvBackwardWeight(c driver.Conv, dw, dy, x driver.Ptr) {
	o.chunks(c, c.Type.Size(), func(n, image int) {
		o.columns(c, n, x.Add(image*c.H*c.W*c.C*c.Type.Size()))
		o.MatMul(driver.Product{M: c.K, N: c.R * c.S * c.C, K: n * c.OH() * c.OW(), TransA: true, In: c.Type, Out: driver.F32, Beta: 1},
			dw, dy.Add(image*c.OH()*c.OW()*c.K*c.Type.Size()), o.work)
	})
}

// chunks calls f for parts of the batch, n images from image on, whose columns of elements of size bytes fit.
func (o *Library) chunks(c driver.Conv, size int, f func(n, image int)) {
	for image, n := 0, imagesAtOnce(c, size); image < c.N; image += n {
		f(min(n, c.N-image), image)
	}
}

func (o *Library) columns(c driver.Conv, n int, x driver.Ptr) {
	Launch(o.dev, "im2col_forward", c.Type, Cover(n*c.OH()*c.OW()*c.R*c.S*c.C), &kernels.Im2colForward{Col: uint64(o.work), X: uint64(x), N: int64(n),
		H: int32(c.H), W: int32(c.W), C: int32(c.C), Oh: int32(c.OH()), Ow: int32(c.OW()), R: int32(c.R), S: int32(c.S), Stride: int32(c.Stride), Pad: int32(c.Pad)})
}

// Cover has a thread for each of n elements, up to what keeps a large GPU busy.
func Cover(n int) driver.Grid {
	return driver.Grid{Blocks: [3]int{max(1, min((n+threads-1)/threads, 4096))}, Threads: [3]int{threads}}
}

// threads is the size of a block that covers elements.
const threads = 256

// flag is a truth value as kernels take it.
func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
