//go:build linux && cgo

package cuda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
)

// TestMain builds the fake driver for the tests that want it.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fakecuda")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	so := filepath.Join(dir, "libfakecuda.so")
	out, err := exec.Command("gcc", "-Wall", "-Wextra", "-Werror", "-g", "-shared", "-fPIC", "-o", so, "testdata/fakecuda.c").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "no fake driver: %v\n%s", err, out)
		so = ""
	}
	os.Setenv("FAKECUDA", so)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A fake is the control panel of the fake driver.
type fake struct {
	symbol                                                            *[64]byte
	skip, code, async, live, contexts, cooperative, shared, profiling *int32
	free                                                              *uint64
}

// panel opens the fake driver's variables and resets them.
func panel(t testing.TB) *fake {
	t.Helper()
	if os.Getenv("FAKECUDA") == "" {
		t.Skip("the fake driver could not be built: install gcc")
	}
	t.Setenv("CONTIG_LIBCUDA", os.Getenv("FAKECUDA"))
	l, err := dl.Open("the fake driver", "libcuda.so.1", "CONTIG_LIBCUDA")
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) unsafe.Pointer {
		p, err := l.Symbol("fake_" + name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	number := func(name string) *int32 { return (*int32)(at(name)) }
	f := &fake{
		symbol: (*[64]byte)(at("fail_symbol")), skip: number("fail_skip"), code: number("fail_code"), async: number("async_code"),
		live: number("live"), contexts: number("contexts"), cooperative: number("cooperative"), shared: number("shared_limit"), profiling: number("profiling"),
		free: (*uint64)(at("free")),
	}
	*f.symbol, *f.async, *f.cooperative, *f.shared, *f.free = [64]byte{}, 0, 0, 0, 1<<30
	if *f.contexts != 0 || *f.live != 0 {
		t.Fatalf("a test before left %d contexts and %d objects", *f.contexts, *f.live)
	}
	return f
}

// fail makes a function fail once, after skip calls that do not.
func (f *fake) fail(symbol string, code, skip int32) {
	*f.symbol = [64]byte{}
	copy(f.symbol[:], symbol)
	*f.code, *f.skip = code, skip
}

// open opens GPU 0 of the fake driver with its kernels, and checks at the end that everything was given back.
func open(t testing.TB) (*Context, *fake) {
	t.Helper()
	f := panel(t)
	a, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		*f.symbol = [64]byte{}
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if *f.live != 0 || *f.contexts != 0 {
			t.Errorf("after Close %d objects and %d contexts are left", *f.live, *f.contexts)
		}
	})
	if err := c.LoadImage([]byte("FAKE"), map[string]int{"fill_u32": 3, "illegal": 0, "nothing": 3, "odd": 2, "short": 4, "listed": 1}); err != nil {
		t.Fatal(err)
	}
	return c, f
}
