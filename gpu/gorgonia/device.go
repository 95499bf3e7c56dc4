//go:build gorgonia && linux && cgo

package gorgonia

import (
	"errors"
	"fmt"
	"runtime"

	"gorgonia.org/cu"
	cublas "gorgonia.org/cu/blas"
	cudnn "gorgonia.org/cu/dnn"

	"contig-gpu/gpu/internal/driver"
)

// An Image returns the compiled kernels for a GPU.
type Image func(info driver.Info) ([]byte, error)

// A Device is a GPU with one stream of work, the null stream: that is where cu/blas and cu/dnn work. It implements
// driver.Device. The thread of the goroutine that opened it, which alone may use it, has its context as the current one.
type Device struct {
	name   string // "gorgonia:0"
	info   driver.Info
	device cu.Device
	ctx    cu.CUContext
	before cu.CUContext // what was current on the thread
	owned  bool         // ctx is the primary context, taken by Open
	closed bool
	failed error // the first failure

	module  cu.Module
	loaded  bool
	kernels map[string]*function
	memory  map[driver.Ptr]bool

	blas    *cublas.Standard
	dnn     *cudnn.Context
	convs   map[driver.Conv]*conv
	affine  map[[2]int]*epilogue
	relu    *cudnn.Activation
	scratch driver.Ptr
	room    int // bytes of scratch
}

// Open opens a GPU by its number, in its primary context. It locks the calling goroutine to its thread until Close.
func Open(ordinal int, image Image) (*Device, error) {
	d := newDevice(ordinal)
	n, err := cu.NumDevices()
	if err != nil {
		return nil, d.wrap("cuDeviceGetCount", err)
	}
	if ordinal < 0 || ordinal >= n {
		return nil, fmt.Errorf("%s: the driver has %d devices", d.name, n)
	}
	if d.device, err = cu.GetDevice(ordinal); err != nil {
		return nil, d.wrap("cuDeviceGet", err)
	}
	if d.ctx, err = d.device.RetainPrimaryCtx(); err != nil {
		return nil, d.wrap("cuDevicePrimaryCtxRetain", err)
	}
	d.owned = true
	return d.start(image)
}

// Adopt opens a device in a context that the program has. Close leaves the context alone, and makes the one current that
// was before. ctx must not be destroyed before Close. It locks the calling goroutine to its thread until Close.
func Adopt(ctx cu.CUContext, image Image) (*Device, error) {
	if ctx == (cu.CUContext{}) {
		return nil, errors.New("gorgonia: Adopt of no context")
	}
	d := newDevice(0)
	d.ctx = ctx
	return d.start(image)
}

func newDevice(ordinal int) *Device {
	return &Device{name: fmt.Sprintf("gorgonia:%d", ordinal), kernels: map[string]*function{}, memory: map[driver.Ptr]bool{},
		convs: map[driver.Conv]*conv{}, affine: map[[2]int]*epilogue{}}
}

// start makes the context current and opens the libraries in it; what it opened is closed where it fails.
func (d *Device) start(image Image) (*Device, error) {
	runtime.LockOSThread()
	err := d.enter()
	if err == nil {
		err = d.open(image)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// enter makes the context current on this thread.
func (d *Device) enter() (err error) {
	if d.before, err = cu.CurrentContext(); err != nil {
		return d.wrap("cuCtxGetCurrent", err)
	}
	return d.wrap("cuCtxSetCurrent", cu.SetCurrentContext(d.ctx))
}

func (d *Device) open(image Image) (err error) {
	if d.device, err = cu.CurrentDevice(); err != nil {
		return d.wrap("cuCtxGetDevice", err)
	}
	d.name = fmt.Sprintf("gorgonia:%d", int(d.device))
	if err := d.openLibraries(); err != nil {
		return err
	}
	if d.info, err = d.describe(); err != nil {
		return err
	}
	code, err := image(d.info)
	if err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	if d.module, err = cu.LoadData(string(code)); err != nil {
		return fmt.Errorf("%s: a kernel image of %d bytes for compute capability %d.%d: %w", d.name, len(code), d.info.Arch/10, d.info.Arch%10, err)
	}
	d.loaded = true
	return nil
}

// openLibraries makes the handles of cuBLAS and cuDNN. cudnn.NewContext panics where it fails.
func (d *Device) openLibraries() (err error) {
	b := &cublas.Standard{}
	if err := b.Init(); err != nil {
		return d.wrap("cublasCreate", err)
	}
	d.blas = b
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: cudnnCreate: %v%s", d.name, r, lastError())
		}
	}()
	d.dnn = cudnn.NewContext()
	return nil
}

// Info describes the GPU and the libraries.
func (d *Device) Info() driver.Info { return d.info }

// Caps has nothing: one stream, float32.
func (d *Device) Caps() driver.Caps { return driver.Caps{} }

// Fail records a failure for Sync to return, unless there is one already; nothing is queued afterwards.
func (d *Device) Fail(err error) {
	if d.failed == nil {
		d.failed = err
	}
}

// wrap names the call that failed; nil stays nil.
func (d *Device) wrap(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", d.name, call, err)
}

// queued records the failure of a call.
func (d *Device) queued(call string, err error) bool {
	if err != nil {
		d.Fail(d.wrap(call, err))
	}
	return err == nil
}

// ready reports whether work may be queued; it may not after a failure.
func (d *Device) ready() bool {
	if d.closed {
		d.Fail(fmt.Errorf("%s: the device is closed", d.name))
	}
	return d.failed == nil
}

// Sync waits for all queued work, that of others in the context too, and returns the first failure since Open.
func (d *Device) Sync() error {
	if d.ready() {
		d.queued("cuCtxSynchronize", cu.Synchronize())
	}
	return d.failed
}

// Close gives back what the device made: handles, kernels, memory, and the primary context if Open took it. It may be
// called again.
func (d *Device) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	err := errors.Join(d.closeLibraries(), d.freeAll())
	if d.loaded {
		err = errors.Join(err, d.wrap("cuModuleUnload", d.module.Unload()))
	}
	err = errors.Join(err, d.wrap("cuCtxSetCurrent", cu.SetCurrentContext(d.before)))
	if d.owned {
		err = errors.Join(err, d.wrap("cuDevicePrimaryCtxRelease", d.device.ReleasePrimaryCtx()))
	}
	runtime.UnlockOSThread()
	if d.failed != nil {
		return nil // the failure has been, or could have been, had from Sync; what follows from it tells nothing
	}
	return err
}

func (d *Device) closeLibraries() (err error) {
	if d.dnn != nil {
		err = d.wrap("cudnnDestroy", d.dnn.Close())
	}
	if d.blas != nil {
		err = errors.Join(err, d.wrap("cublasDestroy", d.blas.Close()))
	}
	return err
}
