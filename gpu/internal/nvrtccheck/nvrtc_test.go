//go:build linux && cgo

package nvrtccheck

import (
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/kernels"
)

// library returns the path of NVRTC among the wheels of scripts/cuda_wheels.sh.
func library(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("CONTIG_WHEELS")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		folder = filepath.Join(cache, "contig-gpu", "wheels")
	}
	path := filepath.Join(folder, "nvidia", "cu13", "lib", "libnvrtc.so.13")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: scripts/cuda_wheels.sh libraries installs it", err)
	}
	return path
}

func TestNVRTCCompilesTheKernels(t *testing.T) {
	turn.Share(t)
	if testing.Short() {
		t.Skip("-short: compiling takes seconds")
	}
	t.Setenv("CONTIG_LIBNVRTC", library(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // nothing compiled before counts
	for _, arch := range []int{80, 90, 100} {
		cubin, log, err := cuda.CompileNVRTC(kernels.Sources(), kernels.Units(), arch)
		if err != nil {
			t.Fatal(err)
		}
		if log != "" {
			t.Errorf("sm_%d: NVRTC says\n%s", arch, log)
		}
		if err := kernels.CheckCubin(cubin); err != nil {
			t.Errorf("sm_%d: %v", arch, err)
		}
	}
}
