//go:build !(linux && cgo)

package cuda

import (
	"fmt"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// An API is the opened driver library; this build has none.
type API struct{}

// A Context is one GPU; this build has none. It has the methods of the real one, so that callers compile.
type Context struct {
	driver.Memory
	driver.Overlap
}

// Load returns an error that wraps dl.ErrNoCgo.
func Load() (*API, error) { return nil, fmt.Errorf("cuda: %w", dl.ErrNoCgo) }

// DeviceCount returns an error that wraps dl.ErrNoCgo.
func (a *API) DeviceCount() (int, error) { return 0, dl.ErrNoCgo }

// Open returns an error that wraps dl.ErrNoCgo.
func (a *API) Open(ordinal int) (*Context, error) { return nil, dl.ErrNoCgo }

// Profiled returns an error that wraps dl.ErrNoCgo.
func (c *Context) Profiled(f func()) error { return dl.ErrNoCgo }

// LoadImage returns an error that wraps dl.ErrNoCgo.
func (c *Context) LoadImage(image []byte, arguments map[string]int) error { return dl.ErrNoCgo }

// Kernel returns an error that wraps dl.ErrNoCgo.
func (c *Context) Kernel(name string) (driver.Kernel, error) { return driver.Kernel{}, dl.ErrNoCgo }

// Launch does nothing.
func (c *Context) Launch(k driver.Kernel, g driver.Grid, args unsafe.Pointer, size uintptr) {}

// Fail does nothing.
func (c *Context) Fail(err error) {}

// Enter returns an error that wraps dl.ErrNoCgo.
func (c *Context) Enter(call string) error { return dl.ErrNoCgo }

// MayWait returns an error that wraps dl.ErrNoCgo.
func (c *Context) MayWait(call string) error { return dl.ErrNoCgo }

// CloseGraphs returns an error that wraps dl.ErrNoCgo.
func (c *Context) CloseGraphs() error { return dl.ErrNoCgo }

// Sync returns an error that wraps dl.ErrNoCgo.
func (c *Context) Sync() error { return dl.ErrNoCgo }

// Close does nothing.
func (c *Context) Close() error { return nil }

// Info describes no GPU.
func (c *Context) Info() driver.Info { return driver.Info{} }

// Stream returns 0.
func (c *Context) Stream() uintptr { return 0 }

// Handle returns 0.
func (c *Context) Handle() uintptr { return 0 }

// CompileNVRTC returns an error that wraps dl.ErrNoCgo.
func CompileNVRTC(sources map[string][]byte, entry []string, arch int) (cubin []byte, log string, err error) {
	return nil, "", fmt.Errorf("NVRTC: %w", dl.ErrNoCgo)
}
