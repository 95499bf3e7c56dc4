//go:build linux && cgo

package blas

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// rerun runs one test of this program in a process of its own, which opens other libraries.
func rerun(t *testing.T, name string, env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	switch {
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+name):
		t.Errorf("%v\n%s", err, out)
	default:
		t.Logf("%s", out)
	}
}

// inner says that rerun started this process for a test; it is not for the others.
const inner = "CONTIG_BLAS_INNER"

func isInner(t *testing.T) {
	t.Helper()
	if os.Getenv(inner) != t.Name() {
		t.Skip("run by another test, in a process of its own")
	}
}

// TestReal holds every descriptor that the binding makes against the real library, which needs no GPU for them.
func TestReal(t *testing.T) {
	rerun(t, "TestRealDescriptors", inner+"=TestRealDescriptors", lib+"="+vendorFile(t, "lib/libcublasLt.so.13"))
}

// TestFakeDescriptors holds the fake to the same.
func TestFakeDescriptors(t *testing.T) {
	h, _ := open(t)
	allDescriptors(t, h.api)
}

func TestRealDescriptors(t *testing.T) {
	isInner(t)
	api, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	l := api.Library()
	t.Logf("cuBLASLt %s at %s", l.Version, l.Path)
	if !strings.HasPrefix(l.Version, "13.") {
		t.Errorf("%s says that it is version %s", l.Path, l.Version)
	}
	allDescriptors(t, api)
}

// allDescriptors makes and reads back the descriptors of every kind of product.
func allDescriptors(t *testing.T, api *API) {
	n := 0
	for mask := range 64 {
		for _, f := range forms {
			p := driver.Product{M: 3, N: 5, K: 7, TransA: mask&1 != 0, TransB: mask&2 != 0, In: f[0], Out: f[1], ReLU: mask&4 != 0, TF32: mask&8 != 0}
			if mask&16 != 0 && fusible(p) {
				p.Bias = 4096 + 16
			}
			k := keyOf(p, 64, 128, 2)
			if mask&32 != 0 {
				k = k.aligned()
			}
			d, err := api.describe(k, 12345)
			if err != nil {
				t.Fatal(err)
			}
			readBack(t, d, k)
			d.close()
			n++
		}
	}
	wrong(t, api)
	t.Logf("%d products described and read back", n)
}

// An expectation is the value of an attribute, by the vendor's number.
type expectation struct {
	p     part
	attr  uint32
	size  int
	value uint64
}

// readBack compares what the library holds with the product, independently of the code that set it.
func readBack(t *testing.T, d *description, k key) {
	t.Helper()
	p := k.p
	flag := map[bool]uint64{true: 1}
	code := map[driver.Type]uint64{driver.F32: 0, driver.F16: 2, driver.BF16: 14}
	rows := func(transposed bool, inner, outer int) []uint64 { // of a row-major [inner, outer] matrix, columns first
		if transposed {
			return []uint64{uint64(inner), uint64(outer)}
		}
		return []uint64{uint64(outer), uint64(inner)}
	}
	a, b := rows(p.TransA, p.M, p.K), rows(p.TransB, p.K, p.N)
	want := []expectation{
		{descriptor, 0, 4, 68 + 9*flag[p.TF32]}, {descriptor, 1, 4, 0}, {descriptor, 2, 4, 0},
		{descriptor, 3, 4, flag[p.TransB]}, {descriptor, 4, 4, flag[p.TransA]},
		{descriptor, 7, 4, max(1, 2*flag[p.ReLU]+4*flag[p.Bias != 0])}, {descriptor, 8, 8, uint64(p.Bias)},
		{firstLayout, 0, 4, code[p.In]}, {firstLayout, 1, 4, 0}, {firstLayout, 2, 8, b[0]}, {firstLayout, 3, 8, b[1]}, {firstLayout, 4, 8, b[0]},
		{secondLayout, 0, 4, code[p.In]}, {secondLayout, 1, 4, 0}, {secondLayout, 2, 8, a[0]}, {secondLayout, 3, 8, a[1]}, {secondLayout, 4, 8, a[0]},
		{outLayout, 0, 4, code[p.Out]}, {outLayout, 1, 4, 0}, {outLayout, 2, 8, uint64(p.N)}, {outLayout, 3, 8, uint64(p.M)}, {outLayout, 4, 8, uint64(p.N)},
		{preference, 1, 8, 12345}, {preference, 3, 4, 2},
		{preference, 5, 4, uint64(k.b)}, {preference, 6, 4, uint64(k.a)}, {preference, 7, 4, uint64(k.c)}, {preference, 8, 4, uint64(k.c)},
	}
	if p.Bias != 0 {
		want = append(want, expectation{descriptor, 26, 4, 0})
	}
	for _, e := range want {
		got, err := d.get(e.p, e.attr, e.size)
		if err != nil || got != e.value {
			t.Errorf("%s: attribute %d of part %d (%v) is %d, want %d; %v", d.product, e.attr, e.p, e.p, got, e.value, err)
		}
	}
}

// wrong sets attributes in ways that the library must refuse.
func wrong(t *testing.T, api *API) {
	t.Helper()
	k := keyOf(driver.Product{M: 3, N: 5, K: 7, Bias: 256}, 0, 0, 0)
	var value [2]uint64
	for _, e := range []expectation{
		{descriptor, 3, 8, 0}, {descriptor, 7, 1, 0}, {descriptor, 8, 4, 0}, {descriptor, 26, 8, 0}, {descriptor, 9999, 4, 0},
		{firstLayout, 2, 4, 0}, {outLayout, 9999, 4, 0}, {preference, 1, 4, 0}, {preference, 3, 8, 0}, {preference, 5, 16, 0}, {preference, 9999, 4, 0},
	} {
		d, err := api.describe(k, 0)
		if err != nil {
			t.Fatal(err)
		}
		d.set(e.p, e.attr, unsafe.Pointer(&value), e.size)
		var refused *Error
		if !errors.As(d.err, &refused) || refused.Status == 0 || !strings.Contains(d.err.Error(), fmt.Sprintf("SetAttribute(%d): CUBLAS_STATUS_", e.attr)) {
			t.Errorf("%v takes %d bytes for attribute %d: %v", e.p, e.size, e.attr, d.err)
		}
		d.close()
	}
}
