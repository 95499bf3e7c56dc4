//go:build linux && cgo

package dnn_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// suiteEnv names the file of what TestSuitePlansOfOne asks for, as JSON.
const suiteEnv = "CONTIG_DNN_TEST_SUITE"

// TestSuitePlans: what the conformance suite asks of cuDNN, on its shapes of few pixels, odd channels and wide strides, the real library has plans
// for, in both versions: each pass of each convolution has one at least in one of its ways, so that the suite runs on a GPU as it does on the
// emulator. The emulator's own record says what is asked.
func TestSuitePlans(t *testing.T) {
	turn.Share(t)
	if testing.Short() {
		t.Skip("-short: planning takes a minute")
	}
	vendor := dnn.Wheels(t, "cudnn/lib/libcudnn.so.9")
	asked := suiteProblems(t)
	if len(asked) < 100 {
		t.Fatalf("the suite asks for %d plans: its record is no longer what is read here", len(asked))
	}
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "problems.json")
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	newest := append(blasOf(vendor), "LD_LIBRARY_PATH="+dnn.StubDriver(t), "CONTIG_LIBCUDNN="+filepath.Join(vendor, "cudnn/lib/libcudnn.so.9"), "CONTIG_LIBNVRTC="+filepath.Join(vendor, "cu13/lib/libnvrtc.so.13"))
	for _, env := range [][]string{newest, torchEnv(t)} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSuitePlansOfOne$", "-test.v", "-test.timeout=60m")
		cmd.Env = append(append(os.Environ(), env...), suiteEnv+"="+file)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestSuitePlansOfOne") {
			t.Errorf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
	}
}

// suiteProblems runs the suite's convolutions on the emulator and returns what its cache of plans holds then, each once.
func suiteProblems(t *testing.T) []dnn.Problem {
	t.Helper()
	simt, err := filepath.Abs("../../../build/libsimt.so")
	if err == nil {
		_, err = os.Stat(simt)
	}
	if err != nil {
		t.Skipf("no emulator (%v): run make emulator", err)
	}
	cache := t.TempDir()
	cmd := exec.Command("go", "test", "-count=1", "-short", "-run", "^TestConformance.*Conv", "../..")
	cmd.Env = append(os.Environ(), "CONTIG_DEVICE=cuda:0", "CONTIG_EMULATOR="+simt, "XDG_CACHE_HOME="+cache, "GOCACHE="+goCache(t), "CONTIG_LONG=")
	for _, name := range []string{"CUDA", "NVRTC", "CUBLASLT", "CUBLAS", "CUDNN"} {
		cmd.Env = append(cmd.Env, "CONTIG_LIB"+name+"="+simt)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := map[dnn.Problem]bool{}
	err = filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		var kept struct{ Problem *dnn.Problem }
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(b, &kept) == nil && kept.Problem != nil && slices.Contains(dnn.Ops(), kept.Problem.Op) {
			seen[*kept.Problem] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b dnn.Problem) int { return strings.Compare(a.String(), b.String()) })
}

// goCache is where go keeps what it compiled: XDG_CACHE_HOME would move it.
func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Skipf("go is not on PATH, which runs the suite: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestSuitePlansOfOne is the part of TestSuitePlans that runs in a process of its own: one version of the library.
func TestSuitePlansOfOne(t *testing.T) {
	file := os.Getenv(suiteEnv)
	if file == "" {
		t.Skip("run by TestSuitePlans")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var asked []dnn.Problem
	if err := json.Unmarshal(text, &asked); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"h200", "a100"} {
		description, err := dnn.Description(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := dnn.NewProber(description)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, cuDNN %s: %s", name, p.Version(), suitePlans(t, p, asked))
		p.Close()
	}
}

// suitePlans asks for all plans, and says how many there are and which fused ones there are not.
func suitePlans(t *testing.T, p *dnn.Prober, asked []dnn.Problem) string {
	t.Helper()
	have, without := map[dnn.Problem]bool{}, ""
	for _, q := range asked {
		_, err := p.Plan(q, dnn.Options{})
		var none *dnn.NoPlanError
		if err != nil && !errors.As(err, &none) {
			t.Errorf("%s: %v", q, err) // no device can go on from this
		}
		if have[q] = err == nil; err != nil {
			without += "\n\tnone for " + q.String()
		}
	}
	for _, q := range asked {
		if !have[q] && !otherwise(q, have) {
			t.Errorf("%s has no plan, and nothing stands in for it", q)
		}
	}
	return fmt.Sprintf("%d of %d have a plan%s", len(asked)-strings.Count(without, "\n"), len(asked), without)
}

// otherwise reports whether a device does without a Problem: what is fused has its parts, a gradient of weights in 16 bits two ways.
func otherwise(q dnn.Problem, have map[dnn.Problem]bool) bool {
	with := func(op dnn.Op) bool { return have[dnn.Problem{Op: op, Conv: q.Conv}] }
	switch q.Op {
	case dnn.Forward, dnn.BackwardData:
		return false
	case dnn.BackwardWeight:
		return q.Conv.Type != driver.F32 && with(dnn.BackwardWeight16)
	case dnn.BackwardWeight16:
		return with(dnn.BackwardWeight)
	}
	return true
}
