//go:build linux && cgo

package dnn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// How much TestPlans asks, in $CONTIG_CUDNN: "full" is every convolution of every encoder and size, and compares with the
// project's files what it finds: ten minutes of a processor for a version of the library; "update" is the same and writes them. "share:" and a commit's
// hash is full for one GPU and type of each version, which the hash chooses, and the least for the others; without a word it is the least for all: one
// encoder at one size, and few of the plans that take a second or two, since they are compiled at run time.
func wanted() string { return os.Getenv("CONTIG_CUDNN") }

func full() bool { return wanted() == "full" || wanted() == "update" }

// A part is what a process plans for: a GPU and a type.
type part struct {
	gpu  string
	conv driver.Conv // its type alone
}

func (p part) String() string { return p.gpu + "/" + typeName(p.conv) }

// partsOf returns every GPU in each of these types.
func partsOf(types []driver.Conv) (all []part) {
	for _, gpu := range dnn.GPUs() {
		for _, c := range types {
			all = append(all, part{gpu, c})
		}
	}
	return all
}

// chosen returns which of n parts a share is, by the first eight digits of the hash; -1 where no share is wanted.
func chosen(t *testing.T, n int) int {
	t.Helper()
	hash, share := strings.CutPrefix(wanted(), "share:")
	if !share {
		return -1
	}
	v, err := strconv.ParseUint(hash[:min(8, len(hash))], 16, 64)
	if err != nil {
		t.Fatalf("CONTIG_CUDNN=%s: %v", wanted(), err)
	}
	return int(v % uint64(n))
}

// partEnv names the part that a process plans for, as "h200/bf16", resultEnv the file for what it finds, encodersEnv the encoders of a full plan,
// where they are not all.
const partEnv, resultEnv, encodersEnv = "CONTIG_DNN_TEST_PART", "CONTIG_DNN_TEST_RESULT", "CONTIG_DNN_TEST_ENCODERS"

// types are the precisions that are asked for.
func types() []driver.Conv {
	return []driver.Conv{{Type: driver.BF16}, {Type: driver.F16}, {TF32: true}, {}}
}

// A finding is the answer to a Problem.
type finding struct {
	Problem dnn.Problem
	Choice  dnn.Choice
	Missing string // the library's reason why there is no plan
}

// answers are what one process found.
type answers struct {
	Version string
	Found   []finding
}

// TestPlans makes plans for every GPU of gpus/ with the real library, without a GPU. cuDNN's engines that are compiled at
// run time look for a libcuda, which is a stand-in here, so the plans of a GPU and type are made in a process of their own, one
// for each processor at a time.
func TestPlans(t *testing.T) {
	turn.Share(t)
	vendor := dnn.Wheels(t, "cudnn/lib/libcudnn.so.9")
	if testing.Short() {
		t.Skip("-short: planning takes a minute")
	}
	env := []string{"LD_LIBRARY_PATH=" + dnn.StubDriver(t), "CONTIG_LIBCUDNN=" + filepath.Join(vendor, "cudnn/lib/libcudnn.so.9"), "CONTIG_LIBNVRTC=" + filepath.Join(vendor, "cu13/lib/libnvrtc.so.13")}
	parts := partsOf(types())
	all := runParts(t, parts, append(env, blasOf(vendor)...))
	if t.Failed() {
		return
	}
	found := map[string][]finding{}
	for i, p := range parts {
		found[p.gpu] = append(found[p.gpu], all[i].Found...)
	}
	table := tabulate(found)
	t.Logf("\n%s", table)
	files := map[string][]byte{"workspaces.json": dnn.WorkspacesJSON(all[0].Version, needs(found)), "../../../docs/gpu/cudnn-plans.md": document(all[0].Version, table)}
	for path, content := range files {
		keep(t, path, content)
	}
	if i := chosen(t, len(parts)); i >= 0 {
		compareShare(t, parts[i], all[i])
	}
}

