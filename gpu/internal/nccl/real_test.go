//go:build linux && cgo

package nccl

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// inner says that rerun started this process for a test; it is not for the others.
const inner = "CONTIG_NCCL_INNER"

// rerun runs one test of this program in a process of its own, which opens another library.
func rerun(t *testing.T, name string, env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), inner+"="+name), env...)
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

func isInner(t *testing.T) {
	t.Helper()
	if os.Getenv(inner) != t.Name() {
		t.Skip("run by another test, in a process of its own")
	}
}

// A stream is no device's. It keeps what fails.
type stream struct{ err error }

func (*stream) Stream() uintptr    { return 0 }
func (*stream) Fork() uintptr      { return 0 }
func (*stream) Rejoin()            {}
func (*stream) Enter(string) error { return nil }

func (s *stream) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// TestReal asks the vendor's libraries what they answer without a GPU.
func TestReal(t *testing.T) {
	for name, suffix := range wheels {
		t.Run(name, func(t *testing.T) {
			rerun(t, "TestRealLibrary", Env+"="+vendorFile(t, suffix, "nccl/lib/libnccl.so.2"))
		})
	}
}

func TestRealLibrary(t *testing.T) {
	isInner(t)
	api, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if l := api.Library(); l.Name != "libnccl" || l.Path != os.Getenv(Env) || !strings.HasPrefix(l.Version, "2.") || api.version < 22800 {
		t.Errorf("the library is %+v", l)
	}
	if os.Getenv("NCCL_RAS_ENABLE") != "0" {
		t.Error("NCCL is not told to open no port")
	}
	one, err := api.UniqueID()
	if err != nil {
		t.Fatal(err)
	}
	other, err := api.UniqueID()
	if err != nil || len(one) != 128 || bytes.Equal(one, other) {
		t.Errorf("ids of %d bytes, %v; the same twice: %v", len(one), err, bytes.Equal(one, other))
	}
	for code, want := range map[int]string{3: "ncclInternalError (3): internal error", 6: "ncclRemoteError (6): remote process exited or there was a network error", 99: "unknown code (99): unknown result code"} {
		if err := explained("call", code); !strings.HasPrefix(err.Error(), "call: "+want) || !errors.Is(err, driver.ErrGone) {
			t.Errorf("code %d is %v", code, err)
		}
	}
	if _, err := dl.OpenFirst("the CUDA driver", "CONTIG_LIBCUDA", "libcuda.so.1"); err == nil {
		t.Log("not tried: what NCCL says where there is no driver; this machine has one")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = Join(ctx, &stream{}, driver.Place{ID: one, Size: 1}, true)
	var e *Error
	if !errors.As(err, &e) || e.Call != "ncclCommInitRankConfig" || e.Code != 1 || !strings.Contains(e.Last, "driver") {
		t.Errorf("without a driver: %v", err)
	}
	t.Log(err)
	if os.Getenv("NCCL_NVLS_ENABLE") != "0" {
		t.Error("NVLS is not excluded")
	}
}

// TestNoLibrary: the error says what was looked for and where, and a file that is no NCCL is refused for what it lacks.
func TestNoLibrary(t *testing.T) {
	for file, want := range map[string][]string{"/nowhere/libnccl.so.2": {"NCCL (libnccl.so.2) could not be opened", Env, "/nowhere/libnccl.so.2"}, "libm.so.6": {"ncclGetVersion"}} {
		t.Setenv(Env, file)
		_, err := Load()
		if !errors.Is(err, driver.ErrNoCollectives) {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", file, err, w)
			}
		}
	}
}

// TestTooOld: a library without what is used is refused by its version, which is named beside the least.
func TestTooOld(t *testing.T) {
	so := filepath.Join(t.TempDir(), "libold.so")
	if out, err := exec.Command("gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", so, "testdata/old.c").CombinedOutput(); err != nil {
		t.Skipf("no gcc? %v\n%s", err, out)
	}
	rerun(t, "TestTooOldLibrary", Env+"="+so)
}

func TestTooOldLibrary(t *testing.T) {
	isInner(t)
	_, err := Load()
	if !errors.Is(err, driver.ErrNoCollectives) || !strings.Contains(err.Error(), os.Getenv(Env)+" is NCCL 2.18.5, at least 2.19.0 is needed") {
		t.Error(err)
	}
}

// TestUnlessSet: what the user has set stays.
func TestUnlessSet(t *testing.T) {
	t.Setenv("NCCL_RAS_ENABLE", "1")
	if err := unlessSet("NCCL_RAS_ENABLE", "0"); err != nil || os.Getenv("NCCL_RAS_ENABLE") != "1" {
		t.Errorf("%v, the variable is %q", err, os.Getenv("NCCL_RAS_ENABLE"))
	}
}
