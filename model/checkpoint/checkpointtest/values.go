package checkpointtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// gone is written as a number that overflows.
const gone = "a number beyond float64"

// A spot is a value within a JSON value.
type spot struct {
	path string
	is   any
	put  func(any)
}

// collect adds all spots at and below v; put replaces v. Of a list three spots are taken, so that long ones do not drown the rest.
func collect(v any, path string, put func(any), into *[]spot) {
	if path != "" {
		*into = append(*into, spot{path, v, put})
	}
	switch x := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(x) {
			collect(x[k], path+"."+k, func(by any) {
				if by == missing {
					delete(x, k)
				} else {
					x[k] = by
				}
			}, into)
		}
	case []any:
		for _, i := range slices.Compact([]int{0, len(x) / 2, len(x) - 1}) {
			if i >= 0 && i < len(x) {
				collect(x[i], fmt.Sprintf("%s[%d]", path, i), func(by any) { x[i] = by }, into)
			}
		}
	}
}

// missing takes a member out of its object; in a list it stands as text.
const missing = "it is missing"

// changes draws what is put in the place of the value.
func (s spot) changes(g *rand.Rand) any {
	others := []any{nil, missing, "", "\x1b[2J", strings.Repeat("x", 1<<16), true, []any{}, map[string]any{}, []any{nil}, gone}
	for _, n := range []string{"-1", "0", "1", "2", "0.5", "-5", "1000000", "100000", "2147483647", "2147483648", "1000000000", "1000000000000000", "4611686018427387904", "9223372036854775807", "-9223372036854775808",
		"9223372036854775808", "1e308", "-1e308", "3e38", "1e-320", "1e38"} {
		others = append(others, json.Number(n))
	}
	switch x := s.is.(type) {
	case []any:
		if len(x) > 0 {
			others = append(others, x[:len(x)-1], x[:1], append(slices.Clone(x), x[0]), append(slices.Clone(x), nil), slices.Repeat(x[:1], len(x)), slices.Repeat([]any{nil}, len(x)), slices.Repeat([]any{json.Number("1e308")}, len(x)),
				slices.Repeat([]any{json.Number("-1e308")}, len(x)))
		}
	case string:
		others = append(others, x+"x", strings.ToUpper(x))
	case json.Number:
		more := json.Number(x.String() + "0")
		if x == "0" {
			more = "10"
		}
		others = append(others, "-"+x.String(), more, x.String())
	}
	return others[g.IntN(len(others))]
}
