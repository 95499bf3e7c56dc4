package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
)

// TestWritePlans: a pack written for a GPU that is not there is all that a training on such a GPU needs: it makes no plan, and the next
// start loads what the first one chose. The emulator plays that GPU, and the library that makes the plans.
func TestWritePlans(t *testing.T) {
	turn.Share(t)
	if !emulated(t) {
		return
	}
	t.Setenv("SIMT_MULTIPROCESSORS", "132")
	dir := t.TempDir()
	cohort, pack := filepath.Join(dir, "cohort"), filepath.Join(dir, "plans", "h200.zip")
	must(t, "synth", "--out", cohort, "--persons", "24", "--image-size", "32", "--seed", "3")
	model := []string{"--encoder", "resnet18", "--image-size", "32", "--batch", "4", "--hidden", "8", "--embedding", "8"}
	out := must(t, append([]string{"plan", "--gpu", "h200", "--features", "3", "--write-plans", pack, "--json"}, model...)...)
	var p memoryPlan
	if err := json.Unmarshal([]byte(out), &p); err != nil || p.Written == nil {
		t.Fatalf("plan says %s, %v", out, err)
	}
	if w := *p.Written; w.Problems < 40 || w.Missing != 0 || w.Plans < w.Problems || w.Compiled == 0 || w.Arch != 90 || w.SMs != 132 || w.Driver != 13000 || w.CuDNN != "9.26.0" {
		t.Errorf("%+v was written", w)
	}
	train := append([]string{"train", "--device", "cuda:0", "--images", filepath.Join(cohort, "images.tsv"), "--data", filepath.Join(cohort, "data.toml"),
		"--max-steps", "1"}, model...)
	for i, want := range []struct {
		packs string
		says  func(gpu.PlanCounts) bool
	}{
		{pack, func(c gpu.PlanCounts) bool { return c.Made == 0 && c.Cached == 0 && c.Packed > 40 }},
		{pack, func(c gpu.PlanCounts) bool { return c.Made == 0 && c.Packed == 0 && c.Cached > 20 }},
		{filepath.Join(dir, "absent.zip"), func(c gpu.PlanCounts) bool { return c.Made == 0 && c.Packed == 0 && c.Cached > 20 }},
	} {
		t.Setenv("CONTIG_PLAN_PACKS", want.packs)
		out := must(t, append(train[:len(train):len(train)], "--run", filepath.Join(dir, fmt.Sprint("run", i)))...)
		if c := countsIn(t, out); !want.says(c) {
			t.Errorf("start %d: %+v", i+1, c)
		}
		if warns := strings.Contains(out, "warning: cuDNN: packs of plans are not used"); warns != (i == 2) {
			t.Errorf("start %d says\n%s", i+1, out)
		}
	}
	os.RemoveAll(os.Getenv("XDG_CACHE_HOME"))
	out = must(t, append(train, "--run", filepath.Join(dir, "run3"))...)
	if c := countsIn(t, out); c.Made < 40 || c.Compiled == 0 || !strings.Contains(out, "making plans of convolutions") {
		t.Errorf("without a pack: %+v in\n%s", c, out)
	}
}

// countsIn reads what a training says of its plans, once.
func countsIn(t *testing.T, out string) (c gpu.PlanCounts) {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^plans of convolutions: .*$`).FindAllString(out, -1)
	if len(lines) != 1 {
		t.Fatalf("%d lines of plans in\n%s", len(lines), out)
	}
	_, err := fmt.Sscanf(lines[0], "plans of convolutions: %d made, of which %d compiled; %d loaded from an earlier start, %d from packs", &c.Made, &c.Compiled, &c.Cached, &c.Packed)
	mustDo(t, err)
	return c
}

// TestWritePlansWantsAGPU and a library.
func TestWritePlansWantsAGPU(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plans.zip")
	if code, _, errs := exec(t, "plan", "--write-plans", file, "--device", "cpu"); code != 2 || !strings.Contains(errs, "--gpu") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written")
	}
}
