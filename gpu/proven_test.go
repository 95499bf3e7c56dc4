package gpu_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
	"contig-gpu/kernels"
)

// The page, and the lines between which the table of kernels stands.
const (
	provenFile  = "../docs/gpu/proven.md"
	provenBegin = "<!-- kernels: written by CONTIG_PROVEN=update go test ./gpu -run TestProven -->\n"
	provenHead  = "| kernel | types | conformance tests that run it | on a GPU |\n|---|---|---|---|\n"
	provenEnd   = "<!-- end of kernels -->"
)

// TestProven: the page of what is proven has a row for every kernel and no other, of the types that there are, with tests that there are.
// With CONTIG_PROVEN=update it runs the conformance suite's tests on the emulator one by one and writes which run a kernel; what was said of
// GPUs stays.
func TestProven(t *testing.T) {
	text, err := os.ReadFile(provenFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), provenBegin)
	table, after, ends := strings.Cut(rest, provenEnd)
	if !begins || !ends {
		t.Fatalf("%s lacks the lines %q and %q", provenFile, provenBegin, provenEnd)
	}
	rows, tests := readProven(table), conformanceTests(t)
	if os.Getenv("CONTIG_PROVEN") == "update" {
		text := before + provenBegin + provenHead + measureProven(t, tests, rows) + provenEnd + after
		if err := os.WriteFile(provenFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, fault := range faultsOfProven(rows, tests) {
		t.Errorf("%s: %s; CONTIG_PROVEN=update writes it", provenFile, fault)
	}
}

// TestProvenRefuses: each way in which the page may lie is found.
func TestProvenRefuses(t *testing.T) {
	tests := []string{"TestConformanceCast"}
	good := map[string][]string{}
	for stem, types := range kernelTypes() {
		good[stem] = []string{types, "Cast", "no"}
	}
	for _, c := range []struct {
		kernel string
		row    []string
		want   string
	}{
		{"cast_add", nil, "no row"}, {"cast_other", []string{"f32", "Cast", "no"}, "no kernel"}, {"cast_add", []string{"f32", "Cast", "no"}, "types"},
		{"cast_add", []string{"bf16 f16", "Wrong", "no"}, "no test"}, {"cast_add", []string{"bf16 f16", "", "no"}, "no conformance test"},
		{"cast_add", []string{"bf16 f16", "Cast", ""}, "on a GPU"},
	} {
		rows := maps.Clone(good)
		if rows[c.kernel] = c.row; c.row == nil {
			delete(rows, c.kernel)
		}
		if got := faultsOfProven(rows, tests); len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s %q: %q, want one of %q", c.kernel, c.row, got, c.want)
		}
	}
	if got := faultsOfProven(good, tests); got != nil {
		t.Errorf("a good table: %q", got)
	}
}

// TestProvenPlans: every operation for which plans are asked has a row.
func TestProvenPlans(t *testing.T) {
	have := provenOperations(t, provenFile, "<!-- plans -->\n", "<!-- end of plans -->", 1)
	asked := provenOperations(t, "../docs/gpu/cudnn-plans.md", "|---|---|---|---|---|---|---|\n", "\n\n", 2)
	if len(asked) < 8 {
		t.Errorf("only %v are asked for: the page no longer has the form that is read here", asked)
	}
	for _, op := range asked {
		if !slices.Contains(have, op) {
			t.Errorf("%s has no row for %q", provenFile, op)
		}
	}
}

