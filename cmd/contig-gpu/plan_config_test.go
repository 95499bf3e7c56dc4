package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlanOfARunAndOfAFile: the memory of a run is what the run said of itself but for its tables, that of a file what train makes of it; flags win over both.
func TestPlanOfARunAndOfAFile(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	run, file := filepath.Join(dir, "run"), filepath.Join(dir, "c.toml")
	var said trainResult
	_, out, _ := exec(t, small(cohort, run, "--max-steps", "1", "--json")...)
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatal(err)
	}
	plan := func(flags ...string) (p memoryPlan) {
		t.Helper()
		if err := json.Unmarshal([]byte(must(t, append([]string{"plan", "--json"}, flags...)...)), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := plan("--run", run); p.Parameters != said.Parameters || p.ImageSize != 32 || p.Total > said.Memory || float64(p.Total) < 0.95*float64(said.Memory) {
		t.Errorf("the run has %d parameters and took %d bytes, its plan is %+v", said.Parameters, said.Memory, p)
	}
	if err := os.WriteFile(file, []byte("encoder = \"resnet18\"\nhidden = 8\nbatch = 6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := plan("--config", file, "--image-size", "64", "--features", "3"); p.Batch != 6 || p.ImageSize != 64 {
		t.Errorf("the file's plan is %+v", p)
	}
	if p := plan("--config", file, "--memory", "1G"); p.ImageSize != newSettings("default").ImageSize {
		t.Errorf("without a size of its own the file's images have %d px", p.ImageSize)
	}
	for _, c := range []struct {
		flags []string
		code  int
	}{{[]string{"--run", run, "--config", file}, 2}, {[]string{"--run", dir}, 1}, {[]string{"--config", dir}, 1}} {
		if code, _, errs := exec(t, append([]string{"plan"}, c.flags...)...); code != c.code || errs == "" {
			t.Errorf("%v: exit code %d, %s", c.flags, code, errs)
		}
	}
}

// TestDevicesAreWords: what no device is called is wrong usage, told before anything is read, without the names of devices that are for tests.
func TestDevicesAreWords(t *testing.T) {
	for _, verb := range []string{"train", "plan", "embed", "bench step"} {
		want := "contig-gpu: " + verb + ": --device: want auto, cpu, cuda or cuda:N, found \"gpu\""
		args := append(strings.Fields(verb), "--device", "gpu")
		if verb == "embed" {
			args = append(args, "--run", "none", "--images", "none", "--out", "none")
		}
		if code, _, errs := exec(t, args...); code != 2 || !strings.HasPrefix(errs, want) || strings.Contains(errs, "gorgonia") {
			t.Errorf("%s: exit code %d, %s", verb, code, errs)
		}
	}
	for name, ok := range map[string]bool{"auto": true, "cpu": true, "cuda": true, "cuda:0": true, "cuda:15": true, "cpu:0": false, "cuda:": false, "cuda:x": false, "cuda:-1": false, "": false, "CPU": false} {
		if err := deviceWord("train", name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
