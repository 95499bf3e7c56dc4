//go:build linux && cgo

package cuda

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// What package gpu asks of a Context, beside products and convolutions.
var _ interface {
	driver.Memory
	driver.Overlap
	Info() driver.Info
	Kernel(name string) (driver.Kernel, error)
	Launch(k driver.Kernel, g driver.Grid, args unsafe.Pointer, size uintptr)
	Fail(err error)
	Sync() error
	Close() error
} = (*Context)(nil)

// wantError checks that err is a driver error of this code and says these things.
func wantError(t *testing.T, err error, code Code, says ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want code %d", err, code)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q does not say %q", err, s)
		}
	}
}

func TestLoadMissing(t *testing.T) {
	t.Setenv("CONTIG_LIBCUDA", "/nowhere/libcuda.so.1")
	if _, err := load(); err == nil || !strings.Contains(err.Error(), "/nowhere/libcuda.so.1") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

// TestLoadIncomplete: the C library has none of the driver's functions.
func TestLoadIncomplete(t *testing.T) {
	t.Setenv("CONTIG_LIBCUDA", "libm.so.6")
	if _, err := load(); err == nil || !strings.Contains(err.Error(), "cuInit") {
		t.Errorf("error %v, want one that names the first missing function", err)
	}
}

func TestLoadWithoutGPU(t *testing.T) {
	f := panel(t)
	f.fail("cuInit", 100, 0)
	_, err := load()
	wantError(t, err, 100, "cuInit", os.Getenv("FAKECUDA"))
}

func TestInfo(t *testing.T) {
	c, _ := open(t)
	i := c.Info()
	if i.Name != "Fake GPU 0" || i.Arch != 90 || i.Multiprocs != 132 || i.Memory != 1<<30 || i.SharedPerBlock != 232448 || i.Driver != 13000 || i.Emulated {
		t.Errorf("info is %+v", i)
	}
	if len(i.Libraries) != 1 || i.Libraries[0].Version != "13.0" || filepath.Base(i.Libraries[0].Path) != "libfakecuda.so" {
		t.Errorf("libraries are %+v", i.Libraries)
	}
	if c.Stream() == 0 || c.Handle() == 0 {
		t.Error("no stream or no context")
	}
}

func TestOpenNoSuchGPU(t *testing.T) {
	panel(t)
	a, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, ordinal := range []int{-1, 2} {
		if _, err := a.Open(ordinal); err == nil || !strings.Contains(err.Error(), "2 devices") {
			t.Errorf("GPU %d: error %v", ordinal, err)
		}
	}
}

// TestOpenFails has each call of Open fail in turn; panel of the next turn checks that nothing is left.
func TestOpenFails(t *testing.T) {
	for _, at := range []struct {
		symbol string
		skip   int32
	}{
		{"cuDeviceGet", 0}, {"cuDeviceGetName", 0}, {"cuDeviceGetAttribute", 3}, {"cuDevicePrimaryCtxRetain", 0}, {"cuCtxSetCurrent", 0},
		{"cuStreamCreate", 0}, {"cuStreamCreate", 1}, {"cuMemHostAlloc", 0}, {"cuMemHostAlloc", 1}, {"cuEventCreate", 1},
	} {
		f := panel(t)
		a, err := Load()
		if err != nil {
			t.Fatal(err)
		}
		f.fail(at.symbol, 2, at.skip)
		_, err = a.Open(0)
		wantError(t, err, OutOfMemory, at.symbol, "cuda:0", "CUDA_ERROR_OUT_OF_MEMORY")
	}
	panel(t)
}

func TestTwoGPUs(t *testing.T) {
	c, _ := open(t)
	a, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	other, err := a.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // in turn, from one thread
		for _, c := range []*Context{c, other} {
			p, err := c.Alloc(4)
			if err != nil {
				t.Fatal(err)
			}
			c.Upload(p, []byte{1, 2, 3, 4})
			if err := c.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Sync(); err != nil {
		t.Error("the first GPU, after the second was closed: ", err)
	}
}

func TestWrongThread(t *testing.T) {
	c, _ := open(t)
	k, err := c.Kernel("nothing")
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 4)
	go func() {
		_, err := c.Alloc(4)
		errs <- err
		_, err = c.Kernel("nothing")
		errs <- err
		errs <- c.Close()
		a := fillArgs{}
		c.Launch(k, driver.Grid{}, unsafe.Pointer(&a), unsafe.Sizeof(a))
		errs <- c.Sync()
	}()
	for range 4 {
		wantError(t, <-errs, WrongThread, "cuda:0", "another goroutine")
	}
	wantError(t, c.Sync(), WrongThread, "cuLaunchKernel", "nothing")
}

func TestCloseTwice(t *testing.T) {
	c, _ := open(t)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Alloc(4); !errors.Is(err, errClosed) {
		t.Errorf("Alloc after Close: %v", err)
	}
	if _, err := c.Kernel("nothing"); !errors.Is(err, errClosed) {
		t.Errorf("Kernel after Close: %v", err)
	}
	if err := c.Sync(); !errors.Is(err, errClosed) {
		t.Errorf("Sync after Close: %v", err)
	}
}

// TestCloseInAnyOrder closes the Context first and its parts afterwards, and the other way round.
func TestCloseInAnyOrder(t *testing.T) {
	for _, contextFirst := range []bool{true, false} {
		c, f := open(t)
		p, _ := c.Alloc(64)
		b, _ := c.Pinned(64)
		e := c.MainMark()
		g, err := c.Capture(func() { c.Set(p, 0, 4, 16) })
		if err != nil {
			t.Fatal(err)
		}
		parts := func() {
			g.Close()
			e.Close()
			c.FreePinned(b)
			c.Free(p)
			g.Close()
			e.Close()
		}
		if !contextFirst {
			parts()
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if contextFirst {
			parts()
		}
		if *f.live != 0 || *f.contexts != 0 {
			t.Errorf("%d objects and %d contexts are left", *f.live, *f.contexts)
		}
	}
}

// TestSticky breaks the context on the device: the failure is met later, kept, and stops all that follows.
func TestSticky(t *testing.T) {
	c, _ := open(t)
	k, err := c.Kernel("illegal")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Alloc(4)
	e := c.MainMark()
	c.Launch(k, driver.Grid{}, unsafe.Pointer(&[1]byte{}), 0)
	wantError(t, c.Sync(), 700, "cuStreamSynchronize", "CUDA_ERROR_ILLEGAL_ADDRESS (700)", "an illegal memory access")
	dst := []byte{7}
	c.Download(dst, p)
	c.Fail(errors.New("another failure"))
	wantError(t, c.Sync(), 700)
	wantError(t, e.Wait(), 700)
	if !e.Passed() || dst[0] != 7 {
		t.Error("a poller would wait for ever, or a download went on")
	}
	if _, err := c.Alloc(4); err == nil {
		t.Error("memory of a broken context")
	}
	if _, err := c.Capture(func() { t.Error("captured") }); err == nil {
		t.Error("a graph of a broken context")
	}
}

func TestFailureNobodySaw(t *testing.T) {
	c, _ := open(t)
	want := errors.New("from a library")
	c.Fail(want)
	if err := c.Close(); !errors.Is(err, want) {
		t.Errorf("Close returned %v, want the failure that no Sync returned", err)
	}
}

func TestFailedQueueing(t *testing.T) {
	for symbol, call := range map[string]func(c *Context, p driver.Ptr){
		"cuMemsetD16Async":     func(c *Context, p driver.Ptr) { c.Set(p, 1, 2, 4) },
		"cuMemcpyDtoDAsync_v2": func(c *Context, p driver.Ptr) { c.Copy(p, p.Add(4), 4) },
		"cuMemcpyHtoDAsync_v2": func(c *Context, p driver.Ptr) { c.Upload(p, make([]byte, 8)) },
		"cuMemcpyDtoHAsync_v2": func(c *Context, p driver.Ptr) { c.Download(make([]byte, 8), p) },
		"cuEventRecord":        func(c *Context, p driver.Ptr) { c.CopyMark() },
		"cuStreamWaitEvent":    func(c *Context, p driver.Ptr) { c.CopyAfter(c.MainMark()) },
	} {
		c, f := open(t)
		p, err := c.Alloc(8)
		if err != nil {
			t.Fatal(err)
		}
		f.fail(symbol, 1, 0)
		call(c, p)
		wantError(t, c.Sync(), 1, symbol, "cuda:0")
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
