package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// plant makes one fault of a kind in a cohort of tiny, and returns its number. Lines are edited from a list of lines that no other fault has
// touched, so that each stays a fault of its own.
type plant struct {
	code int
	at   func(t *testing.T, dir string, line func(file string) int)
}

// editLine changes a line, from 0, of a file; fields are those between tabs.
func editLine(t *testing.T, path string, line int, edit func(fields []string) []string) {
	t.Helper()
	change(t, path, func(b []byte) []byte {
		lines := strings.Split(string(b), "\n")
		lines[line] = strings.Join(edit(strings.Split(lines[line], "\t")), "\t")
		return []byte(strings.Join(lines, "\n"))
	})
}

func field(i int, value string) func([]string) []string {
	return func(f []string) []string { f[i] = value; return f }
}

// plants are kinds of faults that can be made any number of times in one cohort.
func plants() []plant {
	in := func(code int, file string, edit func([]string) []string) plant {
		return plant{code, func(t *testing.T, dir string, line func(string) int) {
			editLine(t, filepath.Join(dir, file), line(file), edit)
		}}
	}
	more := func(f []string) []string { return append(f, "7") }
	return []plant{
		in(102, "images.tsv", field(0, "1.5e+06")), in(106, "images.tsv", more), in(109, "images.tsv", field(2, "upper")), in(101, "images.tsv", func(f []string) []string { f[1] += ".none"; return f }),
		in(107, "burden.tsv", field(1, "zero")), in(106, "burden.tsv", more), in(102, "covariates.tsv", field(0, "12.0")), in(107, "covariates.tsv", field(1, "1,5")),
		{501, func(t *testing.T, dir string, line func(string) int) {
			manifest := strings.Split(string(read(t, filepath.Join(dir, "images.tsv"))), "\n")
			image := filepath.Join(dir, strings.Split(manifest[line("images.tsv")], "\t")[1])
			change(t, image, func(b []byte) []byte { return b[:len(b)/2] })
		}},
	}
}

// once are kinds that a cohort can have but once.
func once() []plant {
	edit := func(code int, file string, edit func([]byte) []byte) plant {
		return plant{code, func(t *testing.T, dir string, _ func(string) int) { change(t, filepath.Join(dir, file), edit) }}
	}
	return []plant{
		edit(201, "cohort.bed", func(b []byte) []byte { return b[:len(b)-3] }),
		edit(113, "data.toml", replace("[burden]", "[burden]\nspeed = 1")),
		edit(114, "data.toml", replace("[split]", "[split]\nby = \"moon\"")),
		edit(203, "cohort.bim", func(b []byte) []byte {
			lines := strings.SplitN(string(b), "\n", 2)
			f := strings.Fields(lines[0])
			f[3] = "1e+05"
			return []byte(strings.Join(f, "\t") + "\n" + lines[1])
		}),
	}
}

type checked struct {
	Errors int
	Kinds  []struct {
		Code   string
		Count  int
		Faults []struct {
			File string
			Line int
		}
	}
	Warnings []struct{ Code, File string }
}

// TestCheckFindsAll: however many faults of whatever kinds are in a cohort, one call finds each of them.
func TestCheckFindsAll(t *testing.T) {
	for seed := range uint64(6) {
		g := rand.New(rand.NewPCG(seed, 12))
		dir := tiny(t)
		want := map[string]int{}
		free := map[string][]int{}
		for _, file := range []string{"images.tsv", "burden.tsv", "covariates.tsv"} {
			free[file] = g.Perm(strings.Count(string(read(t, filepath.Join(dir, file))), "\n") - 1)
		}
		line := func(file string) int {
			n := free[file][0] + 1
			free[file] = free[file][1:]
			return n
		}
		for _, p := range plants() {
			for range 1 + g.IntN(3) {
				p.at(t, dir, line)
				want[fmt.Sprintf("E%d", p.code)]++
			}
		}
		for _, p := range once() {
			if g.IntN(3) > 0 {
				p.at(t, dir, line)
				want[fmt.Sprintf("E%d", p.code)]++
			}
		}
		list := filepath.Join(t.TempDir(), "bad.tsv")
		code, out, errs := exec(t, "check", "--images", dir+"/images.tsv", "--data", dir+"/data.toml", "--json", "--bad-list", list)
		var got checked
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 {
			t.Fatalf("seed %d: exit code %d, %v\n%s%s", seed, code, err, out, errs)
		}
		counts, sum := map[string]int{}, 0
		for _, k := range got.Kinds {
			counts[k.Code] = k.Count
			sum += k.Count
			if len(k.Faults) != k.Count {
				t.Errorf("%s: %d faults of %d", k.Code, len(k.Faults), k.Count)
			}
		}
		if !maps.Equal(counts, want) || got.Errors != sum {
			t.Errorf("seed %d: found %v of %d, planted %v\n%s", seed, counts, got.Errors, want, out)
		}
		if n := strings.Count(string(read(t, list)), "\nE"); n != sum {
			t.Errorf("seed %d: the list has %d rows of %d", seed, n, sum)
		}
		if st, err := os.Stat(list); err != nil || st.Mode().Perm() != privateMode {
			t.Errorf("the list: %v, %v", st, err)
		}
	}
}

// TestCheckShowsFiveOfEach: the terminal has the first five of each number, and how many there are.
func TestCheckShowsFiveOfEach(t *testing.T) {
	dir := tiny(t)
	for line := 1; line <= 9; line++ {
		editLine(t, filepath.Join(dir, "burden.tsv"), line, field(1, "zero"))
	}
	editLine(t, filepath.Join(dir, "images.tsv"), 3, field(2, "upper"))
	code, _, errs := exec(t, "check", "--images", dir+"/images.tsv", "--data", dir+"/data.toml")
	if code != 1 || strings.Count(errs, "E107: ") != shownFaults || !strings.Contains(errs, "and 4 more of E107") || !strings.HasSuffix(errs, "10 errors of 2 kinds: E109 1 E107 9\n") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// TestCheckWarningsAreListed: what a warning counts is named in the list and in JSON, and does not fail the check.
func TestCheckWarningsAreListed(t *testing.T) {
	dir := tiny(t)
	list := filepath.Join(t.TempDir(), "bad.tsv")
	out := must(t, "check", "--images", dir+"/images.tsv", "--data", dir+"/data.toml", "--json", "--bad-list", list, "--image-size", "64")
	var got checked
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(read(t, list))), "\n")
	small := 0
	for _, w := range got.Warnings {
		if w.Code == "W502" && slices.Contains(rows[1:], findRow(rows, w.Code, w.File)) {
			small++
		}
	}
	if got.Errors != 0 || small != 40 {
		t.Errorf("%d errors, %d small images of 40\n%s", got.Errors, small, out)
	}
}

func findRow(rows []string, code, file string) string {
	for _, r := range rows {
		if strings.HasPrefix(r, code+"\t"+file+"\t") {
			return r
		}
	}
	return ""
}

// TestFaultsAreBounded: of a number no more are kept than the bound; all are counted.
func TestFaultsAreBounded(t *testing.T) {
	f := &data.Faults{}
	for i := range data.KeptFaults + 7 {
		if err := f.Take(&data.Problem{Code: 107, Line: i}); err != nil {
			t.Fatal(err)
		}
		f.Warn(503, "x", i, "")
	}
	if k := f.Kinds[0]; k.Count != data.KeptFaults+7 || len(k.First) != data.KeptFaults || len(f.Warnings) != data.KeptFaults || f.Total != k.Count {
		t.Errorf("%d counted, %d kept, %d warnings", k.Count, len(k.First), len(f.Warnings))
	}
}
