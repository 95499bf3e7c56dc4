package traintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/model/checkpoint"
)

// Lines returns the lines of a run's metrics.jsonl.
func Lines(t testing.TB, dir string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for line := range bytes.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// SameTensors holds the last checkpoint of a run against that of another: as many steps, and tensors that differ by no more than tol of the largest value
// that the tensor wanted has, but for those whose names skip takes. Of weights that are smaller than 1e-3, such as a bias that begins at 0, the scale is that.
func SameTensors(t testing.TB, dir, wantDir string, tol float64, skip func(name string) bool) {
	t.Helper()
	got, want := last(t, dir), last(t, wantDir)
	var a, b struct{ Step int }
	if err := got.DecodeState(&a); err != nil {
		t.Fatal(err)
	}
	if err := want.DecodeState(&b); err != nil {
		t.Fatal(err)
	}
	if len(got.File.Tensors) != len(want.File.Tensors) || a.Step != b.Step {
		t.Fatalf("%d tensors of step %d, want %d of %d", len(got.File.Tensors), a.Step, len(want.File.Tensors), b.Step)
	}
	for i, x := range got.File.Tensors {
		y := want.File.Tensors[i]
		if x.Name != y.Name {
			t.Fatalf("tensor %d is %s, want %s", i, x.Name, y.Name)
		}
		if skip != nil && skip(x.Name) {
			continue
		}
		u, v := x.Float64s(), y.Float64s()
		norm, off := 1e-3, 0.0
		if strings.HasPrefix(x.Name, "optimizer.") {
			norm = 0
		}
		for k := range v {
			norm, off = math.Max(norm, math.Abs(v[k])), math.Max(off, math.Abs(u[k]-v[k]))
		}
		if !(off <= tol*norm) {
			t.Errorf("%s is off by %.3g of %.3g", x.Name, off, norm)
		}
	}
}

func last(t testing.TB, dir string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Read(filepath.Join(dir, "checkpoints", "last.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// SameLosses holds the lines of metrics of a run against those of another: losses and norms of gradients that differ by no more than tol of what is
// wanted, and the same retrieval. kinds names the kinds of lines that are compared.
func SameLosses(t testing.TB, dir, wantDir string, tol float64, kinds string) {
	t.Helper()
	got, want := Lines(t, dir), Lines(t, wantDir)
	if len(got) != len(want) {
		t.Fatalf("%d lines of metrics, want %d", len(got), len(want))
	}
	for i, w := range want {
		if !strings.Contains(kinds, w["kind"].(string)) {
			continue
		}
		for _, key := range []string{"loss", "grad_norm"} {
			a, _ := got[i][key].(float64)
			b, _ := w[key].(float64)
			if !(math.Abs(a-b) <= tol*math.Abs(b)) {
				t.Errorf("line %d: %s is %.17g, want %.17g", i, key, a, b)
			}
		}
		if fmt.Sprint(got[i]["retrieval"]) != fmt.Sprint(w["retrieval"]) {
			t.Errorf("line %d: retrieval %v, want %v", i, got[i]["retrieval"], w["retrieval"])
		}
	}
}
