package setting

import (
	"errors"
	"math"
	"strings"
	"testing"
)

type word string

// things has a field of every type.
type things struct {
	text    string
	kind    word
	count   int
	chunk   int
	seed    uint64
	tau     float64
	warmup  float64
	yes, no bool
}

func (c *things) rows() []Row {
	return []Row{
		New("text", &c.text, "a", Any(), "any text"),
		New("kind", &c.kind, word("pad"), OneOf(word("pad"), "stretch"), "one of {}").Paper("stretch"),
		New("count", &c.count, 3, Count(2), "{}").Before(7),
		New("chunk", &c.chunk, 0, Count(3).OrZero(), ""),
		New("seed", &c.seed, 42, AtLeast(0), ""),
		New("tau", &c.tau, 0.1, Above(0), "").Paper(2),
		New("warmup", &c.warmup, 0.05, ShareOrCount(), ""),
		New("yes", &c.yes, true, Any(), "").Paper(false),
		Not("no-no", &c.no, ""),
	}
}

func standard(recipe string) *things {
	c := new(things)
	Apply(c.rows(), recipe)
	return c
}

func TestRecipes(t *testing.T) {
	if got, want := *standard(Default), (things{"a", "pad", 3, 0, 42, 0.1, 0.05, true, true}); got != want {
		t.Errorf("default %+v, want %+v", got, want)
	}
	got, want := standard(Paper), things{"a", "stretch", 3, 0, 42, 2, 0.05, false, true}
	if *got != want {
		t.Errorf("paper %+v, want %+v", *got, want)
	}
	Earlier(got.rows())
	if want.count = 7; *got != want {
		t.Errorf("before there was a count: %+v, want %+v", *got, want)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       any // of Value; nil: refused
	}{
		{"text", "", ""}, {"kind", "stretch", "stretch"}, {"kind", "Stretch", nil}, {"kind", "", nil}, {"count", "2", 2}, {"count", "1", nil}, {"count", "2147483648", nil},
		{"count", "99999999999999999999", nil}, {"count", "2.0", nil}, {"count", "", nil}, {"count", "3%", nil}, {"chunk", "0", 0}, {"chunk", "2", nil}, {"chunk", "3", 3}, {"chunk", "-3", nil},
		{"seed", "9223372036854775807", math.MaxInt64}, {"seed", "9223372036854775808", nil}, {"seed", "-1", nil}, {"tau", "1e-3", 1e-3}, {"tau", "0", nil}, {"tau", "nan", nil}, {"tau", "+Inf", nil},
		{"tau", "1e400", nil}, {"tau", "5%", nil}, {"warmup", "5%", 0.05}, {"warmup", "0", 0.}, {"warmup", "0.99", 0.99}, {"warmup", "99%", 0.99}, {"warmup", "1", nil}, {"warmup", "1.0", nil},
		{"warmup", "100%", nil}, {"warmup", "500%", nil}, {"warmup", "-5%", nil}, {"warmup", "%", nil}, {"warmup", "1.5", nil}, {"warmup", "2.5", nil}, {"warmup", "2", 2.}, {"warmup", "200", 200.},
		{"warmup", "1e10", nil}, {"warmup", "nan%", nil}, {"yes", "false", false}, {"yes", "perhaps", nil}, {"no-no", "true", true},
	} {
		x := standard(Default)
		r := row(t, x, c.name)
		before := r.Value()
		err := r.Parse(c.text)
		var bad *Error
		switch {
		case c.want == nil && (!errors.As(err, &bad) || bad.Name != c.name || bad.Want == "" || bad.Found == "" || r.Value() != before):
			t.Errorf("%s %q: %v, error %v", c.name, c.text, r.Value(), err)
		case c.want != nil && (err != nil || r.Value() != c.want):
			t.Errorf("%s %q: %v (%v), want %v", c.name, c.text, r.Value(), err, c.want)
		}
	}
}

func row(t *testing.T, c *things, name string) Row {
	t.Helper()
	for _, r := range c.rows() {
		if r.Name == name {
			return r
		}
	}
	t.Fatal(name)
	return Row{}
}