// TestPlansOfTorch does the same with the version of cuDNN that PyTorch brings, which is what a machine with PyTorch has: every convolution of
// ResNet-18 and 50 in 16 bits. NVRTC lies alone in a folder that the loader knows, as a link: its built-in functions are where wheels have them.
func TestPlansOfTorch(t *testing.T) {
	turn.Share(t)
	if testing.Short() {
		t.Skip("-short: planning takes a minute")
	}
	runParts(t, partsOf(types()[:2]), append(torchEnv(t), encodersEnv+"=resnet18,resnet50"))
}

// torchEnv is the environment of a process that has the libraries of PyTorch, and where the loader looks a driver that is none, and NVRTC without
// what it needs.
func torchEnv(t *testing.T) []string {
	t.Helper()
	vendor, torch := dnn.Wheels(t, "cu13/lib/libcublasLt.so.13"), dnn.TorchWheels(t)
	folder := dnn.StubDriver(t)
	if err := os.Symlink(filepath.Join(torch, "cu13/lib/libnvrtc.so.13"), filepath.Join(folder, "libnvrtc.so.13")); err != nil {
		t.Fatal(err)
	}
	// No other place has an NVRTC: no Python, no wheels.
	return append(blasOf(vendor), "LD_LIBRARY_PATH="+folder, "CONTIG_LIBCUDNN="+filepath.Join(torch, "cudnn/lib/libcudnn.so.9"), "PATH="+t.TempDir(), "VIRTUAL_ENV=",
		"CUDA_HOME=", "CONTIG_WHEELS=", "CONTIG_LIBNVRTC=", "XDG_CACHE_HOME="+t.TempDir())
}

func blasOf(vendor string) []string {
	return []string{"CONTIG_LIBCUBLASLT=" + filepath.Join(vendor, "cu13/lib/libcublasLt.so.13"), "CONTIG_LIBCUBLAS=" + filepath.Join(vendor, "cu13/lib/libcublas.so.13")}
}

// runParts plans each part in a process of its own and returns their answers. Where a share is wanted, one part is planned in full.
func runParts(t *testing.T, parts []part, env []string) []answers {
	t.Helper()
	all, folder, share := make([]answers, len(parts)), t.TempDir(), chosen(t, len(parts))
	if share >= 0 {
		t.Logf("the share of this commit is %v", parts[share])
	}
	var working sync.WaitGroup
	running := make(chan struct{}, runtime.NumCPU())
	for i, p := range parts {
		working.Go(func() {
			running <- struct{}{}
			defer func() { <-running }()
			result := filepath.Join(folder, fmt.Sprint(i))
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlansOfOnePart$", "-test.timeout=120m")
			cmd.Env = append(append(os.Environ(), env...), partEnv+"="+p.String(), resultEnv+"="+result)
			switch {
			case i == share:
				cmd.Env = append(cmd.Env, "CONTIG_CUDNN=full")
			case share >= 0:
				cmd.Env = append(cmd.Env, "CONTIG_CUDNN=")
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", p, err, out)
			} else {
				all[i] = read(t, result)
			}
		})
	}
	working.Wait()
	return all
}

// compareShare compares what was found for one GPU and type with the project's files, which hold it for all.
func compareShare(t *testing.T, p part, a answers) {
	t.Helper()
	version, rows, err := dnn.Workspaces(p.gpu)
	if err != nil || version != a.Version {
		t.Errorf("workspaces.json is of version %s, the library %s; %v", version, a.Version, err)
	}
	rows = slices.DeleteFunc(rows, func(w dnn.Workspace) bool { return w.Conv.Type != p.conv.Type || w.Conv.TF32 != p.conv.TF32 })
	if is := needs(map[string][]finding{p.gpu: a.Found})[p.gpu]; !slices.Equal(is, rows) {
		t.Errorf("%v: workspaces.json has %v, the library says %v: run with CONTIG_CUDNN=update", p, rows, is)
	}
	text, err := os.ReadFile("../../../docs/gpu/cudnn-plans.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range dnn.Ops() {
		if line := row(p.gpu, op, typeName(p.conv), a.Found); !strings.Contains(string(text), line) {
			t.Errorf("docs/gpu/cudnn-plans.md lacks %s: run with CONTIG_CUDNN=update", line)
		}
	}
}

