// Package strict reads JSON that a file has, more strictly than encoding/json: a key that is there twice and a null where a
// value belongs are errors, and nothing is copied on the way.
package strict

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// most is how many bytes of foreign text an error quotes.
const most = 60

// Quote returns text in quotes, escaped, at most 60 bytes of it.
func Quote(text string) string {
	if len(text) <= most {
		return strconv.Quote(text)
	}
	return fmt.Sprintf("%s... (%d bytes)", strconv.Quote(text[:most]), len(text))
}

// Name returns text as it is where it is short and has no control characters, else as Quote does.
func Name(text string) string {
	if len(text) <= most && strconv.Quote(text) == `"`+text+`"` {
		return text
	}
	return Quote(text)
}

// Short returns an error with at most 200 bytes of err's text, escaped, since encoding/json quotes what it cannot read.
func Short(err error) error {
	const most = 200
	text := strconv.Quote(err.Error())
	text = strings.ReplaceAll(text[1:len(text)-1], `\"`, `"`)
	if len(text) > most {
		text = text[:most] + "..."
	}
	return errors.New(text)
}

// Object calls each for the members of a JSON object, in their order, with the text of their values. Text that is no JSON
// object, or names a key twice, is an error.
func Object(text []byte, each func(key string, value []byte) error) error {
	if !json.Valid(text) {
		return errors.New("it does not parse")
	}
	return members(text, each)
}

// Check is an error where text is not JSON, an object in it names a key twice, or a value is null and its key none of
// nullable.
func Check(text []byte, nullable ...string) error {
	if !json.Valid(text) {
		return errors.New("it does not parse")
	}
	return check(text[blank(text, 0):], "", nullable)
}

func check(text []byte, key string, nullable []string) error {
	switch text[0] {
	case 'n':
		for _, k := range nullable {
			if k == key {
				return nil
			}
		}
		return fmt.Errorf("%s is null", Quote(key))
	case '{':
		return members(text, func(k string, value []byte) error { return check(value, k, nullable) })
	case '[':
		for at := blank(text, 1); text[at] != ']'; {
			to := end(text, at)
			if err := check(text[at:to], key, nullable); err != nil {
				return err
			}
			if at = blank(text, to); text[at] == ',' {
				at = blank(text, at+1)
			}
		}
	}
	return nil
}

// members is Object of text that is known to be JSON.
func members(text []byte, each func(key string, value []byte) error) error {
	at := blank(text, 0)
	if text[at] != '{' {
		return errors.New("it is no object")
	}
	seen := map[string]bool{}
	for at = blank(text, at+1); text[at] != '}'; {
		to := end(text, at)
		var key string
		if err := json.Unmarshal(text[at:to], &key); err != nil {
			return Short(err)
		}
		if seen[key] {
			return fmt.Errorf("%s is there twice", Quote(key))
		}
		seen[key] = true
		at = blank(text, blank(text, to)+1) // behind the colon
		to = end(text, at)
		if err := each(key, text[at:to]); err != nil {
			return err
		}
		if at = blank(text, to); text[at] == ',' {
			at = blank(text, at+1)
		}
	}
	return nil
}

// blank returns where the white space that begins at text[at] ends.
func blank(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r') {
		at++
	}
	return at
}

// end returns where the value that begins at text[at] ends.
func end(text []byte, at int) int {
	for depth := 0; ; {
		switch c := text[at]; {
		case c == '"':
			at = quoteEnd(text, at)
		case c == '{' || c == '[':
			depth++
			at++
		case c == '}' || c == ']':
			depth--
			at++
		case depth > 0:
			at++
		default:
			for at < len(text) && !strings.ContainsRune(",]} \n\t\r", rune(text[at])) {
				at++
			}
		}
		if depth == 0 {
			return at
		}
	}
}

// quoteEnd returns where the string that begins at text[at] ends.
func quoteEnd(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// integer reads a whole number.
func integer(text []byte) (int, error) {
	n, err := strconv.Atoi(string(text[:min(len(text), most)]))
	if err != nil || len(text) > most {
		return 0, fmt.Errorf("%s is no whole number", Quote(string(text[:min(len(text), 2*most)])))
	}
	return n, nil
}

// Ints reads a list of whole numbers.
func Ints(text []byte) ([]int, error) {
	if len(text) == 0 || text[0] != '[' {
		return nil, errors.New("it is no list")
	}
	list := []int{}
	for at := blank(text, 1); text[at] != ']'; {
		to := end(text, at)
		n, err := integer(text[at:to])
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if at = blank(text, to); text[at] == ',' {
			at = blank(text, at+1)
		}
	}
	return list, nil
}
