package table

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// texts are what fields are made of.
var texts = []string{`"`, "a", "B c", ",", ";", "\t", "\n", "1.5", "é", "'", "#", "\n\n", `""`, "|", "µ"}

func someText(g *rand.Rand, not string) string {
	s := ""
	for range g.IntN(5) {
		if p := texts[g.IntN(len(texts))]; !strings.ContainsAny(p, not) {
			s += p
		}
	}
	return s
}

// readAll returns the rows of a table and the lines that they begin on.
func readAll(path string) (rows [][]string, lines []int, err error) {
	l, err := OpenTable(path)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	for l.Next() {
		rows, lines = append(rows, l.Fields(nil)), append(lines, l.Line())
	}
	return rows, lines, l.Err()
}

// TestRFC4180: what encoding/csv writes, with separators, quotes and line breaks in its fields, comes back; a row's line is that of its beginning.
func TestRFC4180(t *testing.T) {
	for seed := range uint64(60) {
		g := rand.New(rand.NewPCG(seed, 4180))
		name, sep := [][]any{{"t.csv", ','}, {"t.csv", ';'}, {"t.tsv", '\t'}, {"t.txt", '\t'}}[seed%4][0].(string), []rune{',', ';', '\t', '\t'}[seed%4]
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma, w.UseCRLF = sep, g.IntN(2) == 0
		want, at, lines := [][]string{{"person_id", "x", "y"}}, []int{1}, 1
		w.Write(want[0])
		for i := range 30 {
			row := []string{fmt.Sprint("p", i), someText(g, ""), someText(g, "")}
			w.Write(row)
			want, at = append(want, row), append(at, lines+1)
			lines += 1 + strings.Count(row[1]+row[2], "\n")
		}
		w.Flush()
		got, where, err := readAll(write(t, name, b.String()))
		if err != nil || len(got) != len(want) {
			t.Fatalf("seed %d: %d rows of %d, %v", seed, len(got), len(want), err)
		}
		for i := range want {
			for j := range want[i] {
				want[i][j] = strings.TrimSpace(want[i][j])
			}
			if !slices.Equal(got[i], want[i]) || where[i] != at[i] {
				t.Fatalf("seed %d: row %d is %q on line %d, want %q on %d", seed, i, got[i], where[i], want[i], at[i])
			}
		}
	}
}

// TestQuotesOfR: write.table puts texts in double quotes and a backslash before those within, whatever separates.
func TestQuotesOfR(t *testing.T) {
	for seed := range uint64(40) {
		g := rand.New(rand.NewPCG(seed, 77))
		sep, name := []string{"\t", " ", ","}[seed%3], []string{"t.tsv", "t.txt", "t.csv"}[seed%3]
		quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
		head := []string{"IID", "note", "z"}
		text := quote(head[0]) + sep + quote(head[1]) + sep + quote(head[2]) + "\n"
		want := [][]string{head}
		for i := range 25 {
			row := []string{fmt.Sprint("00", i), someText(g, `"`) + []string{"", `6" `, `"q"`}[g.IntN(3)] + "x", fmt.Sprint(i)}
			text += quote(row[0]) + sep + quote(row[1]) + sep + row[2] + "\n"
			row[1] = strings.TrimSpace(row[1])
			want = append(want, row)
		}
		got, _, err := readAll(write(t, name, text))
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("seed %d: %q, want %q, %v", seed, got, want, err)
		}
	}
	if got := Words(`"f 1"  'x' "C:\dir\" "a`, nil); !slices.Equal(got, []string{"f 1", "'x'", `C:\dir\`, `"a`}) {
		t.Errorf("%q", got)
	}
}

// TestUnclosed: a quote that is part of a text takes no rows with it.
func TestUnclosed(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
	}{
		{"t.csv", "person_id,a,note\nx,1,\"open\ny,2,b\n", 2}, {"t.tsv", "person_id\ta\tnote\nx\t1\tb\ny\t2\t\"5 inch\nz\t3\t\"6 inch\n", 3}, {"t.csv", "person_id,\"a\nx,1\n", 1},
		{"t.txt", "IID a note\nx 1 \"b\ny 2 \"c\n", 2}, {"t.csv", "person_id,a\nx,\"1\n\n\n", 2},
	} {
		_, _, err := readAll(write(t, c.name, c.text))
		wantCode(t, err, 123, c.line)
	}
}

