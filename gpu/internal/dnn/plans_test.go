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
	"strings"
	"sync"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// How much TestPlans asks, in $CONTIG_CUDNN: "full" is every convolution of every encoder and size, and compares with the
// project's files what it finds: twenty minutes of a processor; "update" is the same and writes them. Otherwise it is one
// encoder at one size, and few of the plans that take a second or two, since they are compiled at run time.
func wanted() string { return os.Getenv("CONTIG_CUDNN") }

func full() bool { return wanted() == "full" || wanted() == "update" }

// partEnv names the part that a process plans for, as "h200/bf16", resultEnv the file for what it finds.
const partEnv, resultEnv = "CONTIG_DNN_TEST_PART", "CONTIG_DNN_TEST_RESULT"

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

// TestPlans makes plans for every GPU of cards/ with the real library, without a GPU. cuDNN's engines that are compiled at
// run time look for a libcuda, which is a stand-in here, so the plans of a GPU and type are made in a process of their own, one
// for each processor at a time.
func TestPlans(t *testing.T) {
	vendor := dnn.Wheels(t, "cudnn/lib/libcudnn.so.9")
	if testing.Short() {
		t.Skip("-short: planning takes a minute")
	}
	env := append(os.Environ(), "LD_LIBRARY_PATH="+stubDriver(t),
		"CONTIG_LIBCUDNN="+filepath.Join(vendor, "cudnn/lib/libcudnn.so.9"), "CONTIG_LIBNVRTC="+filepath.Join(vendor, "cu13/lib/libnvrtc.so.13"),
		"CONTIG_LIBCUBLASLT="+filepath.Join(vendor, "cu13/lib/libcublasLt.so.13"), "CONTIG_LIBCUBLAS="+filepath.Join(vendor, "cu13/lib/libcublas.so.13"))
	folder := t.TempDir()
	result := func(card string, c driver.Conv) string { return filepath.Join(folder, card+"-"+typeName(c)+".json") }
	var parts sync.WaitGroup
	running := make(chan struct{}, runtime.NumCPU())
	for _, card := range dnn.Cards() {
		for _, c := range types() {
			parts.Go(func() {
				running <- struct{}{}
				defer func() { <-running }()
				part := card + "/" + typeName(c)
				cmd := exec.Command(os.Args[0], "-test.run=^TestPlansOfOnePart$", "-test.timeout=120m")
				cmd.Env = append(slices.Clone(env), partEnv+"="+part, resultEnv+"="+result(card, c))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", part, err, out)
				}
			})
		}
	}
	if parts.Wait(); t.Failed() {
		return
	}
	found, version := map[string][]finding{}, ""
	for _, card := range dnn.Cards() {
		for _, c := range types() {
			a := read(t, result(card, c))
			found[card], version = append(found[card], a.Found...), a.Version
		}
	}
	table := tabulate(found)
	t.Logf("\n%s", table)
	files := map[string][]byte{"workspaces.json": dnn.WorkspacesJSON(version, needs(found)), "../../../docs/gpu/cudnn-plans.md": document(version, table)}
	for path, content := range files {
		keep(t, path, content)
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

// stubDriver compiles a libcuda.so.1 that has no driver and returns its folder.
func stubDriver(t *testing.T) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc")
	}
	dir := t.TempDir()
	out, err := exec.Command(gcc, "-Wall", "-Wextra", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "testdata/libcuda_stub.c", "-o", filepath.Join(dir, "libcuda.so.1")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
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
	card, name, ok := strings.Cut(os.Getenv(partEnv), "/")
	if !ok {
		t.Skip("run by TestPlans")
	}
	description, err := dnn.Card(card)
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
	c := types()[slices.IndexFunc(types(), func(c driver.Conv) bool { return typeName(c) == name })]
	for _, u := range layers(t, []gpu.DType{driver.F32: gpu.F32, driver.BF16: gpu.BF16, driver.F16: gpu.F16}[c.Type], encoders, sizes...) {
		u.conv.Type, u.conv.TF32 = c.Type, c.TF32
		for _, q := range problems(u) {
			a.ask(q)
		}
	}
	for _, u := range layers(t, gpu.BF16, []string{"resnet18"}, 224)[1:] {
		u.conv.Type, u.conv.TF32 = c.Type, c.TF32
		for _, op := range spare() {
			a.ask(dnn.Problem{Op: op, Conv: u.conv})
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

// worth tells whether a plan is made, beyond its configuration. Of those that no device uses, and unless all are asked for,
// few that are compiled at run time are: of one type and window, one of each engine, settings and operation.
func (a *asker) worth(p dnn.Problem, c dnn.Choice) bool {
	if !c.Compiled || full() && !slices.Contains(spare(), p.Op) {
		return true
	}
	key := fmt.Sprint(p.Op, c.Engine, c.Knobs)
	if a.compiled[key] || p.Conv.Type != driver.BF16 || p.Conv.R != 3 || p.Conv.Stride != 1 {
		return false
	}
	a.compiled[key] = true
	return true
}
