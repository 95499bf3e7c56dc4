package table

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"contig-gpu/data"
)

// A Splitter cuts lines into fields.
type Splitter struct{ sep byte } // ',', ';' or '\t', or ' ' for any white space

// SplitterFor chooses by the extension (.csv, .tsv, with or without .gz or .zst), or else by what the header holds outside double quotes. A .csv is separated
// by semicolons where its header has one before any comma, as Excel writes it where the comma is the decimal sign. Without an extension that
// says it, a tab separates, or commas or semicolons that are at least as many as blanks, or else any white space.
func SplitterFor(path, header string) Splitter {
	name := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".gz"), ".zst")
	if strings.HasSuffix(name, ".tsv") {
		return Splitter{'\t'}
	}
	header = unquoted(header)
	first := byte(',')
	if i := strings.IndexAny(header, ",;"); i >= 0 {
		first = header[i]
	}
	switch n := strings.Count(header, string(first)); {
	case strings.HasSuffix(name, ".csv"):
		return Splitter{first}
	case strings.Contains(header, "\t"):
		return Splitter{'\t'}
	case n > 0 && n >= strings.Count(header, " "):
		return Splitter{first}
	}
	return Splitter{' '}
}

// unquoted leaves out what stands in double quotes that begin a field, whatever separates fields.
func unquoted(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == '"' && (i == 0 || strings.IndexByte(",;\t |", line[i-1]) >= 0) {
			for i++; i < len(line) && (line[i] != '"' || i+1 < len(line) && line[i+1] == '"'); i++ {
				if line[i] == '"' || line[i] == '\\' {
					i++
				}
			}
			continue
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

// Split cuts a line into trimmed fields, reusing dst. Inside double quotes nothing separates; the quotes are no part of a field.
func (s Splitter) Split(line string, dst []string) []string {
	dst = dst[:0]
	if strings.IndexByte(line, '"') >= 0 {
		return splitQuoted(line, s.sep, dst)
	}
	if s.sep == ' ' {
		for field := range strings.FieldsSeq(line) {
			dst = append(dst, field)
		}
		return dst
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

// Words cuts a line at white space, reusing dst: what the fields of plink's files are. Double quotes around a field are taken off.
func Words(line string, dst []string) []string { return Splitter{' '}.Split(line, dst) }

// trimmed is strings.TrimSpace, sooner done where there is nothing to trim.
func trimmed(s string) string {
	if n := len(s); n > 0 && ' ' < s[0] && s[0] < utf8.RuneSelf && ' ' < s[n-1] && s[n-1] < utf8.RuneSelf {
		return s
	}
	return strings.TrimSpace(s)
}

func (s Splitter) String() string {
	switch s.sep {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
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

// Ragged is the problem of the current row of a table, which has other fields than the header has columns (E106): it looks for the cause.
func (l *Lines) Ragged(columns int, fields []string) *data.Problem {
	p := Ragged(l.path, l.at, columns, len(fields), l.Splitter())
	if len(fields) == columns+1 && fields[columns] == "" {
		p.Cause, p.Fix = "a separator at the end of the row", "write rows without a separator at their end"
		return p
	}
	for _, sep := range []byte("\t, ;") {
		if other := (Splitter{sep}); other != l.Splitter() && columns > 1 && len(fields) != columns+1 && len(other.Split(l.text, nil)) == columns {
			p.Found = fmt.Sprintf("%d, and %d if the row is separated by %s", len(fields), columns, other)
			p.Cause, p.Fix = "header and rows have different separators", "write the header with the separator of the rows"
			return p
		}
	}
	switch {
	case len(fields) == columns+1:
		p.Found += ": one more"
		p.Cause = "row names, as R's write.table puts before each row without a column in the header; or a separator inside a value, such as a decimal comma"
		p.Fix = "write the table without them: row.names = FALSE in R, index=False in pandas"
	case l.Splitter().sep == ',' && len(fields) > columns:
		p.Cause, p.Fix = "decimal commas, or commas inside a text without quotes", "write numbers with a decimal point, and texts in double quotes"
	}
	return p
}

// Columns checks that the names of a header are there and unlike each other (E108).
func Columns(path string, line int, names []string) error {
	seen := make(map[string]int, len(names))
	for i, n := range names {
		if n == "" {
			return &data.Problem{Code: 108, File: path, Line: line, What: fmt.Sprintf("column %d has no name", i+1),
				Cause: "a separator at the end of the header, or an index column written without a name", Fix: "name every column"}
		}
		if strings.IndexFunc(n, unicode.IsControl) >= 0 {
			return &data.Problem{Code: 108, File: path, Line: line, What: fmt.Sprintf("the name of column %d holds a control character", i+1), Found: fmt.Sprintf("%.100q", n),
				Cause: "a tab or line break inside quotes", Fix: "rename the column"}
		}
		if j, dup := seen[n]; dup {
			return &data.Problem{Code: 108, File: path, Line: line, What: fmt.Sprintf("two columns are named %q", n),
				Found: fmt.Sprintf("columns %d and %d", j+1, i+1), Cause: "tables pasted or merged side by side", Fix: "rename or remove one"}
		}
		seen[n] = i
	}
	return nil
}
