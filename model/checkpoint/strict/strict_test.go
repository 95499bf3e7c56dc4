package strict

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// drawn returns a JSON value, and what it is in Go.
func drawn(g *rand.Rand, depth int) any {
	words := []string{"", "a", `q"`, `\`, "ü", "}{", "],", "\x01", "a,b:c", "null"}
	switch n := g.IntN(7); {
	case n == 0 && depth > 0:
		m := map[string]any{}
		for range g.IntN(5) {
			m[words[g.IntN(len(words))]] = drawn(g, depth-1)
		}
		return m
	case n < 3 && depth > 0:
		list := []any{}
		for range g.IntN(5) {
			list = append(list, drawn(g, depth-1))
		}
		return list
	case n == 3:
		return g.NormFloat64() * 1e9
	case n == 4:
		return g.IntN(2) == 0
	}
	return words[g.IntN(len(words))]
}

// TestObjectIsTheLibrarys: members are those that encoding/json finds, with or without white space.
func TestObjectIsTheLibrarys(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		want := map[string]any{}
		for i := range g.IntN(6) {
			want[fmt.Sprint(i, drawn(g, 0))] = drawn(g, 3)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if g.IntN(2) == 0 {
			text, _ = json.MarshalIndent(want, " ", "\t")
		}
		got := map[string]any{}
		err = Object(text, func(key string, value []byte) error {
			var v any
			err := json.Unmarshal(value, &v)
			got[key] = v
			return err
		})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v, %v", text, got, err)
		}
		if err := Check(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	for text, says := range map[string]string{
		`{"a":1,"a":1}`: `"a" is there twice`, `{"b":[{"\u0061":1,"a":2}]}`: `"a" is there twice`, `{"b":[1, null]}`: `"b" is null`, `null`: "null",
		`{"a":1}x`: "does not parse", ``: "does not parse", strings.Repeat("[", 1<<20): "does not parse", `{"b":{"c":null}}`: `"c" is null`,
		`{"` + strings.Repeat("\x1b[31m", 1<<16) + `":1}`: "does not parse", `{"` + strings.Repeat("x", 1<<16) + `":null}`: "65536 bytes",
	} {
		if err := Check([]byte(text), "d"); err == nil || !strings.Contains(err.Error(), says) || len(err.Error()) > 200 {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
	}
	if err := Check([]byte(`{"d":null,"a":[{"d": null }]}`), "d"); err != nil {
		t.Error(err)
	}
	if err := Object([]byte(`[]`), nil); err == nil {
		t.Error("a list is an object")
	}
	for _, text := range []string{"[1.0]", "[1e3]", "[null]", "[9223372036854775808]", "{}", "null", "[" + strings.Repeat("1", 1<<20) + "]", `["1"]`, "[[1]]"} {
		if got, err := Ints([]byte(text)); err == nil || len(err.Error()) > 200 {
			t.Errorf("%.40s: %v, %v", text, got, err)
		}
	}
	if got, err := Ints([]byte("[ 64,-3 , 0]")); err != nil || fmt.Sprint(got) != "[64 -3 0]" {
		t.Error(got, err)
	}
	if err := Short(fmt.Errorf("\x1b[2J%s", strings.Repeat("9", 1<<20))); len(err.Error()) > 210 || strings.Contains(err.Error(), "\x1b") {
		t.Error(err)
	}
}
