package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// swapAlleles exchanges the alleles of every second variant of a fileset, and recodes its genotypes: the same persons with the same alleles, counted the other way.
func swapAlleles(t *testing.T, prefix string, persons int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(read(t, prefix+".bim")), "\n"), "\n")
	bed, stride := read(t, prefix+".bed"), (persons+3)/4
	for v := 0; v < len(lines); v += 2 {
		f := strings.Split(lines[v], "\t")
		f[4], f[5] = f[5], f[4]
		lines[v] = strings.Join(f, "\t")
		for p := range persons {
			b, shift := &bed[3+v*stride+p/4], 2*(p%4)
			if g := *b >> shift & 3; g == 0 || g == 3 { // homozygous
				*b ^= 3 << shift
			}
		}
	}
	mustDo(t, os.WriteFile(prefix+".bim", []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	mustDo(t, os.WriteFile(prefix+".bed", bed, 0o644))
}

// TestExplainTakesFeaturesByName: a cohort whose columns stand in another order, with more of them, and whose variants count the other allele is explained as the checkpoint's own: by name
// and allele.
func TestExplainTakesFeaturesByName(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	other := filepath.Join(dir, "cohort")
	mustDo(t, os.CopyFS(other, os.DirFS(x.cohort)))
	swapAlleles(t, filepath.Join(other, "cohort"), 40)
	change(t, filepath.Join(other, "burden.tsv"), func(b []byte) []byte {
		var out strings.Builder
		for i, l := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
			f := strings.Split(l, "\t")
			more := "1"
			if i == 0 {
				more = "ANOTHER"
			}
			out.WriteString(strings.Join([]string{f[0], f[3], f[1], more, f[4], f[2]}, "\t") + "\n")
		}
		return []byte(out.String())
	})
	flags := []string{"--reference", "8", "--modalities", "snps,burden", "--test", "none", "--reference-parts", "0"}
	must(t, x.explain(filepath.Join(dir, "own"), flags...)...)
	must(t, x.explain(filepath.Join(dir, "other"), append(flags, "--images", filepath.Join(other, "images.tsv"), "--data", filepath.Join(other, "data.toml"))...)...)
	for _, name := range []string{"snps.tsv", "burden.tsv"} {
		_, want := tsv(t, dir, "own", name)
		_, got := tsv(t, dir, "other", name)
		by := map[string][]string{}
		for _, r := range got {
			by[r[0]] = r
		}
		if len(got) != len(want) || len(by) != len(want) {
			t.Fatalf("%s: %d features, want %d", name, len(got), len(want))
		}
		for _, w := range want {
			g, ok := by[w[0]]
			if !ok || g[3] != w[3] || g[1] != w[1] || g[2] != w[2] {
				t.Fatalf("%s: %v, want %v", name, g, w)
			}
			for c := 5; c < 10; c++ {
				if a, b := toFloat(t, g[c]), toFloat(t, w[c]); math.Abs(a-b) > 1e-5*math.Abs(toFloat(t, w[5])) {
					t.Errorf("%s: %s: column %d is %g, want %g", name, w[0], c, a, b)
				}
			}
		}
	}
}
