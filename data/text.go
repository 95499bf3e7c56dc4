package data

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostQuoted is the most bytes of each part of a Problem that are shown: what stands in a file may be as long as the file.
const mostQuoted = 2000

// Plain returns text with control characters, invisible characters that turn the direction of writing, and bytes that are no UTF-8 written as Go escapes
// them, so that a terminal or log shows them and does not do what they say. Line ends stay.
func Plain(text string) string {
	if strings.IndexFunc(text, hidden) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case hidden(r):
			q := fmt.Sprintf("%+q", r) // '\x1b'
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden says whether a character does something else than being shown.
func hidden(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// shown is Plain of at most 2,000 bytes of text.
func shown(text string) string {
	if len(text) > mostQuoted {
		cut := mostQuoted
		for cut > mostQuoted-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + fmt.Sprintf("... (%d bytes)", len(text))
	}
	return Plain(text)
}

// Literal returns the path of a folder as the part of a pattern of filepath.Glob that stands for it and nothing else.
func Literal(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}
