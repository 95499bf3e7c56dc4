package report

import (
	"html"
	"math"
	"strconv"
	"strings"
)

// short writes a number in three digits, a dash where there is none.
func short(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strings.Replace(strconv.FormatFloat(v, 'g', 3, 64), "-", "−", 1)
}

// grouped writes a whole number with spaces between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// clipped returns text of at most n characters, for a label.
func clipped(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = append(r[:n-1], '…')
	}
	return html.EscapeString(string(r))
}

// label is what a feature is called in a plot.
func (r Ranked) label() string {
	if r.Trait != "" && r.Trait != r.Name {
		return r.Trait + " (" + r.Name + ")"
	}
	return r.Name
}
