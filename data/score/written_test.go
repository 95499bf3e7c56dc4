package score

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// writtenFiles is the variable that names a folder of files that other programs wrote, with index.jsonl; scripts/check_inputs.sh makes one.
const writtenFiles = "CONTIG_INPUTS"

// A written file is a line of the index: what was written, and what may be said of it. Values are those that stand in the file, nil where missing.
type written struct {
	File   string       `json:"file"`
	Kind   string       `json:"kind"` // "table", "AVG" or "SUM"
	FID    []string     `json:"fid"`
	IID    []string     `json:"iid"`
	Names  []string     `json:"names"`
	Values [][]*float64 `json:"values"`
	Refuse []string     `json:"refuse"` // patterns of right reasons to refuse it; none: it must be read
	Must   bool         `json:"must"`   // it must be refused
	How    string       `json:"how"`
}

// TestWritten: what plink2 and pandas write is read exactly, or refused for what it is.
func TestWritten(t *testing.T) {
	dir := os.Getenv(writtenFiles)
	if dir == "" {
		t.Skip("no folder of files that plink2 and pandas wrote: scripts/check_inputs.sh makes one and sets " + writtenFiles)
	}
	f, err := os.Open(filepath.Join(dir, "index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, refused := map[string]int{}, map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var w written
		if err := json.Unmarshal(lines.Bytes(), &w); err != nil {
			t.Fatal(err)
		}
		if w.check(t, filepath.Join(dir, w.File)) {
			read[w.Kind]++
		} else {
			refused[w.Kind]++
		}
	}
	t.Logf("read %v, refused %v", read, refused)
	if len(read) == 0 || lines.Err() != nil {
		t.Error("nothing was read", lines.Err())
	}
}

// check reads the file and reports whether it was accepted.
func (w written) check(t *testing.T, path string) bool {
	t.Helper()
	var got *table.Wide
	var err error
	if w.Kind == "table" {
		got, err = table.ReadWide(path, table.Selection{})
	} else {
		got, err = Read([]string{path}, w.Kind, table.Selection{})
	}
	if err != nil {
		var p *data.Problem
		right := func(pattern string) bool { return regexp.MustCompile("(?is)" + pattern).MatchString(err.Error()) }
		if !errors.As(err, &p) || !slices.ContainsFunc(w.Refuse, right) {
			t.Errorf("%s (%s): want %q, got %v", w.File, w.How, w.Refuse, err)
		}
		return false
	}
	if w.Must {
		t.Errorf("%s (%s): accepted, want %q", w.File, w.How, w.Refuse)
		return true
	}
	if !slices.Equal(got.IID, w.IID) || !slices.Equal(got.Names, w.Names) {
		t.Errorf("%s (%s): ids %q names %q, want %q %q", w.File, w.How, got.IID, got.Names, w.IID, w.Names)
		return true
	}
	row := make([]float64, len(got.Names))
	for i, want := range w.Values {
		got.Row(i, row)
		for j, v := range want {
			if v == nil && table.Missing(row[j]) || v != nil && (row[j] == *v || row[j] == float64(float32(*v))) {
				continue
			}
			t.Errorf("%s (%s): row %d, %q is %v", w.File, w.How, i, w.Names[j], row[j])
			return true
		}
	}
	return true
}
