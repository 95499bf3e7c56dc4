package arch

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stemsOf returns the first words of the names of a folder's files that match a pattern, without prefix.
func stemsOf(t *testing.T, folder, pattern, prefix string) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s of %s: %v, %v", pattern, folder, paths, err)
	}
	stems := map[string][]string{}
	for _, p := range paths {
		name := filepath.Base(p)
		if strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(pattern, "_test.go") {
			continue
		}
		words := strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, prefix), filepath.Ext(name)), "_")
		stems[words[0]] = append(stems[words[0]], name)
	}
	return stems
}

// shared are the files of gpu/internal/cpukern that belong to no one operation: the assembly and what chooses it, products, threads.
func shared() []string {
	return []string{"dispatch", "kern", "micro", "pack", "product", "unit", "vec", "workers"}
}

// complaints says where the floors of package gpu call an operation by different names: op_<stem>*.go has a conformance_<stem>*_test.go,
// unless it only moves values, and where it has a kernel or a CPU kernel of its own that is <stem>*.cu or <stem>*.go.
func complaints(ops, kernels, cpu, suite map[string][]string) []string {
	var bad []string
	for _, stem := range slices.Sorted(maps.Keys(ops)) {
		if suite[stem] == nil && stem != "fill" && stem != "copy" {
			bad = append(bad, "gpu/op_"+stem+".go has no gpu/conformance_"+stem+"_test.go")
		}
	}
	for _, stem := range slices.Sorted(maps.Keys(kernels)) {
		if ops[stem] == nil {
			bad = append(bad, "kernels/"+kernels[stem][0]+" has no gpu/op_"+stem+".go")
		}
	}
	for _, stem := range slices.Sorted(maps.Keys(cpu)) {
		if ops[stem] == nil && !slices.Contains(shared(), stem) {
			bad = append(bad, "gpu/internal/cpukern/"+cpu[stem][0]+" has no gpu/op_"+stem+".go")
		}
	}
	return bad
}

// TestStems: an operation has one name on every floor, so that a search for it finds its comment, its kernels and its test.
func TestStems(t *testing.T) {
	ops, kernels := stemsOf(t, "gpu", "op_*.go", "op_"), stemsOf(t, "kernels", "*.cu", "")
	if len(ops) < 20 || len(kernels) < 15 {
		t.Fatalf("%d operations and %d kernels: the patterns no longer fit the code", len(ops), len(kernels))
	}
	for _, bad := range complaints(ops, kernels, stemsOf(t, "gpu/internal/cpukern", "*.go", ""), stemsOf(t, "gpu", "conformance_*_test.go", "conformance_")) {
		t.Error(bad)
	}
}

// TestStemsRefused: each floor that has a name of its own is told.
func TestStemsRefused(t *testing.T) {
	name := func(stems ...string) map[string][]string {
		m := map[string][]string{}
		for _, s := range stems {
			m[s] = []string{s}
		}
		return m
	}
	for want, bad := range map[string][]string{
		"":                      complaints(name("relu", "fill"), name("relu"), name("relu", "vec"), name("relu", "empty")),
		"gpu/conformance_relu_": complaints(name("relu"), name("relu"), name("relu"), name("elem")),
		"kernels/elem":          complaints(name("relu"), name("elem"), name("relu"), name("relu")),
		"cpukern/path":          complaints(name("relu"), name("relu"), name("path"), name("relu")),
	} {
		if text := strings.Join(bad, "; "); !strings.Contains(text, want) || (want == "") != (len(bad) == 0) || len(bad) > 1 {
			t.Errorf("%q, want one with %q", bad, want)
		}
	}
}
