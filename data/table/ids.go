package table

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"strings"
	"unicode"

	"contig-gpu/data"
)

// IDs checks ids one after the other: well formed (E102), not 0 (E121), not given twice (E120).
type IDs struct {
	Path  string
	seen  map[string]int    // line
	pairs map[[2]string]int // of families and persons
}

// Add checks the id of a line.
func (c *IDs) Add(id string, line int) error {
	if err := CheckID(c.Path, line, id); err != nil {
		return err
	}
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	if first, dup := c.seen[id]; dup {
		return c.twice(id, first, line)
	}
	c.seen[id] = line
	return nil
}

// AddPerson checks the ids of a person on a line; fid is "" where there are no families. The two are never made one text: A_1 2 and A 1_2 are two
// persons. A placeholder may be there as often as it likes: whether it is somebody's is for the join to say.
func (c *IDs) AddPerson(fid, iid string, line int) error {
	if Placeholder(iid) {
		return nil
	}
	if fid == "" {
		return c.Add(iid, line)
	}
	if err := CheckID(c.Path, line, iid); err != nil {
		return err
	}
	if c.pairs == nil {
		c.pairs = map[[2]string]int{}
	}
	key := [2]string{fid, iid}
	if first, dup := c.pairs[key]; dup {
		return c.twice(fid+" "+iid, first, line)
	}
	c.pairs[key] = line
	return nil
}

// PlainPeople says whether AddPerson has nothing to say of n persons, one after the other, and how many of them are placeholders. It is the quicker way to ask
// where there are many.
func PlainPeople(n int, ids func(i int) (fid, iid string)) (placeholders int, ok bool) {
	seed, size := maphash.MakeSeed(), 1<<bits.Len(uint(2*n))
	slots := make([]int32, size) // one more than a person, 0 where there is none
	for i := range n {
		fid, iid := ids(i)
		switch {
		case Placeholder(iid):
			placeholders++
			continue
		case !plainID(iid) && CheckID("", 0, iid) != nil:
			return 0, false
		}
		at := int(maphash.String(seed, iid)) & (size - 1)
		for ; slots[at] > 0; at = (at + 1) & (size - 1) {
			if f, other := ids(int(slots[at] - 1)); other == iid && f == fid {
				return 0, false
			}
		}
		slots[at] = int32(i + 1)
	}
	return placeholders, true
}

// plainID recognises most ids that CheckID lets pass: letters, digits, _ and -, at least a digit or more letters than a word for missing has.
func plainID(id string) bool {
	const mostWord = 4
	digit := false
	for i := range len(id) {
		switch c := id[i]; {
		case '0' <= c && c <= '9':
			digit = true
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '-' && i > 0:
		default:
			return false
		}
	}
	return id != "0" && (digit || len(id) > mostWord)
}

func (c *IDs) twice(id string, first, line int) error {
	return &data.Problem{Code: 120, File: c.Path, Line: line, What: fmt.Sprintf("the id %q is there twice", id),
		Expected: "one row a person", Found: fmt.Sprintf("lines %d and %d", first, line),
		Cause: "files pasted together, or a repeated measurement", Fix: "keep one row for each person"}
}

// Placeholder says whether an id stands for nobody: a negative number, as biobanks write for persons who withdrew, often the same for all of them.
func Placeholder(id string) bool {
	n := len(id)
	return n > 1 && id[0] == '-' && strings.Trim(id[1:], "0123456789") == ""
}

// CheckID says what is wrong with an id by itself: E102 where a program has mangled it or it is empty, E121 for "0".
func CheckID(path string, line int, id string) error {
	bad := func(what, cause string) error {
		return &data.Problem{Code: 102, File: path, Line: line, What: what, Expected: "an id without spaces, as text",
			Found: fmt.Sprintf("%q", id), Cause: cause, Fix: "write ids as text, unchanged"}
	}
	switch {
	case id == "":
		return bad("the id is empty", "a missing value")
	case id == "0":
		return &data.Problem{Code: 121, File: path, Line: line, What: `the id is "0", which plink uses for "none"`,
			Expected: "an id of its own for every person", Found: `"0"`, Cause: "FID and IID swapped, or ids removed", Fix: "give every person an id (IID)"}
	case missingID(id):
		return bad("the id is empty: what stands there says that it is missing", "a missing value, as pandas or R write it")
	case strings.ContainsAny(id, " \t\n"):
		return bad("the id has a space in it", "two columns in one, or a wrong separator")
	case strings.IndexFunc(id, unicode.IsControl) >= 0:
		return bad("the id has a control character in it", "damage, or bytes of another program")
	case pointZero(id):
		return bad(`the id ends in ".0"`, "a program read the ids as decimal numbers")
	case scientific(id):
		return bad("the id is in scientific notation", "a spreadsheet read the ids as numbers; digits are lost")
	}
	return nil
}

// missingID is data.Missing, sooner done for ids that begin with a digit, as most do: of words for missing those alone do that have a # in them.
func missingID(id string) bool {
	if '0' <= id[0] && id[0] <= '9' && strings.IndexByte(id, '#') < 0 {
		return false
	}
	return data.Missing(id)
}

// digits returns what follows the digits that s begins with, and how many they are.
func digits(s string) (rest string, n int) {
	rest = strings.TrimLeft(s, "0123456789")
	return rest, len(s) - len(rest)
}

// pointZero says whether s is a whole number with nothing but zeros behind a point.
func pointZero(s string) bool {
	rest, n := digits(strings.TrimPrefix(s, "-"))
	zeros, ok := strings.CutPrefix(rest, ".")
	return n > 0 && ok && zeros != "" && strings.Trim(zeros, "0") == ""
}

// scientific says whether s is a number as 1.00004e+06 or 1e+06. 1e6 is not: it may be an id.
func scientific(s string) bool {
	rest, n := digits(s)
	if n == 0 {
		return false
	}
	fraction, point := strings.CutPrefix(rest, ".")
	if point {
		if rest, n = digits(fraction); n == 0 {
			return false
		}
	}
	if rest == "" || rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	power := rest[1:]
	if !strings.HasPrefix(power, "+") && !point {
		return false
	}
	rest, n = digits(strings.TrimLeft(power, "+-"))
	return n > 0 && rest == "" && len(power)-n <= 1
}
