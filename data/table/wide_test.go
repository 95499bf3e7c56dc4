package table

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// mixed is a table of persons p0, p1 ... of families, with columns of several kinds, some of them missing.
func mixed(persons, width int) string {
	g := rand.New(rand.NewPCG(5, 5))
	var b strings.Builder
	b.WriteString("#FID\tIID")
	for j := range width {
		fmt.Fprintf(&b, "\tx%d", j)
	}
	for i := range persons {
		fmt.Fprintf(&b, "\nf%d\tp%d", i/3, i)
		for j := range width {
			switch {
			case g.IntN(50) == 0:
				b.WriteString("\tNA")
			case j%5 == 4:
				fmt.Fprintf(&b, "\t%.6g", g.NormFloat64())
			case j%5 == 3:
				fmt.Fprintf(&b, "\t%d", g.IntN(90))
			default:
				fmt.Fprintf(&b, "\t%d", g.IntN(2))
			}
		}
	}
	return b.String() + "\n"
}

// TestSelection: the rows of those who are wanted are those of the whole table, and no others take memory.
func TestSelection(t *testing.T) {
	path := write(t, "t.tsv", mixed(600, 23))
	all, err := ReadWide(path, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]func(ids []string) bool{
		"everybody": func([]string) bool { return true }, "nobody": func([]string) bool { return false }, "one": func(ids []string) bool { return ids[1] == "p599" },
		"a family": func(ids []string) bool { return ids[0] == "f7" }, "some": func(ids []string) bool { return strings.ContainsAny(ids[1], "38") },
	} {
		asked := 0
		w, err := ReadWide(path, Selection{Want: func(ids []string) bool {
			if len(ids) != 2 || ids[0] != all.FID[asked] || ids[1] != all.IID[asked] {
				t.Fatalf("%s: asked for %q in row %d", what, ids, asked)
			}
			asked++
			return want(ids)
		}})
		if err != nil || asked != 600 || !slices.Equal(w.IID, all.IID) || !slices.Equal(w.FID, all.FID) || !slices.Equal(w.Names, all.Names) {
			t.Fatalf("%s: %d asked for, %v", what, asked, err)
		}
		n := 0
		for r := range all.IID {
			k := w.Kept(r)
			if !want([]string{all.FID[r], all.IID[r]}) {
				if k >= 0 {
					t.Errorf("%s: row %d is not wanted and kept", what, r)
				}
				continue
			}
			if k != n {
				t.Errorf("%s: row %d is number %d, want %d", what, r, k, n)
			}
			n++
			if a, b := row(all, r), row(w, k); !slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }) {
				t.Errorf("%s: row %d is %v, want %v", what, r, b, a)
			}
		}
		if most := n*23*4 + 23; w.Bytes() > most || n == 0 && w.Bytes() != 0 {
			t.Errorf("%s: %d bytes for %d rows", what, w.Bytes(), n)
		}
	}
}

// TestRowsNotWantedAreChecked: what is wrong in a row is an error, whoever's it is.
func TestRowsNotWantedAreChecked(t *testing.T) {
	const head = "person_id\ta\tb\n"
	for text, code := range map[string]int{"y\t1\n": 106, "y\t1\thigh\n": 107, "x\t1\t2\n": 120, "0\t1\t2\n": 121, "\t1\t2\n": 102, "y\t1\t2\x00\n": 103} {
		_, err := ReadWide(write(t, "t.tsv", head+"x\t1\t2\n"+text), Selection{Want: func([]string) bool { return false }})
		wantCode(t, err, code, 3)
	}
}

// TestRoom: values take as many bytes as they are given, and not one more.
func TestRoom(t *testing.T) {
	path := write(t, "t.tsv", mixed(600, 23))
	want := func(ids []string) bool { return len(ids[1]) < 4 }
	w, err := ReadWide(path, Selection{Want: want})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadWide(path, Selection{Want: want, Room: w.Bytes()}); err != nil {
		t.Error(err)
	}
	_, err = ReadWide(path, Selection{Want: want, Room: w.Bytes() - 1})
	wantCode(t, err, 403, 601)
	if !strings.Contains(err.Error(), "100 persons with 23 features") {
		t.Error(err)
	}
}

// TestRoomIsSeenEarly: a table that is too large is refused long before it is all there.
func TestRoomIsSeenEarly(t *testing.T) {
	var b strings.Builder
	b.WriteString("person_id")
	for j := range 20000 {
		fmt.Fprintf(&b, "\tx%d", j)
	}
	values := strings.Repeat("\t1.5", 20000)
	for i := range 500 {
		fmt.Fprintf(&b, "\np%d%s", i, values)
	}
	_, err := ReadWide(write(t, "t.tsv", b.String()), Selection{Room: 1 << 20})
	wantCode(t, err, 403, rawBytes/160000+1)
}
