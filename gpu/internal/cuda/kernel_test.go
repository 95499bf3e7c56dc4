//go:build linux && cgo

package cuda

import (
	"strings"
	"testing"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// fillArgs are the arguments of the fake kernel fill_u32.
type fillArgs struct {
	Dst      uint64
	Value, N uint32
}

// fill sets n words with a kernel.
func fill32(t *testing.T, c *Context, p driver.Ptr, value uint32, n int, g driver.Grid) {
	t.Helper()
	k, err := c.Kernel("fill_u32")
	if err != nil {
		t.Fatal(err)
	}
	a := fillArgs{uint64(p), value, uint32(n)}
	c.Launch(k, g, unsafe.Pointer(&a), unsafe.Sizeof(a))
	a = fillArgs{} // the launch has read it
}

func words(t *testing.T, c *Context, p driver.Ptr, n int) []uint32 {
	t.Helper()
	w := make([]uint32, n)
	c.Download(unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), 4*n), p)
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestLaunch(t *testing.T) {
	c, f := open(t)
	p, err := c.Alloc(16)
	if err != nil {
		t.Fatal(err)
	}
	fill32(t, c, p, 7, 4, driver.Grid{Threads: [3]int{32}})
	fill32(t, c, p, 9, 2, driver.Grid{Blocks: [3]int{4, 1, 1}, Threads: [3]int{256}, Cooperative: true})
	if w := words(t, c, p, 4); w[0] != 9 || w[1] != 9 || w[2] != 7 || w[3] != 7 {
		t.Errorf("memory is %v", w)
	}
	if *f.cooperative != 1 {
		t.Errorf("%d cooperative launches, want 1", *f.cooperative)
	}
}

func TestSharedMemoryOptIn(t *testing.T) {
	c, f := open(t)
	p, _ := c.Alloc(4)
	fill32(t, c, p, 5, 1, driver.Grid{Shared: 100 << 10})
	fill32(t, c, p, 6, 1, driver.Grid{Shared: 60 << 10})
	if w := words(t, c, p, 1); w[0] != 6 || *f.shared != 100<<10 {
		t.Errorf("memory is %v, the limit %d", w, *f.shared)
	}
	fill32(t, c, p, 5, 1, driver.Grid{Shared: 300 << 10})
	wantError(t, c.Sync(), 1, "cuFuncSetAttribute", "fill_u32", "307200", "232448")
}

func TestLaunchErrors(t *testing.T) {
	for name, g := range map[string]driver.Grid{
		"cuLaunchKernel":   {Threads: [3]int{2048}},
		"cuLaunchKernelEx": {Blocks: [3]int{1000}, Cooperative: true},
	} {
		c, _ := open(t)
		p, _ := c.Alloc(4)
		fill32(t, c, p, 5, 1, g)
		code := Code(1)
		if g.Cooperative {
			code = 720
		}
		wantError(t, c.Sync(), code, name+":", "kernel fill_u32", "16 bytes of arguments")
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	c, _ := open(t)
	c.Launch(driver.Kernel{}, driver.Grid{}, nil, 0)
	if err := c.Sync(); err == nil {
		t.Error("a launch of no kernel passed")
	}
}

// TestArgumentBytes: a struct's padding behind the last argument is not passed on, and other sizes are refused.
func TestArgumentBytes(t *testing.T) {
	c, f := open(t)
	f.fail("cuFuncGetParamInfo", 3, 0)
	_, err := c.Kernel("odd")
	wantError(t, err, 3, "cuFuncGetParamInfo", "odd")
	k, err := c.Kernel("odd")
	if err != nil {
		t.Fatal(err)
	}
	a := struct { // as in Go, 16 bytes
		dst uint64
		n   uint32
	}{}
	for _, size := range []uintptr{12, unsafe.Sizeof(a)} {
		c.Launch(k, driver.Grid{}, unsafe.Pointer(&a), size)
	}
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
	c.Launch(k, driver.Grid{}, unsafe.Pointer(&a), 8)
	if err := c.Sync(); err == nil || !strings.Contains(err.Error(), "odd takes 12 bytes of arguments, not 8") {
		t.Errorf("error %v", err)
	}
}

// TestArgumentsAreCounted: a kernel's last argument is asked for and none behind it, which would be a failing call of the driver and is reported
// as one by the vendor's checker; an image with fewer arguments than the program knows is refused.
func TestArgumentsAreCounted(t *testing.T) {
	c, f := open(t)
	f.fail("cuFuncGetParamInfo", 3, 1)
	if _, err := c.Kernel("odd"); err != nil {
		t.Errorf("more than one call: %v", err)
	}
	f.fail("cuFuncGetParamInfo", 3, 0)
	if _, err := c.Kernel("illegal"); err != nil {
		t.Errorf("a kernel without arguments was asked for one: %v", err)
	}
	f.fail("", 0, 0)
	_, err := c.Kernel("short")
	wantError(t, err, 1, "cuFuncGetParamInfo", "argument 4 of kernel short")
}

func TestKernelMissing(t *testing.T) {
	c, _ := open(t)
	for _, name := range []string{"no_such_kernel", "listed"} {
		if _, err := c.Kernel(name); err == nil || !strings.Contains(err.Error(), "no kernel "+name) {
			t.Errorf("error %v", err)
		}
	}
}

func TestBadImage(t *testing.T) {
	c, _ := open(t)
	wantError(t, c.LoadImage([]byte("PTX with an error"), nil), 209, "17 bytes", "compute capability 9.0", "syntax error in line 1")
	if err := c.LoadImage(nil, nil); err == nil {
		t.Error("an empty image was loaded")
	}
}

// TestLaunchDoesNotAllocate also covers the other calls of a step that have no event.
func TestLaunchDoesNotAllocate(t *testing.T) {
	c, _ := open(t)
	k, err := c.Kernel("nothing")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Alloc(64)
	n := testing.AllocsPerRun(100, func() {
		a := fillArgs{Dst: uint64(p)}
		c.Launch(k, driver.Grid{Blocks: [3]int{8}, Threads: [3]int{256}}, unsafe.Pointer(&a), unsafe.Sizeof(a))
		c.Set(p, 0, 4, 4)
		c.Copy(p, p.Add(32), 16)
	})
	if n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkLaunch(b *testing.B) {
	c, _ := open(b)
	k, err := c.Kernel("nothing")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		a := fillArgs{N: 3}
		c.Launch(k, driver.Grid{Blocks: [3]int{8}, Threads: [3]int{256}}, unsafe.Pointer(&a), unsafe.Sizeof(a))
	}
}

// TestProfiled: profilers measure while f runs and no longer; a failure of theirs is told, and f is not run.
func TestProfiled(t *testing.T) {
	c, f := open(t)
	runs := 0
	work := func() {
		if runs++; *f.profiling != 1 {
			t.Errorf("%d profilers measure", *f.profiling)
		}
	}
	if err := c.Profiled(work); err != nil || runs != 1 || *f.profiling != 0 {
		t.Errorf("%d runs, %d profilers measure after it; %v", runs, *f.profiling, err)
	}
	f.fail("cuProfilerStart", 3, 0)
	wantError(t, c.Profiled(work), 3, "cuProfilerStart")
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
}