// TestHeaders: how a table is separated, and where it begins.
func TestHeaders(t *testing.T) {
	for _, c := range []struct{ name, text, sep string }{
		{"t.csv", "a,b;c\n", "comma"}, {"t.csv", "a;b,c\n", "semicolon"}, {"t.csv", "\"x,y\";b\n", "semicolon"}, {"t.csv.gz", "a\n", "comma"}, {"t.csv", "sep=;\na,b\n", "semicolon"}, {"t.csv", "\"sep=,\"\na;b\n", "comma"},
		{"t.tsv", "a,b c\n", "tab"}, {"t.txt", "a,b\tc\n", "tab"}, {"t.txt", "FID IID a,b\n", "white space"}, {"t.txt", "a, b, c\n", "comma"}, {"t", "a;b;c\n", "semicolon"}, {"t.csv", "# made today, by R\n## x\n#\na;b\n", "semicolon"},
		{"t.txt", "\"a\tb\" c\n", "white space"}, {"t.txt", "\"a, b\"\tc\n", "tab"},
	} {
		l, err := OpenTable(write(t, c.name, c.text))
		if err != nil || !l.Next() {
			t.Fatalf("%q: %v", c.text, err)
		}
		if got := l.Splitter().String(); got != c.sep {
			t.Errorf("%s with %q is separated by %s, want %s", c.name, c.text, got, c.sep)
		}
		l.Close()
	}
	w, err := ReadWide(write(t, "t.tsv", "## one\n# two\n#IID\ta\n1\t2\n"), Selection{})
	if err != nil || !slices.ContainsFunc(w.Notes, func(n string) bool { return strings.Contains(n, "2 comment lines") }) {
		t.Errorf("%+v %v", w, err)
	}
}

// TestCauses: what programs are known to write is refused for what it is.
func TestCauses(t *testing.T) {
	const head = "person_id\ta\tb\n"
	for _, c := range []struct {
		name, text string
		code       int
		says       string
	}{
		{"t.tsv", head + "1\tx\t1\t2\n", 106, "row names"}, {"t.tsv", head + "x 1 2\n", 106, "different separators"}, {"t.txt", head + "x 1 2\n", 106, "different separators"}, {"t.tsv", head + "x\t1\t2\t\n", 106, "at the end"},
		{"t.csv", "person_id,a,b\nx,1,5,2,5\n", 106, "decimal commas"}, {"t.tsv", "\tperson_id\ta\n0\tx\t1\n", 108, "index=False"}, {"t.csv", "\"\",\"person_id\",\"a\"\n\"1\",\"x\",1\n", 108, "row.names"},
		{"t.tsv", "'person_id'\t'a'\n'x'\t1\n", 108, "no double quotes"}, {"t.csv", "person_id|a|b\nx|1|2\n", 108, "another separator"}, {"t.tsv", "#made by me\nIID\ta\n", 108, "comment"},
		{"t.tsv", head + "x\t1\tgr\xfcn\n", 103, "WINDOWS-1252"}, {"t.tsv", utf16le(head)[2:], 103, "UTF-16LE"}, {"t.csv", "PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", 125, "Excel workbook"}, {"t.tsv", gzipped("PAR1\x15"), 125, "Parquet"},
		{"t.tsv", "version https://git-lfs.github.com/spec/v1\n", 125, "git lfs pull"}, {"t.tsv", head + "NULL\t1\t2\n", 102, "missing"}, {"t.tsv", head + "nan\t1\t2\n", 102, "missing"},
	} {
		_, err := ReadWide(write(t, c.name, c.text), Selection{})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("E%d: ", c.code)) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: want E%d with %q, got %v", c.text, c.code, c.says, err)
		}
	}
}