func TestPut(t *testing.T) {
	for _, c := range []struct {
		name string
		toml any
		want any // nil: refused
	}{
		{"text", "x", "x"}, {"text", int64(1), nil}, {"kind", "pad", "pad"}, {"kind", "soup", nil}, {"count", int64(5), 5}, {"count", int64(1), nil}, {"count", 5., nil}, {"count", "5", nil},
		{"seed", int64(5), 5}, {"seed", int64(-5), nil}, {"tau", int64(1), 1.}, {"tau", 1.5, 1.5}, {"tau", "1.5", nil}, {"tau", math.NaN(), nil}, {"tau", math.Inf(1), nil}, {"tau", true, nil},
		{"warmup", "5%", 0.05}, {"warmup", "5", nil}, {"warmup", int64(1), nil}, {"yes", false, false}, {"yes", int64(1), nil}, {"yes", "true", nil}, {"no-no", true, true}, {"count", []any{int64(3)}, nil},
	} {
		x := standard(Default)
		r := row(t, x, c.name)
		if err := r.Put(c.toml); c.want == nil && !errors.As(err, new(*Error)) || c.want != nil && (err != nil || r.Value() != c.want) {
			t.Errorf("%s = %v: %v (%v), want %v", c.name, c.toml, r.Value(), err, c.want)
		}
	}
}

// TestTextIsReadBack: what is shown of a value can be written on a command line.
func TestTextIsReadBack(t *testing.T) {
	was := things{"a b", "stretch", 4, 5, 6, 1. / 3, 0.07, false, false}
	got := standard(Default)
	from := was.rows()
	for i, r := range got.rows() {
		if err := r.Parse(from[i].Text()); err != nil {
			t.Error(err)
		}
	}
	if *got != was {
		t.Errorf("%+v, want %+v", *got, was)
	}
}

func TestCheck(t *testing.T) {
	if err := Check(standard(Paper).rows()); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*things){
		"kind": func(c *things) { c.kind = "" }, "count": func(c *things) { c.count = -1 }, "tau": func(c *things) { c.tau = math.NaN() }, "warmup": func(c *things) { c.warmup = 1 },
	} {
		c := standard(Default)
		spoil(c)
		var bad *Error
		if err := Check(c.rows()); !errors.As(err, &bad) || bad.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWords(t *testing.T) {
	c := standard(Default)
	if got := row(t, c, "kind").Help(); got != "one of pad or stretch" {
		t.Errorf("help %q", got)
	}
	for name, want := range map[string]string{"kind": "pad or stretch", "text": "text", "yes": "true or false", "tau": "a number above 0", "count": "a whole number of at least 2"} {
		if got := row(t, c, name).Expected(); got != want {
			t.Errorf("%s: want %q, got %q", name, want, got)
		}
	}
	if err := row(t, c, "kind").Parse("soup"); err == nil || err.Error() != `kind: want pad or stretch, found "soup"` {
		t.Error(err)
	}
}

func TestOf(t *testing.T) {
	c := standard(Default)
	if got := Of(c.rows(), &c.tau, &c.kind); len(got) != 2 || got[0].Name != "tau" || got[1].Name != "kind" {
		t.Errorf("%v", got)
	}
	for what, f := range map[string]func(){
		"no row": func() { Of(c.rows(), new(int)) }, "another type": func() { New("x", &c.tau, 1, Any(), "").Paper("1") }, "a fraction": func() { New("x", &c.count, 1, Any(), "").Before(1.5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
	if row(t, c, "tau").To() != any(&c.tau) {
		t.Error("To is another pointer")
	}
}

// TestTextIsUTF8: what a configuration file could not give back is refused, and no error quotes more than a line of it.
func TestTextIsUTF8(t *testing.T) {
	c := standard(Default)
	r := row(t, c, "text")
	var bad *Error
	if err := r.Parse("lat\xe9in"); !errors.As(err, &bad) || r.Value() != "a" {
		t.Errorf("%v, %v", err, r.Value())
	}
	if err := row(t, c, "kind").Parse(strings.Repeat("x", 1<<20)); err == nil || len(err.Error()) > 400 {
		t.Errorf("%.100v", err)
	}
}
