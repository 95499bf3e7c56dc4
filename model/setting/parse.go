package setting

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Error is a value that a setting cannot have.
type Error struct {
	Name  string   // of the setting
	Want  string   // what is expected
	Found string   // as text: words in quotes
	Words []string // that are possible, nil where it is not words
}

func (e *Error) Error() string { return fmt.Sprintf("%s: want %s, found %s", e.Name, e.Want, e.Found) }

// Expected says which values the setting may have.
func (r Row) Expected() string {
	kind := map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Float64: "a number"}[r.to.Kind()]
	switch {
	case r.want.words != nil:
		return r.want.String()
	case r.want.alone:
		return r.want.text
	case kind == "":
		kind = "a whole number"
	}
	return strings.TrimSpace(kind + " " + r.want.text)
}

// Parse sets the value from a word of the command line. An error is an *Error and leaves the value as it was.
func (r Row) Parse(text string) error {
	var v any
	var err error
	switch number, percent := strings.CutSuffix(text, "%"); {
	case r.to.Kind() == reflect.String:
		v = text
	case r.to.Kind() == reflect.Bool:
		v, err = strconv.ParseBool(text)
	case r.to.Kind() == reflect.Int:
		v, err = strconv.Atoi(text)
	case r.to.Kind() == reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, strconv.IntSize-1)
		v = int(n)
	case percent && r.want.share:
		var x float64
		x, err = strconv.ParseFloat(number, 64)
		if v = x / 100; err == nil && x >= 100 {
			err = strconv.ErrRange // which would be a count
		}
	default:
		v, err = strconv.ParseFloat(text, 64)
	}
	switch {
	case errors.Is(err, strconv.ErrRange) && r.to.Kind() != reflect.Float64 && !strings.HasPrefix(text, "-"):
		return r.refuse(text + tooLarge)
	case err != nil:
		return r.refuse(quote(text))
	case r.to.Kind() == reflect.String:
		return r.set(v, quote(text))
	}
	return r.set(v, text)
}

// Put sets the value from what a TOML file has. An error is an *Error and leaves the value as it was.
func (r Row) Put(v any) error {
	switch x := v.(type) {
	case string:
		if r.to.Kind() == reflect.String {
			return r.set(x, literal(x))
		}
		if r.want.share && strings.HasSuffix(x, "%") {
			return r.Parse(x)
		}
	case bool:
		if r.Bool() {
			return r.set(x, literal(x))
		}
	case int64:
		switch r.to.Kind() {
		case reflect.Float64:
			return r.set(float64(x), literal(v))
		case reflect.Int, reflect.Uint64:
			return r.Parse(strconv.FormatInt(x, 10))
		}
	case float64:
		if r.to.Kind() == reflect.Float64 {
			return r.set(x, literal(x))
		}
	}
	return r.refuse(literal(v))
}

// set sets the value; found is what it was written as.
func (r Row) set(v any, found string) error {
	if text, is := v.(string); is && !utf8.ValidString(text) { // which no configuration file gives back
		return &Error{Name: r.Name, Want: "text in UTF-8", Found: fmt.Sprintf("%+.200q", text)}
	}
	if r.want.tooLarge(v) {
		found += tooLarge
	}
	if !r.want.takes(v) {
		return r.refuse(found)
	}
	r.put(v)
	return nil
}

// tooLarge is what is said of a number beyond a bound that is not named.
const tooLarge = ", which is too large"

// mostFound is the most bytes of a value that an error quotes.
const mostFound = 200

func (r Row) refuse(found string) error {
	if len(found) > mostFound {
		found = strings.ToValidUTF8(found[:mostFound], "") + "..."
	}
	return &Error{Name: r.Name, Want: r.Expected(), Found: found, Words: r.want.words}
}

// Check returns the *Error of the first setting whose value makes no sense.
func Check(rows []Row) error {
	for _, r := range rows {
		if v := r.Value(); !r.want.takes(v) {
			found := literal(v)
			if r.want.tooLarge(v) {
				found += tooLarge
			}
			return r.refuse(found)
		}
	}
	return nil
}

// Literal returns the value as TOML, which Put reads back.
func (r Row) Literal() string { return literal(r.Value()) }

// Text returns the value as it stands on a command line, which Parse reads back.
func (r Row) Text() string {
	if x, ok := r.Value().(float64); ok {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(r.Value())
}

func literal(v any) string {
	switch x := v.(type) {
	case string:
		return quote(x)
	case float64:
		s := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprint(v)
}

// quote returns text as a basic string of TOML, which knows fewer escapes than Go.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case unicode.IsControl(c):
			fmt.Fprintf(&b, "\\u%04x", c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