// provenOperations returns a column of a table that stands between two lines of a file.
func provenOperations(t *testing.T, file, begin, end string, column int) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), begin)
	table, _, _ := strings.Cut(rest, end)
	seen := map[string]bool{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > column {
			seen[strings.TrimSpace(cells[column])] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestSuiteRunsEveryKernel: on the emulator the conformance suite runs every kernel in every type.
func TestSuiteRunsEveryKernel(t *testing.T) {
	gputest.Long(t)
	if ran := traced(t, "^TestConformance", gputest.Emulator(t)); !slices.Equal(ran, kernels.Names()) {
		t.Errorf("the suite ran %v\nwant all kernels: %v", ran, kernels.Names())
	}
}

// unseen are the kernels that compute-sanitizer sees none of, which runs the suite on a GPU without the vendor's libraries: what waits in those is
// not ours to mend.
var unseen = []string{
	"cast_add_bf16", "cast_add_f16", // behind cuDNN's gradients of weights
	"allmean_forward_f32", "batchnorm_own_f32", "batchnorm_ranks_f32", "batchnorm_slopes_f32", "batchnorm_sums_f32", // of several ranks
}

// TestSanitizerSeesEveryKernel: what gpu_report.sh gives compute-sanitizer runs every kernel in every type, but those that are unseen.
func TestSanitizerSeesEveryKernel(t *testing.T) {
	gputest.Long(t)
	script, err := os.ReadFile("../scripts/gpu_tools.sh")
	if err != nil {
		t.Fatal(err)
	}
	device, tests := sanitized(t, string(script), "CONTIG_DEVICE='"), sanitized(t, string(script), "-test.run '")
	gputest.UseEmulator(t)
	t.Setenv("CONTIG_DEVICE", device)
	want := slices.DeleteFunc(slices.Clone(kernels.Names()), func(name string) bool { return slices.Contains(unseen, name) })
	if ran := tracedTests(t, gputest.Emulator(t), "-test.run", tests, "-test.skip", "ConformanceRanks"); !slices.Equal(ran, want) {
		t.Errorf("compute-sanitizer sees %v\nwant %v", ran, want)
	}
}

// sanitized returns what is between a word of a script and the next quotation mark.
func sanitized(t *testing.T, script, word string) string {
	_, rest, ok := strings.Cut(script, word)
	text, _, ends := strings.Cut(rest, "'")
	if !ok || !ends {
		t.Fatalf("the script no longer says %s", word)
	}
	return text
}

// kernelTypes returns the types that each kernel is there in, by what its name is without them.
func kernelTypes() map[string]string {
	types := map[string]string{}
	for _, name := range kernels.Names() {
		at := strings.LastIndex(name, "_")
		types[name[:at]] = strings.TrimSpace(types[name[:at]] + " " + name[at+1:])
	}
	return types
}

// readProven returns the rows by kernel: the types, tests, and what is said of GPUs.
func readProven(table string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.Lines(strings.TrimPrefix(table, provenHead)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows[cells[0]] = cells[1:]
	}
	return rows
}

func faultsOfProven(rows map[string][]string, tests []string) (bad []string) {
	types := kernelTypes()
	for _, stem := range slices.Sorted(maps.Keys(types)) {
		switch row := rows[stem]; {
		case len(row) != 3:
			bad = append(bad, stem+" has no row of four cells")
		case row[0] != types[stem]:
			bad = append(bad, fmt.Sprintf("%s has the types %s, not %s", stem, types[stem], row[0]))
		case row[1] == "":
			bad = append(bad, stem+" has no conformance test")
		case row[2] == "":
			bad = append(bad, stem+": it is not said whether it ran on a GPU")
		}
	}
	for _, stem := range slices.Sorted(maps.Keys(rows)) {
		if types[stem] == "" {
			bad = append(bad, "there is no kernel "+stem)
			continue
		}
		for _, test := range strings.Fields(strings.ReplaceAll(rows[stem][1], ",", " ")) {
			if !slices.Contains(tests, "TestConformance"+test) {
				bad = append(bad, fmt.Sprintf("%s: there is no test TestConformance%s", stem, test))
			}
		}
	}
	return bad
}

// measureProven runs the tests and returns the rows.
func measureProven(t *testing.T, tests []string, old map[string][]string) string {
	emulator, by := gputest.Emulator(t), map[string][]string{}
	for _, test := range tests {
		for _, kernel := range traced(t, "^"+test+"$", emulator) {
			stem, name := kernel[:strings.LastIndex(kernel, "_")], strings.TrimPrefix(test, "TestConformance")
			if !slices.Contains(by[stem], name) {
				by[stem] = append(by[stem], name)
			}
		}
	}
	var b strings.Builder
	types := kernelTypes()
	for _, stem := range slices.Sorted(maps.Keys(types)) {
		gpus := "no"
		if row := old[stem]; len(row) == 3 {
			gpus = row[2]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", stem, types[stem], strings.Join(by[stem], ", "), gpus)
	}
	return b.String()
}

// conformanceTests lists the suite's tests.
func conformanceTests(t *testing.T) []string {
	out, err := reexec(nil, "-test.list", "^TestConformance")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return slices.DeleteFunc(strings.Fields(out), func(word string) bool { return !strings.HasPrefix(word, "TestConformance") })
}

// traced returns the kernels that tests run on the emulator, sorted.
func traced(t *testing.T, tests, emulator string) []string {
	t.Helper()
	return tracedTests(t, emulator, "-test.run", tests+"/emulated")
}

// tracedTests is traced of the tests that arguments choose.
func tracedTests(t *testing.T, emulator string, args ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kernels")
	env := []string{"CONTIG_EMULATOR=" + emulator, "SIMT_TRACE=" + file}
	if out, err := reexec(env, append(args, "-test.short", "-test.timeout", "30m")...); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) { // a test may need no kernel
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range strings.Fields(string(text)) {
		seen[name] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