// keep writes a file of the project, or compares it with what a full run found.
func keep(t *testing.T, path string, content []byte) {
	t.Helper()
	if wanted() == "update" {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if wanted() == "full" {
		if is, err := os.ReadFile(path); err != nil || !bytes.Equal(is, content) {
			t.Errorf("%s is not what the library says now (%v): run with CONTIG_CUDNN=update", path, err)
		}
	}
}

func read(t *testing.T, path string) answers {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f answers
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPlansOfOnePart is the part of TestPlans that runs in a process of its own: one GPU and type.
func TestPlansOfOnePart(t *testing.T) {
	model, name, ok := strings.Cut(os.Getenv(partEnv), "/")
	if !ok {
		t.Skip("run by TestPlans")
	}
	description, err := dnn.Description(model)
	if err != nil {
		t.Fatal(err)
	}
	prober, err := dnn.NewProber(description)
	if err != nil {
		t.Fatal(err)
	}
	defer prober.Close()
	a := asker{T: t, prober: prober, asked: map[dnn.Problem]bool{}, compiled: map[string]bool{}}
	encoders, sizes := []string{"resnet18"}, []int{224}
	if full() {
		encoders, sizes = []string{"resnet18", "resnet34", "resnet50", "resnet101"}, []int{224, 448}
	}
	if some := os.Getenv(encodersEnv); full() && some != "" {
		encoders = strings.Split(some, ",")
	}
	t.Logf("cuDNN %s", prober.Version())
	info, err := dnn.GPUInfo(model)
	if err != nil {
		t.Fatal(err)
	}
	c := types()[slices.IndexFunc(types(), func(c driver.Conv) bool { return typeName(c) == name })]
	for _, u := range layers(t, []gpu.DType{driver.F32: gpu.F32, driver.BF16: gpu.BF16, driver.F16: gpu.F16}[c.Type], encoders, sizes...) {
		u.conv.Type, u.conv.TF32 = c.Type, c.TF32
		for _, q := range problems(u, info.Arch) {
			a.ask(q)
		}
	}
	b, err := json.Marshal(answers{prober.Version(), a.found})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(resultEnv), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// An asker asks the library for the plans of one GPU and type.
type asker struct {
	*testing.T
	prober   *dnn.Prober
	found    []finding
	asked    map[dnn.Problem]bool
	compiled map[string]bool // see worth
}

// ask proves that a Problem has a plan, or that it has none where that is known.
func (a *asker) ask(p dnn.Problem) {
	if a.asked[p] {
		return
	}
	a.asked[p] = true
	c, err := a.prober.Propose(p, dnn.Options{})
	if (err != nil) != missing(p) {
		a.Errorf("%s: %v; known to be missing: %v", p, err, missing(p))
	}
	if err != nil {
		a.found = append(a.found, finding{p, c, err.Error()})
		return
	}
	if a.worth(p, c) && a.prober.Rebuild(p, c, dnn.Options{}) != nil { // a proposal may fail: then another is taken
		if c, err = a.prober.Plan(p, dnn.Options{}); err != nil {
			a.Errorf("%s: %v", p, err)
		}
	}
	a.found = append(a.found, finding{p, c, ""})
}

// worth tells whether a plan is made, beyond its configuration. Unless all are asked for, few that are compiled at run time are: of one type and
// window, one of each engine, settings and operation.
func (a *asker) worth(p dnn.Problem, c dnn.Choice) bool {
	if !c.Compiled || full() {
		return true
	}
	key := fmt.Sprint(p.Op, c.Engine, c.Knobs)
	if a.compiled[key] || p.Conv.Type != driver.BF16 || p.Conv.R != 3 || p.Conv.Stride != 1 {
		return false
	}
	a.compiled[key] = true
	return true
}
