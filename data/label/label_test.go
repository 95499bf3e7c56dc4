package label

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/embedded"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "labels.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, text string) *Table {
	t.Helper()
	l, err := Read(file(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func code(err error) int {
	var p *data.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return 0
}

func TestKinds(t *testing.T) {
	l := read(t, "person_id\tgrade\tsex\tage\tstage\tx12\r\n007\t4\tf\t61.5\t0\t12\r\n7\tNA\tm\t\t1\t40\r\n8\t0\tf\t70\tNA\t12\r\n9\t2\tm\t1e1\t1\t99\r\n")
	if l.ByImage || fmt.Sprint(l.Keys) != "[007 7 8 9]" {
		t.Errorf("%v", l.Keys)
	}
	for name, want := range map[string]string{"grade": "[4 -1 0 2] [0 1 2 3 4]", "sex": "[0 1 0 1] [f m]", "stage": "[0 1 -1 1] [0 1]", "x12": "[0 1 0 2] [12 40 99]"} {
		c, err := l.Classes(name, false)
		if err != nil || fmt.Sprint(c.Of, c.Names) != want {
			t.Errorf("%s: %+v, %v; want %s", name, c, err, want)
		}
	}
	for name, want := range map[string]string{"grade": "classes", "sex": "classes", "age": "traits", "stage": "classes", "x12": "classes"} {
		if got, why := l.Task(name); got != want || why == "" {
			t.Errorf("%s is taken for %s (%s), want %s", name, got, why, want)
		}
	}
	v, err := l.Traits([]string{"age"})
	if err != nil || v[0] != 61.5 || !math.IsNaN(v[1]) || v[3] != 10 {
		t.Errorf("%v, %v", v, err)
	}
	has, known, err := l.Labels([]string{"stage"})
	if err != nil || !slices.Equal(has, []bool{false, true, false, true}) || !slices.Equal(known, []bool{true, true, false, true}) {
		t.Errorf("%v, %v, %v", has, known, err)
	}
	if names, err := l.Columns([]string{"s*", "grade", "sex"}); err != nil || fmt.Sprint(names) != "[sex stage grade]" {
		t.Errorf("%v, %v", names, err)
	}
}

// TestProblems: what is wrong with labels is one error with the right number.
func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		use  func(l *Table) error
		want int
	}{
		"no key":          {"id\tx\n1\t2\n", nil, 1010},
		"image twice":     {"image\tx\na\t2\na\t3\n", nil, 1010},
		"no image":        {"image\tx\nNA\t2\n", nil, 1010},
		"split":           {"image\tx\tsplit\na\t2\tholdout\n", nil, 1010},
		"person twice":    {"person_id\tx\na\t2\na\t3\n", nil, 120},
		"empty":           {"person_id\tx\n", nil, 105},
		"ragged":          {"person_id\tx\na\n", nil, 106},
		"no column":       {"person_id\tx\na\t2\n", func(l *Table) error { _, err := l.Columns([]string{"grade"}); return err }, 1011},
		"one class":       {"person_id\tx\na\t2\nb\t2\n", func(l *Table) error { _, err := l.Classes("x", false); return err }, 1012},
		"nothing known":   {"person_id\tx\na\tNA\nb\t\n", func(l *Table) error { _, err := l.Classes("x", false); return err }, 1012},
		"fractions":       {"person_id\tx\na\t.5\nb\t1.5\nc\t2\n", func(l *Table) error { _, err := l.Classes("x", false); return err }, 1012},
		"words as grades": {"person_id\tx\na\tmild\nb\tsevere\n", func(l *Table) error { _, err := l.Classes("x", true); return err }, 1012},
		"grade below 0":   {"person_id\tx\na\t-1\nb\t3\n", func(l *Table) error { _, err := l.Classes("x", true); return err }, 1012},
		"class as label":  {"person_id\tx\na\t2\nb\t3\n", func(l *Table) error { _, _, err := l.Labels([]string{"x"}); return err }, 1012},
		"word as trait":   {"person_id\tx\na\told\n", func(l *Table) error { _, err := l.Traits([]string{"x"}); return err }, 107},
		"strangers": {"person_id\tx\na\t1\n", func(l *Table) error {
			_, _, err := l.Join(&embedded.Rows{IDs: []string{"b", "c"}})
			return err
		}, 1013},
	} {
		l, err := Read(file(t, c.text))
		if err == nil && c.use != nil {
			err = c.use(l)
		}
		if code(err) != c.want {
			t.Errorf("%s: %v, want E%d", name, err, c.want)
		}
	}
}

func TestJoin(t *testing.T) {
	l := read(t, "image,x,split\nb.png,1,val\nc.png,2,\nz.png,0,test\n")
	at, strangers, err := l.Join(&embedded.Rows{IDs: []string{"1", "1", "2"}, Images: []string{"a.png", "b.png", "c.png"}})
	if err != nil || !slices.Equal(at, []int{-1, 0, 1}) || strangers != 1 || !slices.Equal(l.Splits, []string{"validation", "", "test"}) {
		t.Errorf("%v, %d, %v, %q", at, strangers, err, l.Splits)
	}
	_, _, err = l.Join(&embedded.Rows{IDs: []string{"1"}, Images: []string{"train/b.jpeg"}})
	var p *data.Problem
	if !errors.As(err, &p) || p.Cause != "1 of 3 rows would meet by the name without folders and extension" {
		t.Errorf("%v", err)
	}
}
