package data

import (
	"fmt"
	"strings"
)

// What a TOML file may have. The library that reads it goes down into values by recursion, which ends the program where it is too deep.
const (
	MostTOML    = 1 << 20 // bytes
	mostNesting = 64      // brackets and braces within each other, and parts of a key
)

// DeepTOML returns the line, from 1, at which the values or keys of a TOML text are nested more than 64 deep; 0: nowhere. found says what is.
func DeepTOML(text string) (line int, found string) {
	depth, dots := 0, 0
	line = 1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			line, dots = line+1, 0
		case '#':
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n - 1
			} else {
				i = len(text)
			}
		case '"', '\'':
			end := quotedEnd(text, i)
			line += strings.Count(text[i:end], "\n")
			i = end - 1
		case '[', '{':
			depth, dots = depth+1, 0
		case ']', '}':
			depth, dots = max(0, depth-1), 0
		case '=', ',':
			dots = 0
		case '.':
			dots++
		}
		if depth > mostNesting {
			return line, fmt.Sprintf("more than %d brackets within each other", mostNesting)
		}
		if dots >= mostNesting {
			return line, fmt.Sprintf("a key of more than %d parts", mostNesting)
		}
	}
	return 0, ""
}

// quotedEnd returns where the text behind a string of TOML begins, whose first quote is at i.
func quotedEnd(text string, i int) int {
	quote := text[i : i+1]
	if long := strings.Repeat(quote, 3); strings.HasPrefix(text[i:], long) {
		quote = long
	}
	for at := i + len(quote); at < len(text); at++ {
		switch {
		case text[at] == '\\' && quote[0] == '"':
			at++
		case text[at] == '\n' && len(quote) == 1:
			return at // not closed, which the decoder tells
		case strings.HasPrefix(text[at:], quote):
			return at + len(quote)
		}
	}
	return len(text)
}
