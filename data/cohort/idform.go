package cohort

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A form is a way in which programs change ids on their way from one file to another.
type form struct {
	undo  func(id string) string // what all ids that the change makes alike have in common
	what  string                 // "with leading zeros taken off"
	cause string
	fix   string
}

const (
	bridgeFix = "give the two kinds of ids as columns from, to in [ids] map"
	sameFix   = "write them the same on both sides"
)

// forms are all that are looked for, the most certain first. The last stands for several at once.
func forms() []form {
	return []form{
		{half, "with one half of doubled ids X_X", "doubled ids X_X, as plink --vcf writes them", bridgeFix},
		{whole, "with a trailing .0 taken off", "ids differ in a trailing .0: a program read them as numbers", "write them as text, the same on both sides"},
		{unpadded, "with leading zeros taken off", "ids differ in leading zeros: a program read them as numbers", "write them as text, the same on both sides"},
		{strings.ToLower, "without regard to upper and lower case", "ids differ in upper and lower case", sameFix},
		{visible, "without white space and invisible characters", "ids differ in white space or invisible characters", sameFix},
		{norm.NFKC.String, "as the same characters in another Unicode form (NFC, NFD)", "ids differ in their Unicode form (NFC, NFD)", "write both in NFC"},
		{unquoted, "without quotes", "the ids have quotes around them in one of the files", "write ids without quotes"},
		{common, "without regard to zeros, case, quotes, white space and doubling", "ids differ in several ways: zeros, case, quotes, white space, doubling", sameFix},
	}
}

// common is what an id has in common with all that forms make of it. Most ids are digits and small letters, and are looked at once.
func common(id string) string {
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			id = half(strings.ToLower(unquoted(visible(norm.NFKC.String(id)))))
			break
		}
	}
	return unpadded(whole(id))
}

// half returns X of X_X, others as they are.
func half(id string) string {
	n := len(id) / 2
	if len(id)%2 == 1 && id[n] == '_' && id[:n] == id[n+1:] {
		return id[:n]
	}
	return id
}

// whole takes a point and zeros off a whole number.
func whole(id string) string {
	digits, zeros, ok := strings.Cut(id, ".")
	if !ok || digits == "" || zeros == "" || strings.Trim(zeros, "0") != "" || strings.Trim(strings.TrimPrefix(digits, "-"), "0123456789") != "" {
		return id
	}
	return digits
}

// unpadded takes leading zeros off, but not the last character.
func unpadded(id string) string {
	for len(id) > 1 && id[0] == '0' {
		id = id[1:]
	}
	return id
}

// visible takes out white space and what cannot be seen.
func visible(id string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, id)
}

// unquoted takes quotes of all kinds off both ends.
func unquoted(id string) string { return strings.Trim(id, "\"'`‘’‚‛“”„‟«»") }
