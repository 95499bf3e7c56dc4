package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
)

// floatsOf reads the float32 values of a .npy of any shape.
func floatsOf(t *testing.T, path string) []float64 {
	t.Helper()
	b := read(t, path)
	shape := regexp.MustCompile(`'shape': \(([^)]*)\)`).FindSubmatch(b)
	if shape == nil {
		t.Fatalf("%s has no shape", path)
	}
	n := 1
	for _, side := range strings.Split(string(shape[1]), ",") {
		if side = strings.TrimSpace(side); side != "" {
			v, err := strconv.Atoi(side)
			mustDo(t, err)
			n *= v
		}
	}
	out := make([]float64, n)
	for i, at := 0, len(b)-4*n; i < n; i++ {
		out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[at+4*i:])))
	}
	return out
}

// nearly compares two matrices: each value within bound of the largest magnitude, NaN where NaN is.
func nearly(got, want []float64, bound float64) error {
	if len(got) != len(want) || len(got) == 0 {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	top, worst := 0.0, 0.0
	for i, w := range want {
		if math.IsNaN(w) != math.IsNaN(got[i]) {
			return fmt.Errorf("value %d is %v, want %v", i, got[i], w)
		}
		if !math.IsNaN(w) {
			top, worst = max(top, math.Abs(w)), max(worst, math.Abs(got[i]-w))
		}
	}
	if top == 0 || worst > bound*top {
		return fmt.Errorf("off by %.2g of the largest magnitude %.2g, allowed %.1g", worst/top, top, bound)
	}
	return nil
}

// TestExplainCUDA: on the emulated GPU the verb finds what it finds on the CPU: attributions by every method, heat maps by every method and along a feature, tests.
// Two orders of summation in float32 differ by about 1e-6; of maps it is
// more, since what an occluded window changes is small beside f, and rectifiers that stand at 0 may go either way.
func TestExplainCUDA(t *testing.T) {
	gputest.Long(t)
	if !emulated(t) {
		return
	}
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	cpu, cuda := filepath.Join(dir, "cpu"), filepath.Join(dir, "cuda")
	flags := []string{"--reference", "6", "--modalities", "burden,covariates", "--method", "ig,smooth,expected,deeplift,gradient,gradient-input", "--steps", "8", "--draws", "2",
		"--maps", "1", "--image-method", "gradient,smooth,ig,gradcam,occlusion", "--direction", "burden:GENE0001"}
	must(t, x.explain(cpu, flags...)...)
	if text := must(t, x.explain(cuda, append(flags, "--device", "cuda")...)...); !strings.Contains(text, ", float32: ") || strings.Contains(text, "device: cpu") {
		t.Errorf("explain printed\n%s", text)
	}
	files, err := filepath.Glob(filepath.Join(cpu, "private", "*.npy"))
	mustDo(t, err)
	pictures, err := filepath.Glob(filepath.Join(cpu, "private", "maps", "*.npy"))
	mustDo(t, err)
	if len(files) != 2*6 || len(pictures) != 3*5 {
		t.Fatalf("%d matrices and %d maps", len(files), len(pictures))
	}
	for _, f := range append(files, pictures...) {
		rel, _ := filepath.Rel(cpu, f)
		bound := 2e-5
		if strings.Contains(rel, "maps") {
			bound = 1e-3
		}
		if err := nearly(floatsOf(t, filepath.Join(cuda, rel)), floatsOf(t, f), bound); err != nil {
			t.Errorf("%s: %v", rel, err)
		}
	}
	for _, name := range []string{"burden.tsv", "covariates.groups.tsv", "burden.details.tsv"} {
		_, a := tsv(t, cuda, name)
		_, b := tsv(t, cpu, name)
		for _, row := range b {
			if !hasFeature(a, row[0]) {
				t.Errorf("%s lacks %s", name, row[0])
			}
		}
	}
	if !bytes.Equal(read(t, cuda, "private", "persons.txt"), read(t, cpu, "private", "persons.txt")) {
		t.Error("other persons are explained on the GPU")
	}
}

func hasFeature(rows [][]string, name string) bool {
	for _, r := range rows {
		if r[0] == name {
			return true
		}
	}
	return false
}
