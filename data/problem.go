package data

import (
	"fmt"
	"strings"
)

// CodeRanksDiffer numbers the error of ranks that do not agree, whoever compares them.
const CodeRanksDiffer = 736

// A Problem is one numbered error of the catalogue in docs/errors.md: what is wrong in which file, and what
// to do about it. All that a file or folder causes is a Problem.
type Problem struct {
	Code     int    // of the catalogue
	File     string // "" where none is to blame
	Line     int    // 1-based; 0 where it is about the whole file
	What     string // one line
	Expected string
	Found    string
	Cause    string // the likely cause
	Fix      string // what to do
	Err      error  // underlying, may be nil
}

// Error returns "E101: file:3: what" and one indented line each for what is known beyond. All of it is plain text, of at most 2,000 bytes a part,
// whatever stands in files: this is the one place where it is made so.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "E%d: ", p.Code)
	if p.File != "" {
		b.WriteString(shown(p.File))
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(shown(p.What))
	if p.Err != nil {
		fmt.Fprintf(&b, " (%s)", shown(p.Err.Error()))
	}
	for _, l := range [][2]string{{"expected", p.Expected}, {"found", p.Found}, {"likely cause", p.Cause}, {"what to do", p.Fix}} {
		if l[1] != "" {
			fmt.Fprintf(&b, "\n  %-13s %s", l[0]+":", strings.ReplaceAll(shown(l[1]), "\n", "\n                "))
		}
	}
	return b.String()
}

// Unwrap returns the underlying error.
func (p *Problem) Unwrap() error { return p.Err }
