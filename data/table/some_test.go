package table

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// TestSome: of a biobank's export some columns are read; others may hold anything.
func TestSome(t *testing.T) {
	path := write(t, "ukb1.csv", "\"eid\",\"31-0.0\",\"53-0.0\",\"21003-0.0\"\n\"1000018\",\"1\",\"2008-04-01\",\"55\"\n\"1000024\",\"0\",\"\",\"NA\"\n")
	if _, err := ReadWide(path, Selection{}); err == nil || !strings.Contains(err.Error(), "E107") {
		t.Errorf("a date: %v", err)
	}
	w, err := ReadWide(path, Selection{Column: func(n string) bool { return n != "53-0.0" }})
	if err != nil || !slices.Equal(w.Names, []string{"31-0.0", "21003-0.0"}) || !slices.Equal(w.IID, []string{"1000018", "1000024"}) {
		t.Fatal(w, err)
	}
	row := make([]float64, 2)
	if w.Row(0, row); !slices.Equal(row, []float64{1, 55}) {
		t.Errorf("%v", row)
	}
	if w.Row(1, row); row[0] != 0 || !Missing(row[1]) {
		t.Errorf("%v", row)
	}
	var p *data.Problem
	if _, err := ReadWide(path, Selection{Column: func(n string) bool { return n == "x" }}); !errors.As(err, &p) || p.Code != 401 {
		t.Error(err)
	}
}
