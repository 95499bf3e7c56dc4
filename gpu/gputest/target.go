package gputest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
)

// A Target is a device that the conformance suite runs on, and the types it computes in.
type Target struct {
	Name  string // "cpu", "emulated", or what CONTIG_DEVICE says
	Types []gpu.DType

	spec               string
	emulated, portable bool
}

// portableWord, after a device in CONTIG_DEVICE, is Portable.
const portableWord = "portable"

// Portable returns the target without vendor's libraries: products and convolutions by our own kernels.
func (g Target) Portable() Target {
	g.Name, g.portable = g.Name+", "+portableWord, true
	return g
}

// IsPortable reports whether the target is without vendor's libraries.
func (g Target) IsPortable() bool { return g.portable }

// Targets returns what the suite runs on: the devices that CONTIG_DEVICE lists ("cuda:0", "cpu,cuda:1", "cuda:0 portable"); without it
// the CPU and the emulated GPU. A target that is absent skips its tests when it is opened, unless it was listed.
func Targets() []Target {
	list := os.Getenv("CONTIG_DEVICE")
	if list == "" {
		return []Target{targetOf("cpu"), {Name: "emulated", Types: gpuTypes(), spec: "cuda:0", emulated: true}}
	}
	var ts []Target
	for _, spec := range strings.Split(list, ",") {
		ts = append(ts, targetOf(strings.TrimSpace(spec)))
	}
	return ts
}

func targetOf(spec string) Target {
	if spec, ok := strings.CutSuffix(spec, " "+portableWord); ok {
		return targetOf(strings.TrimSpace(spec)).Portable()
	}
	switch {
	case spec == "cpu":
		return Target{Name: spec, spec: spec, Types: []gpu.DType{gpu.F32, gpu.F64}}
	case strings.HasPrefix(spec, "cuda"):
		return Target{Name: spec, spec: spec, Types: gpuTypes()}
	}
	return Target{Name: spec, spec: spec, Types: []gpu.DType{gpu.F32}}
}

func gpuTypes() []gpu.DType { return []gpu.DType{gpu.F32, gpu.BF16, gpu.F16} }

// Has reports whether the target computes in type d.
func (g Target) Has(d gpu.DType) bool {
	for _, t := range g.Types {
		if t == d {
			return true
		}
	}
	return false
}

// Open opens the target for the length of the test.
func (g Target) Open(t testing.TB) *gpu.Device {
	t.Helper()
	if g.emulated {
		UseEmulator(t)
	} else {
		keepGPUs.keep(t, g.spec)
	}
	return Open(t, g.spec, gpu.Options{Threads: 2, Portable: g.portable})
}

// OpenLong is Open for what takes minutes on the emulator: see Long.
func (g Target) OpenLong(t testing.TB) *gpu.Device {
	t.Helper()
	if g.emulated {
		Long(t)
	}
	return g.Open(t)
}

// Long skips a test that takes minutes on the emulator, unless package turn says that it is asked for.
func Long(t testing.TB) {
	t.Helper()
	turn.Long(t)
}

// OpenEmulated opens the GPU that the emulator plays, for the length of the test, and skips the test where the
// emulator is not built.
func OpenEmulated(t testing.TB) *gpu.Device {
	t.Helper()
	UseEmulator(t)
	return Open(t, "cuda:0", gpu.Options{})
}

// UseEmulator makes the emulator the machine's GPU for the length of the test, which it skips where the emulator is
// not built. A process that has used it cannot open a real GPU any more.
func UseEmulator(t testing.TB) {
	t.Helper()
	lib := Emulator(t)
	for _, name := range []string{"CONTIG_LIBCUDA", "CONTIG_LIBNVRTC", "CONTIG_LIBCUBLASLT", "CONTIG_LIBCUBLAS", "CONTIG_LIBCUDNN", "CONTIG_LIBNCCL"} {
		t.Setenv(name, lib)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // compiled kernels and plans of a GPU that does not exist
}

// Emulator returns the path of the emulator's library: $CONTIG_EMULATOR, else build/libsimt.so of the project. It
// skips the test where there is none.
func Emulator(t testing.TB) string {
	t.Helper()
	if p := os.Getenv("CONTIG_EMULATOR"); p != "" {
		return p
	}
	p := filepath.Join(projectRoot(t), "build", "libsimt.so")
	if _, err := os.Stat(p); err != nil {
		t.Skip("the GPU emulator is not built: run make emulator (it needs g++)")
	}
	return p
}

// projectRoot returns the folder of go.mod, above the test's own.
func projectRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return "."
		}
	}
}

// A GoldenTarget is a way to run a golden case: a device and the type to compute in.
type GoldenTarget struct {
	Name string
	Type gpu.DType
	Open func(t testing.TB) *gpu.Device
}

// GoldenTargets returns what golden cases of operations run on: the CPU in both types, on assembly and on portable
// kernels, and in float32 every GPU among Targets.
func GoldenTargets() []GoldenTarget {
	var js []GoldenTarget
	for _, d := range []gpu.DType{gpu.F32, gpu.F64} {
		for name, portable := range map[string]bool{"assembly": false, "portable": true} {
			js = append(js, GoldenTarget{d.String() + "/" + name, d, func(t testing.TB) *gpu.Device {
				return Open(t, "cpu", gpu.Options{Threads: 2, Portable: portable})
			}})
		}
	}
	for _, g := range Targets() {
		if !g.Has(gpu.F64) {
			js = append(js, GoldenTarget{"f32/" + g.Name, gpu.F32, g.Open})
		}
	}
	return js
}
