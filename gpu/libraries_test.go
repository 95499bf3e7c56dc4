//go:build linux && cgo

package gpu_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// names returns what the libraries of a device are called.
func names(t *testing.T, d *gpu.Device) string {
	t.Helper()
	var all []string
	for _, l := range d.GPU().Libraries {
		if l.Version == "" || l.Path == "" {
			t.Errorf("%+v has no version or path", l)
		}
		all = append(all, l.Name)
	}
	return strings.Join(all, " ")
}

func TestLibrariesOfAGPU(t *testing.T) {
	gputest.UseEmulator(t)
	for portable, want := range map[bool]string{false: "libcuda libcublasLt libcudnn libnvrtc", true: "libcuda"} {
		if got := names(t, gputest.Open(t, "cuda:0", gpu.Options{Portable: portable})); got != want {
			t.Errorf("portable %v: the libraries are %s, want %s", portable, got, want)
		}
	}
}

func TestDescribeGPU(t *testing.T) {
	gputest.UseEmulator(t)
	text, err := gputest.Open(t, "cuda:0", gpu.Options{}).DescribeGPU()
	var described struct{ DeviceName string }
	if err == nil {
		err = json.Unmarshal(text, &described)
	}
	if err != nil || described.DeviceName != "SIMT emulator" {
		t.Errorf("%q, %v", text, err)
	}
	for _, d := range []*gpu.Device{gputest.Open(t, "cpu", gpu.Options{}), gputest.Open(t, "cuda:0", gpu.Options{Portable: true})} {
		if _, err := d.DescribeGPU(); err == nil {
			t.Errorf("%s has a description", d.Name())
		}
	}
}

// TestMissingLibrary opens a GPU where a library of the vendor's is not there: an error that names it and where it was
// looked for, and no convolution of ours in its stead. A library once opened stays so, hence the process of its own.
func TestMissingLibrary(t *testing.T) {
	if missing := os.Getenv("CONTIG_GPU_TEST_MISSING"); missing != "" {
		openWithout(t, missing)
		return
	}
	gputest.UseEmulator(t)
	for _, env := range []string{"CONTIG_LIBCUBLASLT", "CONTIG_LIBCUDNN"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMissingLibrary$", "-test.v")
		cmd.Env = append(os.Environ(), "CONTIG_GPU_TEST_MISSING="+env)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("without %s: %v\n%s", env, err, out)
		}
	}
}

func openWithout(t *testing.T, env string) {
	gputest.UseEmulator(t)
	absent := filepath.Join(t.TempDir(), "absent.so")
	t.Setenv(env, absent)
	for range 2 { // a failure leaves nothing behind
		_, err := gpu.Open("cuda:0", gpu.Options{})
		library := map[string]string{"CONTIG_LIBCUBLASLT": "cuBLASLt (libcublasLt.so.13)", "CONTIG_LIBCUDNN": "cuDNN (libcudnn.so.9)"}[env]
		if !errors.Is(err, gpu.ErrNoDevice) || !strings.Contains(err.Error(), library+" could not be opened; "+env) || !strings.Contains(err.Error(), absent) {
			t.Errorf("Open says %v", err)
		}
	}
	d := gputest.Open(t, "auto", gpu.Options{})
	if d.Name() != "cpu" || !strings.Contains(d.Why(), "could not be opened") {
		t.Errorf("auto takes %s: %s", d.Name(), d.Why())
	}
	if got := names(t, gputest.Open(t, "cuda:0", gpu.Options{Portable: true})); got != "libcuda" {
		t.Errorf("the portable device has %s", got)
	}
}

// TestWarning: where chosen plans cannot be kept, convolutions run and the device says so.
func TestWarning(t *testing.T) {
	gputest.UseEmulator(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for folder, warns := range map[string]bool{t.TempDir(): false, file: true} {
		t.Setenv("XDG_CACHE_HOME", folder)
		d := gputest.Open(t, "cuda:0", gpu.Options{})
		a := d.NewArena(1 << 16)
		x, w, y := a.Zeros(gpu.BF16, 1, 3, 3, 8), a.Zeros(gpu.BF16, 8, 3, 3, 8), a.New(gpu.BF16, 1, 3, 3, 8)
		gpu.Conv(y, x, w, gpu.ConvSpec{Stride: 1, Pad: 1})
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		if w := d.Warning(); (w != nil) != warns || warns && !strings.Contains(w.Error(), "chosen plans") {
			t.Errorf("with %s as cache folder the device warns: %v", folder, w)
		}
	}
}

// TestFirstPlans: where the first proposals are wanted, nothing is timed or kept.
func TestFirstPlans(t *testing.T) {
	gputest.UseEmulator(t)
	for _, plans := range []string{"first", ""} {
		t.Setenv("CONTIG_PLANS", plans)
		d := gputest.Open(t, "cuda:0", gpu.Options{})
		a := d.NewArena(1 << 16)
		gpu.Conv(a.New(gpu.BF16, 1, 4, 4, 8), a.Zeros(gpu.BF16, 1, 4, 4, 8), a.Zeros(gpu.BF16, 8, 1, 1, 8), gpu.ConvSpec{Stride: 1})
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "contig-gpu", "cudnn", "*", "*.json"))
		if made := d.PlanCounts().Made; (made == 1) != (plans == "first") || (len(files) == 0) != (plans == "first") {
			t.Errorf("CONTIG_PLANS=%s: %d plans made, files %v", plans, made, files)
		}
	}
}

// TestAnyOrder: plans whose sums have no fixed order are chosen only where they are allowed, and kept apart from the others.
func TestAnyOrder(t *testing.T) {
	gputest.UseEmulator(t)
	for _, any := range []bool{false, true} {
		a := gputest.Open(t, "cuda:0", gpu.Options{NonDeterministic: any}).NewArena(1 << 16)
		gpu.Conv(a.New(gpu.BF16, 1, 4, 4, 8), a.Zeros(gpu.BF16, 1, 4, 4, 8), a.Zeros(gpu.BF16, 8, 1, 1, 8), gpu.ConvSpec{Stride: 1})
		if err := a.Device().Sync(); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "contig-gpu", "cudnn", "*", "*.json"))
		apart, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "contig-gpu", "cudnn", "*-any-order", "*.json"))
		if both := map[bool]int{false: 1, true: 2}[any]; len(files) != both || len(apart) != both-1 {
			t.Errorf("any order %v: the files are %v", any, files)
		}
	}
}
