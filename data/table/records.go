package table

import (
	"fmt"
	"strings"

	"contig-gpu/data"
)

// records is what Lines needs to yield rows of a table instead of lines.
type records struct {
	split    Splitter
	begun    bool // the header was read
	comments int  // lines before it
	said     []string
}

// OpenTable opens a text file whose first row is a header, as Open does. Lines are then rows: a field in double quotes may go on over several
// lines, as RFC 4180 has it; a quote that is not closed is E123. Lines before the header that begin with ## or with # and a space are comments.
// A first line sep=; is Excel's, and says how the fields are separated.
func OpenTable(path string) (*Lines, error) {
	l, err := Open(path)
	if err == nil {
		l.records = &records{}
	}
	return l, err
}

// Splitter returns how the rows of a table are cut. It is known once the header was read.
func (l *Lines) Splitter() Splitter { return l.records.split }

// Comments returns what the lines before the header say. They are known once it was read.
func (l *Lines) Comments() []string { return l.records.said }

// Fields cuts the current row of a table, reusing dst.
func (l *Lines) Fields(dst []string) []string { return l.records.split.Split(l.text, dst) }

// record completes the row that begins with the current line, and says whether it is one.
func (l *Lines) record() bool {
	if r := l.records; !r.begun {
		if isComment(l.text) {
			r.comments++
			r.said = append(r.said, strings.TrimSpace(strings.TrimLeft(l.text, "#")))
			return false
		}
		if sep, ok := excelSeparator(l.text); ok && r.split.sep == 0 {
			r.split = Splitter{sep}
			return false
		}
		if r.split.sep == 0 {
			r.split = SplitterFor(l.path, l.text)
		}
		r.begun = true
	}
	l.join()
	return true
}

func isComment(line string) bool {
	return line == "#" || strings.HasPrefix(line, "##") || strings.HasPrefix(line, "# ")
}

func excelSeparator(line string) (byte, bool) {
	s, ok := strings.CutPrefix(strings.ToLower(strings.Trim(line, `"`)), "sep=")
	if !ok || len(s) != 1 || !strings.Contains(",;\t", s) {
		return 0, false
	}
	return s[0], true
}

// join reads on until all quotes of the current row are closed. A field that has line breaks must end with its quote: otherwise a
// quote that is part of a text would take rows with it.
func (l *Lines) join() {
	sep, first := l.records.split.sep, l.n
	if strings.IndexByte(l.text, '"') < 0 {
		return
	}
	at := openQuote(l.text, 0, sep)
	if at < 0 {
		return
	}
	row := []byte(l.text)
	for at >= 0 {
		if !l.physical() {
			if l.err == nil {
				l.err = unclosed(l.path, first, row[at:], "the quote that should close it is not there")
			}
			return
		}
		from := len(row) + 1
		row = append(append(row, '\n'), l.text...)
		if len(row) > mostLine {
			l.err = unclosed(l.path, first, row[at:], fmt.Sprintf("more than %d MiB without the closing quote", mostLine>>20))
			return
		}
		end := closing(row, from, sep)
		if end < 0 {
			continue
		}
		if !ends(row, end+1, sep) {
			l.err = unclosed(l.path, first, row[at:], fmt.Sprintf("the next quote is within a text, on line %d", l.n))
			return
		}
		at = openQuote(row, end+1, sep)
	}
	l.text = string(row)
}

func unclosed(path string, line int, field []byte, found string) error {
	return &data.Problem{Code: 123, File: path, Line: line, What: fmt.Sprintf("a field that begins with a double quote is not closed: %.20q", field),
		Expected: "a double quote at its end, before the separator", Found: found,
		Cause: "a text that begins with a quote, written without quotes around it; or a file cut short", Fix: "write the table again with quotes doubled inside quotes (RFC 4180), or remove the quote"}
}

type text interface{ ~string | ~[]byte }

// separates says whether c ends a field.
func separates(c, sep byte) bool { return c == sep || sep == ' ' && c == '\t' }

// blank says whether c may stand before or after a field.
func blank(c, sep byte) bool { return c == ' ' || c == '\t' && sep != '\t' }

// ends says whether a field ends at i, blanks left out.
func ends[T text](s T, i int, sep byte) bool {
	for i < len(s) && blank(s[i], sep) && !separates(s[i], sep) {
		i++
	}
	return i >= len(s) || separates(s[i], sep)
}

// closing returns where the double quote is that ends a field whose text begins at i, -1 where it is not there. Within the field a double quote
// is written twice, or behind a backslash as R writes it. Where a separator follows one behind a backslash, the backslash may be part of a path: the
// quote ends the field, unless the next one does.
func closing[T text](s T, i int, sep byte) int {
	perhaps := -1 // the first quote behind a backslash and before a separator
	for ; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
			if perhaps < 0 && ends(s, i+1, sep) {
				perhaps = i
			}
		case s[i] == '"' && i+1 < len(s) && s[i+1] == '"':
			i++
		case s[i] == '"' && (perhaps < 0 || ends(s, i+1, sep)):
			return i
		case s[i] == '"':
			return perhaps
		}
	}
	return perhaps
}

// openQuote returns where a field begins with a double quote that is not closed, from i on, where a field begins or a quote was closed; -1: nowhere.
func openQuote[T text](s T, i int, sep byte) int {
	for i < len(s) {
		for i < len(s) && blank(s[i], sep) {
			i++
		}
		if i < len(s) && s[i] == '"' {
			end := closing(s, i+1, sep)
			if end < 0 {
				return i
			}
			i = end + 1
		}
		for i < len(s) && !separates(s[i], sep) {
			i++
		}
		i++
	}
	return -1
}

// splitQuoted is Split, of a line with double quotes.
func splitQuoted(line string, sep byte, dst []string) []string {
	for i := 0; ; i++ {
		for i < len(line) && blank(line[i], sep) {
			i++
		}
		if sep == ' ' && i >= len(line) {
			return dst
		}
		field, from := "", i
		if i < len(line) && line[i] == '"' {
			if end := closing(line, i+1, sep); end >= 0 {
				field, from = unescaped(line[i+1:end]), end+1
			}
		}
		for i = from; i < len(line) && !separates(line[i], sep); {
			i++
		}
		dst = append(dst, strings.TrimSpace(field+strings.ReplaceAll(line[from:i], `\"`, `"`)))
		if i >= len(line) {
			return dst
		}
	}
}

func unescaped(s string) string {
	if strings.IndexByte(s, '"') < 0 {
		return s
	}
	return strings.NewReplacer(`""`, `"`, `\"`, `"`).Replace(s)
}
