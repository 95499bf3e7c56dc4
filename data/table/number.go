package table

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"contig-gpu/data"
)

// Number reads a finite number of single precision's range, in double precision: decimal digits with a sign, a point and an exponent. TRUE and FALSE, in
// any case, are 1 and 0. It is NaN where the field says that the value is missing (data.Missing).
func Number(field string) (float64, bool) {
	if len(field) == 1 && '0' <= field[0] && field[0] <= '9' {
		return float64(field[0] - '0'), true
	}
	if !decimal(field) {
		return word(field)
	}
	v, err := strconv.ParseFloat(field, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return word(field) // +, 1e, 1.2.3
	}
	if narrow := float32(v); math.IsInf(float64(narrow), 0) {
		return 0, false
	} else if ties(v) {
		return untied(field, v), true
	}
	return v, true
}

// decimal says whether there is nothing in a field but what numbers are written with. ParseFloat takes more: underscores, hexadecimal, words.
func decimal(field string) bool {
	for i := range len(field) {
		switch c := field[i]; {
		case '0' <= c && c <= '9', c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return false
		}
	}
	return field != ""
}

// word reads what is no number.
func word(field string) (float64, bool) {
	switch {
	case data.Missing(field):
		return math.NaN(), true
	case strings.EqualFold(field, "true"):
		return 1, true
	case strings.EqualFold(field, "false"):
		return 0, true
	}
	return 0, false
}

// ties says whether v lies half way between two values of single precision.
func ties(v float64) bool {
	const below, half = 1<<29 - 1, 1 << 28 // the bits of a float64 that a float32 has not, and the first of them
	return math.Float64bits(v)&below == half
}

// untied returns v, or what lies next to it, so that it is rounded to single precision as the decimal number is. v has been rounded once, perhaps onto
// the tie.
func untied(field string, v float64) float64 {
	once, err := strconv.ParseFloat(field, 32)
	if err != nil || once == float64(float32(v)) {
		return v
	}
	return math.Nextafter(v, once)
}

// NotNumber is the problem of a field that is no finite number (E107). What the field looks like says why.
func NotNumber(path string, line int, column, field string) *data.Problem {
	p := &data.Problem{Code: 107, File: path, Line: line, What: fmt.Sprintf("column %q does not hold a finite number", column),
		Expected: "a number such as -1.5 or 2e-3, TRUE or FALSE, or NA, NaN or nothing for a missing value", Found: fmt.Sprintf("%.40q", field)}
	for _, k := range notNumbers() {
		if k.is(field) {
			p.Cause, p.Fix = k.cause, k.fix
			return p
		}
	}
	p.Cause, p.Fix = "text in a numeric column", "correct the value, or leave the column out of the table"
	return p
}

// A notNumber is a kind of what is found where a number should be.
type notNumber struct {
	is         func(field string) bool
	cause, fix string
}

func notNumbers() []notNumber {
	only := func(chars string) func(string) bool {
		return func(f string) bool { return strings.Trim(f, "0123456789"+chars) == "" }
	}
	all := func(is ...func(string) bool) func(string) bool {
		return func(f string) bool {
			for _, g := range is {
				if !g(f) {
					return false
				}
			}
			return true
		}
	}
	count := func(char string, least, most int) func(string) bool {
		return func(f string) bool { n := strings.Count(f, char); return n >= least && n <= most }
	}
	words := func(list ...string) func(string) bool {
		return func(f string) bool {
			for _, w := range list {
				if strings.EqualFold(f, w) {
					return true
				}
			}
			return false
		}
	}
	return []notNumber{
		{words("inf", "-inf", "+inf", "infinity", "-infinity", "+infinity", "#div/0!", "#num!", "#value!"), "a division by zero or a logarithm of zero upstream", "write NA where there is no value"},
		{all(only(",+-eE"), count(",", 1, 1)), "a decimal comma", "write numbers with a decimal point (dec = \".\" in R, decimal=\".\" in pandas, another region in Excel)"},
		{all(only(".,+-' \u00a0\u202f"), func(f string) bool { return strings.ContainsAny(f, ",' \u00a0\u202f") }), "separators of thousands, or a decimal comma", "write numbers without separators of thousands, with a decimal point"},
		{words("yes", "no", "y", "n", "t", "f", "yes.", "male", "female", "m"), "a word for yes or no, or a category", "write 1 and 0"},
		{all(only("-/.:TZ +"), func(f string) bool { return strings.Count(f, "-")+strings.Count(f, "/")+strings.Count(f, ":") >= 2 }), "a date or time", "write it as a number, such as days since a fixed day"},
		{func(f string) bool { return strings.HasSuffix(f, "%") }, "a percentage", "write it as a number, without the sign"},
		{func(f string) bool { return strings.ContainsAny(f, "\u2212\u2013") && only(".eE\u2212\u2013")(f) }, "a typographic minus sign", "write the minus sign of the keyboard (-)"},
		{all(only("_"), count("_", 1, 9)), "an underscore between digits: an id, or a number as programs' sources have it", "write digits only, or leave the column out of the table"},
		{func(f string) bool { return strings.HasPrefix(strings.ToLower(strings.TrimLeft(f, "+-")), "0x") }, "a hexadecimal number", "write it in decimal"},
		{func(f string) bool {
			_, err := strconv.ParseFloat(f, 64)
			return decimal(f) && errors.Is(err, strconv.ErrRange) || decimal(f) && err == nil
		}, "a number beyond single precision's range, 3.4e38", "scale the column"},
	}
}
