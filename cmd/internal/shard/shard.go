// Package shard is about results that several processes make, a share each: which share a process makes, what the folder of one says of
// itself, and whether folders are all the shares of one whole.
package shard

import (
	"fmt"
	"strconv"
	"strings"
)

// Most is the most shares that a whole may have: more than any scheduler's array has tasks.
const Most = 1 << 20

// A Share is the I-th, from 1, of N contiguous shares, which are equal to within one.
type Share struct {
	I int `json:"shard"`
	N int `json:"shards"`
}

// Want is what Parse reads.
const Want = "I/N, the share I of N, such as 3/16"

// Parse reads I/N. The error says what is wrong, without the flag.
func Parse(text string) (Share, error) {
	a, b, ok := strings.Cut(text, "/")
	i, errI := number(a)
	n, errN := number(b)
	switch {
	case !ok || errI != nil || errN != nil:
		return Share{}, fmt.Errorf("want %s, found %q", Want, text)
	case n < 1 || n > Most:
		return Share{}, fmt.Errorf("want 1 to %d shares, found %q", Most, text)
	case i == 0:
		return Share{}, fmt.Errorf("shares are counted from 1 (of an array job: --array=1-%d), found %q", n, text)
	case i > n:
		return Share{}, fmt.Errorf("there are %d shares, and no share %d: found %q", n, i, text)
	}
	return Share{i, n}, nil
}

// number reads digits and nothing else.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}

// Of returns the share's things, from lo to before hi, of so many; none where there are more shares than things.
func (s Share) Of(things int) (lo, hi int) {
	return at(things, s.I-1, s.N), at(things, s.I, s.N)
}

// at is where share i begins; products of counts stay within 64 bits.
func at(things, i, n int) int { return int(int64(things) * int64(i) / int64(n)) }

// String writes I/N.
func (s Share) String() string { return fmt.Sprintf("%d/%d", s.I, s.N) }
