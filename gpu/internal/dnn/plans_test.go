//go:build linux && cgo

package dnn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// How much TestPlans asks, in $CONTIG_CUDNN: "full" is every convolution of every encoder and size, and every kernel that is
// compiled at run time once; "update" is the same and writes what it finds into the project; "shapes" is every convolution too, but
// compiles a few kernels. Otherwise it is one encoder, and the same few kernels.
func wanted() string { return os.Getenv("CONTIG_CUDNN") }

// compiles tells whether every kernel is compiled once.
func compiles() bool { return wanted() == "full" || wanted() == "update" }

// cardEnv names the card for the process that plans for it, resultEnv the file for what it finds.
const cardEnv, resultEnv = "CONTIG_DNN_TEST_CARD", "CONTIG_DNN_TEST_RESULT"

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

// TestPlans makes plans for every card of cards/ with the real library, without a card. cuDNN's engines that are compiled at
// run time look for a libcuda, which is a stub here, so each card has a process of its own.
func TestPlans(t *testing.T) {
	vendor := dnn.Wheels(t, "cudnn/lib/libcudnn.so.9")
	if testing.Short() {
		t.Skip("-short: planning takes a minute")
	}
	env := append(os.Environ(), "LD_LIBRARY_PATH="+stubDriver(t),
		"CONTIG_LIBCUDNN="+filepath.Join(vendor, "cudnn/lib/libcudnn.so.9"), "CONTIG_LIBNVRTC="+filepath.Join(vendor, "cu13/lib/libnvrtc.so.13"),
		"CONTIG_LIBCUBLASLT="+filepath.Join(vendor, "cu13/lib/libcublasLt.so.13"), "CONTIG_LIBCUBLAS="+filepath.Join(vendor, "cu13/lib/libcublas.so.13"))
	folder := t.TempDir()
	result := func(card string) string { return filepath.Join(folder, card+".json") }
	var cards sync.WaitGroup
	for _, card := range dnn.Cards() {
		cards.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlansOfOneCard$", "-test.timeout=120m")
			cmd.Env = append(slices.Clone(env), cardEnv+"="+card, resultEnv+"="+result(card))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", card, err, out)
			}
		})
	}
	if cards.Wait(); t.Failed() {
		return
	}
	found, version := map[string][]finding{}, ""
	for _, card := range dnn.Cards() {
		a := read(t, result(card))
		found[card], version = a.Found, a.Version
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

// TestPlansOfOneCard is the part of TestPlans that runs in a process of its own.
func TestPlansOfOneCard(t *testing.T) {
	card := os.Getenv(cardEnv)
	if card == "" {
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
	a := asker{T: t, prober: prober, compiled: map[string]bool{}}
	encoders, sizes := []string{"resnet18"}, []int{224}
	if wanted() != "" {
		encoders, sizes = []string{"resnet18", "resnet34", "resnet50", "resnet101"}, []int{224, 448}
	}
	for _, p := range []struct {
		d    gpu.DType
		conv driver.Conv
	}{{gpu.BF16, driver.Conv{Type: driver.BF16}}, {gpu.F16, driver.Conv{Type: driver.F16}}, {gpu.F32, driver.Conv{TF32: true}}, {gpu.F32, driver.Conv{}}} {
		for _, u := range layers(t, p.d, encoders, sizes...) {
			u.conv.Type, u.conv.TF32 = p.conv.Type, p.conv.TF32
			for _, q := range problems(u) {
				a.ask(q)
			}
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

// An asker asks the library for plans.
type asker struct {
	*testing.T
	prober   *dnn.Prober
	found    []finding
	compiled map[string]bool // kernels that were compiled
}

// ask proves that a Problem has a plan, or that it has none where that is known. What is compiled at run time depends on engine,
// knobs, type and window, and is compiled once for all shapes that have these in common.
func (a *asker) ask(p dnn.Problem) {
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

// worth tells whether a plan is made, beyond its configuration.
func (a *asker) worth(p dnn.Problem, c dnn.Choice) bool {
	if !c.Compiled {
		return true
	}
	key := fmt.Sprint(p.Op, p.Beta, p.Conv.Type, p.Conv.R, p.Conv.S, p.Conv.Stride, p.Conv.Pad, c.Engine, c.Knobs)
	if a.compiled[key] || !compiles() && (p.Conv.Type != driver.BF16 || p.Conv.R != 3 || p.Conv.Stride != 1) {
		return false
	}
	a.compiled[key] = true
	return true
}
