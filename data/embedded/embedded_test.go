package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
)

// write makes a folder of files and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// npy is a NumPy array of float32.
func npy(rows, columns int, v ...float64) string {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }\n", rows, columns)
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	b = append(b, head...)
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
	}
	return string(b)
}

const persons = "person_id\tsplit\tpresent_snps\trow\n" + "b\ttest\t1\t1\n" + "c\tnew\t0\t2\n" + "a\ttrain\t1\t0\n"

func TestRead(t *testing.T) {
	dir := write(t, map[string]string{"persons.tsv": persons, "features.npy": npy(3, 2, 1, 2, 3, 4, 5, 6)})
	rows, err := Persons(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows.IDs, []string{"b", "c", "a"}) || !slices.Equal(rows.Splits, []string{Test, New, Train}) || rows.Images != nil {
		t.Errorf("%+v", rows)
	}
	m, err := rows.Open(Features)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got := make([]float64, 6)
	if err := m.Read(0, 3, got); err != nil || !slices.Equal(got, []float64{3, 4, 5, 6, 1, 2}) || m.Width != 2 || m.Len() != 3 {
		t.Errorf("%v %v", got, err)
	}
	if err := m.Some([]int{2, 0, 1}, got); err != nil || !slices.Equal(got, []float64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("some: %v %v", got, err)
	}
}

func TestGaps(t *testing.T) {
	nan := math.NaN()
	dir := write(t, map[string]string{"persons.tsv": "person_id\na\nb\nc\nd\n", "features.npy": npy(4, 3, 1, 7, 2, nan, nan, nan, 1, 7, nan, 1, 7, 3)})
	rows, err := Persons(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows.Splits, []string{Unknown, Unknown, Unknown, Unknown}) {
		t.Errorf("splits %q", rows.Splits)
	}
	m, err := rows.Open(Features)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g, err := m.Gaps()
	if err != nil || !slices.Equal(g.Absent, []int{1}) || !slices.Equal(g.Partly, []int{2}) || !slices.Equal(g.Columns, []int{2}) || !slices.Equal(g.Constant, []int{0, 1}) {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestImages(t *testing.T) {
	list := "person_id\timage\tsplit\trow\na\tx/1.png\ttest\t0\na\tx/2.png\ttest\t1\n"
	dir := write(t, map[string]string{"per-image/images.tsv": list, "per-image/features.npy": npy(2, 1, 5, 6)})
	rows, err := Images(dir)
	if err != nil || !slices.Equal(rows.IDs, []string{"a", "a"}) || !slices.Equal(rows.Images, []string{"x/1.png", "x/2.png"}) {
		t.Fatalf("%+v, %v", rows, err)
	}
	m, err := rows.Open(Features)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

// TestProblems: what is wrong with a folder is one error with the right number.
func TestProblems(t *testing.T) {
	good := npy(3, 2, 1, 2, 3, 4, 5, 6)
	for name, c := range map[string]struct {
		files map[string]string
		want  int
	}{
		"no list":        {map[string]string{"features.npy": good}, 1001},
		"no id":          {map[string]string{"persons.tsv": "id\tsplit\na\ttest\n"}, 1001},
		"split":          {map[string]string{"persons.tsv": "person_id\tsplit\na\thold-out\n"}, 1001},
		"row twice":      {map[string]string{"persons.tsv": "person_id\trow\na\t0\nb\t0\n"}, 1001},
		"row of nothing": {map[string]string{"persons.tsv": "person_id\trow\na\t-1\n"}, 1001},
		"person twice":   {map[string]string{"persons.tsv": "person_id\na\na\n"}, 120},
		"empty":          {map[string]string{"persons.tsv": "person_id\n"}, 105},
		"ragged":         {map[string]string{"persons.tsv": "person_id\tsplit\na\n"}, 106},
		"no matrix":      {map[string]string{"persons.tsv": persons}, 104},
		"fewer rows":     {map[string]string{"persons.tsv": persons, "features.npy": npy(2, 2, 1, 2, 3, 4)}, 1002},
		"more rows":      {map[string]string{"persons.tsv": "person_id\na\nb\n", "features.npy": good}, 1002},
		"damaged":        {map[string]string{"persons.tsv": persons, "features.npy": good[:len(good)-1]}, 410},
		"infinite":       {map[string]string{"persons.tsv": persons, "features.npy": npy(3, 2, 1, 2, 3, math.Inf(1), 5, 6)}, 1003},
	} {
		rows, err := Persons(write(t, c.files))
		if err == nil {
			var m *Matrix
			if m, err = rows.Open(Features); err == nil {
				_, err = m.Gaps()
				m.Close()
			}
		}
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.want {
			t.Errorf("%s: %v, want E%d", name, err, c.want)
		}
	}
	dir := write(t, map[string]string{"per-image/images.tsv": "person_id\timage\na\t1\na\t1\n"})
	var p *data.Problem
	if _, err := Images(dir); !errors.As(err, &p) || p.Code != 1001 {
		t.Errorf("an image twice: %v", err)
	}
}
