package table

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"contig-gpu/data"
)

// A Splitter cuts lines into fields.
type Splitter struct{ sep byte } // ',' or '\t', or ' ' for any white space

// SplitterFor chooses by the extension (.csv, .tsv, with or without .gz or .zst), or else by what the header holds.
func SplitterFor(path, header string) Splitter {
	name := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".gz"), ".zst")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return Splitter{','}
	case strings.HasSuffix(name, ".tsv"), strings.Contains(header, "\t"):
		return Splitter{'\t'}
	case strings.Contains(header, ","):
		return Splitter{','}
	}
	return Splitter{' '}
}

// Split cuts a line into trimmed fields, reusing dst. Commas inside double quotes do not separate.
func (s Splitter) Split(line string, dst []string) []string {
	dst = dst[:0]
	if s.sep == ' ' {
		return append(dst, strings.Fields(line)...)
	}
	if s.sep == ',' && strings.IndexByte(line, '"') >= 0 {
		return splitQuoted(line, dst)
	}
	for {
		n := 1 // carriers and genotypes are fields of one byte
		if len(line) < 2 || line[0] == s.sep || line[1] != s.sep {
			if n = strings.IndexByte(line, s.sep); n < 0 {
				return append(dst, trimmed(line))
			}
		}
		dst = append(dst, trimmed(line[:n]))
		line = line[n+1:]
	}
}

// trimmed is strings.TrimSpace, sooner done where there is nothing to trim.
func trimmed(s string) string {
	if n := len(s); n > 0 && ' ' < s[0] && s[0] < utf8.RuneSelf && ' ' < s[n-1] && s[n-1] < utf8.RuneSelf {
		return s
	}
	return strings.TrimSpace(s)
}

func splitQuoted(line string, dst []string) []string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"' && quoted && i+1 < len(line) && line[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			dst = append(dst, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(dst, strings.TrimSpace(b.String()))
}

func (s Splitter) String() string {
	switch s.sep {
	case ',':
		return "comma"
	case '\t':
		return "tab"
	}
	return "white space"
}

// Ragged is the problem of a row with another number of fields than the header (E106).
func Ragged(path string, line, want, got int, s Splitter) *data.Problem {
	return &data.Problem{Code: 106, File: path, Line: line, What: "the row has another number of fields than the header",
		Expected: fmt.Sprintf("%d fields, separated by %s", want, s), Found: fmt.Sprintf("%d", got),
		Cause: "a line broken in two, a truncated file, or a separator inside a value", Fix: "repair the line or write the file again"}
}

// Columns checks that the names of a header are there and unlike each other (E108).
func Columns(path string, line int, names []string) error {
	seen := make(map[string]int, len(names))
	for i, n := range names {
		if n == "" {
			return &data.Problem{Code: 108, File: path, Line: line, What: fmt.Sprintf("column %d has no name", i+1),
				Cause: "a separator at the end of the header, or an index column written without a name", Fix: "name every column"}
		}
		if j, dup := seen[n]; dup {
			return &data.Problem{Code: 108, File: path, Line: line, What: fmt.Sprintf("two columns are named %q", n),
				Found: fmt.Sprintf("columns %d and %d", j+1, i+1), Cause: "tables pasted or merged side by side", Fix: "rename or remove one"}
		}
		seen[n] = i
	}
	return nil
}

// Number reads a finite number, or NaN where the field says that the value is missing (empty, NA, NaN, N/A or a dot).
func Number(field string) (float32, bool) {
	if len(field) == 1 && '0' <= field[0] && field[0] <= '9' {
		return float32(field[0] - '0'), true
	}
	switch field {
	case "", "NA", "NaN", "nan", "N/A", "na", ".":
		return float32(math.NaN()), true
	}
	v, err := strconv.ParseFloat(field, 32)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, false
	}
	return float32(v), true
}

// NotNumber is the problem of a field that is no finite number (E107).
func NotNumber(path string, line int, column, field string) *data.Problem {
	p := &data.Problem{Code: 107, File: path, Line: line, What: fmt.Sprintf("column %q does not hold a finite number", column),
		Expected: "a number, or NA, NaN or nothing for a missing value", Found: fmt.Sprintf("%q", field),
		Cause: "text in a numeric column, or a decimal comma", Fix: "correct the value, or leave the column out of the table"}
	if strings.Contains(strings.ToLower(field), "inf") {
		p.Cause = "a division by zero or a logarithm of zero upstream"
	}
	return p
}

// IDs checks ids one after the other: well formed (E102), not 0 (E121), not given twice (E120).
type IDs struct {
	Path string
	seen map[string]int // line
}

// Add checks the id of a line.
func (c *IDs) Add(id string, line int) error {
	if err := CheckID(c.Path, line, id); err != nil {
		return err
	}
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	if first, dup := c.seen[id]; dup {
		return &data.Problem{Code: 120, File: c.Path, Line: line, What: fmt.Sprintf("the id %q is there twice", id),
			Expected: "one row a person", Found: fmt.Sprintf("lines %d and %d", first, line),
			Cause: "files pasted together, or a repeated measurement", Fix: "keep one row for each person"}
	}
	c.seen[id] = line
	return nil
}

// CheckID says what is wrong with an id by itself: E102 where a program has mangled it or it is empty, E121 for "0".
func CheckID(path string, line int, id string) error {
	bad := func(what, cause string) error {
		return &data.Problem{Code: 102, File: path, Line: line, What: what, Expected: "an id without spaces, as text",
			Found: fmt.Sprintf("%q", id), Cause: cause, Fix: "write ids as text, unchanged"}
	}
	switch {
	case id == "":
		return bad("the id is empty", "a missing value")
	case id == "0":
		return &data.Problem{Code: 121, File: path, Line: line, What: `the id is "0", which plink uses for "none"`,
			Expected: "an id of its own for every person", Found: `"0"`, Cause: "FID and IID swapped, or ids removed", Fix: "give every person an id (IID)"}
	case strings.ContainsAny(id, " \t"):
		return bad("the id has a space in it", "two columns in one, or a wrong separator")
	case matches(`^-?[0-9]+\.0+$`, id):
		return bad(`the id ends in ".0"`, "a program read the ids as decimal numbers")
	case matches(`^[0-9]+\.[0-9]+[eE][+-]?[0-9]+$|^[0-9]+[eE]\+[0-9]+$`, id):
		return bad("the id is in scientific notation", "a spreadsheet read the ids as numbers; digits are lost")
	}
	return nil
}

func matches(pattern, s string) bool {
	if s[0] != '-' && (s[0] < '0' || s[0] > '9') || !strings.ContainsAny(s, ".+") {
		return false
	}
	return regexp.MustCompile(pattern).MatchString(s)
}
