package cohort

import (
	"slices"
	"strconv"
	"strings"
)

// mostPaths is how many paths braces may stand for: far more than a study has files, and nothing for memory.
const mostPaths = 10000

// braces expands {a..b}, {a..b..step} and {x,y} as bash does: ranges of whole numbers, which keep their zeros ({01..22}), and lists, also one
// within the other. Braces that hold neither stay as they are. ok is false where the whole is more than mostPaths.
func braces(p string) (paths []string, ok bool) {
	for at := 0; ; {
		open := strings.IndexByte(p[at:], '{')
		if open < 0 {
			return []string{p}, true
		}
		open += at
		words, end := bracedWords(p[open+1:])
		if end < 0 {
			at = open + 1
			continue
		}
		rest, ok := braces(p[open+1+end+1:])
		if !ok {
			return nil, false
		}
		var middle []string
		for _, w := range words {
			more, ok := braceWord(w, len(words) == 1)
			if middle = append(middle, more...); !ok || len(middle)*len(rest) > mostPaths {
				return nil, false
			}
		}
		for _, m := range middle {
			for _, r := range rest {
				paths = append(paths, p[:open]+m+r)
			}
		}
		return paths, true
	}
}

// bracedWords cuts what follows a brace at its commas, up to the brace that closes it, whose place is end, -1 where there is none.
func bracedWords(s string) (words []string, end int) {
	depth, from := 0, 0
	for i := range len(s) {
		switch {
		case s[i] == '{':
			depth++
		case s[i] == '}' && depth > 0:
			depth--
		case s[i] == ',' && depth == 0:
			words = append(words, s[from:i])
			from = i + 1
		case s[i] == '}':
			return append(words, s[from:i]), i
		}
	}
	return nil, -1
}

// braceWord expands one word of braces; alone says that there is no other.
func braceWord(w string, alone bool) ([]string, bool) {
	if out, is, ok := numberRange(w); is {
		return out, ok
	}
	out, ok := braces(w)
	if alone { // {x} means nothing to a shell, and stays
		for i := range out {
			out[i] = "{" + out[i] + "}"
		}
	}
	return out, ok
}

// numberRange expands a..b and a..b..step; is says whether the word is one, ok whether it is not too long.
func numberRange(w string) (out []string, is, ok bool) {
	parts := strings.Split(w, "..")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, false, false
	}
	var n [3]int
	width := 0
	for i, p := range parts {
		v, err := strconv.ParseInt(p, 10, 32) // so that differences fit
		if err != nil || p[0] == '+' {
			return nil, false, false
		}
		if digits := strings.TrimPrefix(p, "-"); i < 2 && len(digits) > 1 && digits[0] == '0' {
			width = max(len(parts[0]), len(parts[1]))
		}
		n[i] = int(v)
	}
	step := max(1, n[2], -n[2])
	lo, hi := min(n[0], n[1]), max(n[0], n[1])
	if (hi-lo)/step >= mostPaths {
		return nil, true, false
	}
	for i := 0; i <= (hi-lo)/step; i++ {
		v := n[0] + i*step
		if n[1] < n[0] {
			v = n[0] - i*step
		}
		out = append(out, padded(v, width))
	}
	return slices.Clip(out), true, true
}

// padded writes a number with zeros before it, in so many characters at least.
func padded(v, width int) string {
	s := strconv.Itoa(max(v, -v))
	sign := ""
	if v < 0 {
		sign = "-"
	}
	return sign + strings.Repeat("0", max(0, width-len(sign)-len(s))) + s
}
