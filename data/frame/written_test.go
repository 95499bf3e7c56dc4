package frame

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// writtenFrames is the variable that names folders of files that pandas, NumPy and h5py wrote, each with index.json, separated as PATH is; scripts/check_scores.sh makes them.
const writtenFrames = "CONTIG_FRAMES"

type written struct {
	File, Dataset string
	Lists, Turned bool
	Names         []string
	Values        [][]*float64
	Refuse        int
}

// TestWritten: what pandas, NumPy, h5py and anndata write is read exactly, or refused for what it is.
func TestWritten(t *testing.T) {
	if os.Getenv(writtenFrames) == "" {
		t.Skip("no folder of files that pandas and h5py wrote: scripts/check_scores.sh makes one and sets " + writtenFrames)
	}
	read := 0
	for _, dir := range filepath.SplitList(os.Getenv(writtenFrames)) {
		b, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		var all struct {
			IDs, Names []string
			Files      []written
		}
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatal(err)
		}
		for _, w := range all.Files {
			o := Options{Dataset: w.Dataset}
			if w.Lists {
				o.IDs, o.Names = filepath.Join(dir, "ids.txt"), filepath.Join(dir, "names.txt")
			}
			if w.Names == nil {
				w.Names = all.Names
			}
			got, err := Read(filepath.Join(dir, w.File), o, table.Selection{})
			var p *data.Problem
			if w.Refuse != 0 {
				if !errors.As(err, &p) || p.Code != w.Refuse {
					t.Errorf("%s/%s: %v, want E%d", dir, w.File, err, w.Refuse)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s/%s: %v", dir, w.File, err)
				continue
			}
			w.compare(t, got, all.IDs)
			read++
		}
	}
	t.Log(read, "files read")
}

func (w *written) compare(t *testing.T, got *table.Wide, ids []string) {
	t.Helper()
	if !slices.Equal(got.IID, ids) || !slices.Equal(got.Names, w.Names) {
		t.Errorf("%s: %d ids %.80q, names %q", got.Path, len(got.IID), got.IID, got.Names)
		return
	}
	row := make([]float64, len(got.Names))
	for i, want := range w.Values {
		got.Row(i, row)
		for j, v := range want {
			if v == nil != table.Missing(row[j]) || v != nil && row[j] != *v && row[j] != float64(float32(*v)) {
				t.Fatalf("%s: row %d, column %d is %v", got.Path, i, j, row[j])
			}
		}
	}
}
