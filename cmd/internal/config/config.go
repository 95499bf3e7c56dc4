// Package config resolves the settings of a training run: a table of settings with the defaults of each
// recipe, a TOML file over them, and the flags given on the command line over both.
package config

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"

	"github.com/BurntSushi/toml"
)

// Code is the number of all errors in a configuration file, in the catalogue of docs/errors.md.
const Code = 801

// A Setting is one flag and one key of the configuration file, under the same name.
type Setting struct {
	Name    string
	Default any // string, int, float64 or bool; its type is the setting's
	Paper   any // in recipe "paper"; nil where it is the same
	Usage   string
}

// Values are resolved settings by name.
type Values map[string]any

// Load reads a TOML file whose keys are names of settings. Every failure is a *data.Problem.
func Load(path string, settings []Setting) (Values, error) {
	raw := map[string]any{}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &data.Problem{Code: Code, File: path, What: "the configuration file cannot be read", Err: err, Fix: "give --config the path of a TOML file"}
	}
	if _, err := toml.Decode(strings.TrimPrefix(string(text), "\ufeff"), &raw); err != nil {
		return nil, broken(path, err)
	}
	v := Values{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		got := raw[key]
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == key })
		if i < 0 {
			return nil, unknown(path, string(text), key, settings)
		}
		if v[key], err = coerce(settings[i].Default, got); err != nil {
			return nil, &data.Problem{Code: Code, File: path, Line: lineOf(string(text), key), What: fmt.Sprintf("%s has the wrong type", key),
				Expected: fmt.Sprintf("%s, for example %s", typeName(settings[i].Default), literal(settings[i].Default)), Found: literal(got)}
		}
	}
	return v, nil
}

func broken(path string, err error) error {
	p := &data.Problem{Code: Code, File: path, What: "the configuration file is not TOML", Found: err.Error(), Fix: "one `name = value` a line; text stands in quotes"}
	if e, ok := err.(toml.ParseError); ok {
		p.Line, p.Found = e.Position.Line, e.Message
		if strings.Contains(e.Message, "already been defined") {
			p.What, p.Fix = "a key is there twice", "keep one of them"
		}
	}
	return p
}

func unknown(path, text, key string, settings []Setting) error {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.Name
	}
	p := &data.Problem{Code: Code, File: path, Line: lineOf(text, key), What: fmt.Sprintf("unknown key %q", key), Expected: "one of " + strings.Join(names, ", "),
		Found: key, Cause: "a misspelt name", Fix: "the keys are the flags of `contig-gpu train --help` without their dashes"}
	if near := data.Nearest(key, names); near != "" {
		p.What, p.Expected = p.What+fmt.Sprintf(", did you mean %q?", near), ""
	}
	return p
}

func lineOf(text, key string) int {
	for i, l := range strings.Split(text, "\n") {
		word := strings.TrimLeft(strings.TrimSpace(l), `["'`)
		if rest, ok := strings.CutPrefix(word, key); ok && (rest == "" || strings.ContainsRune("\"' \t=.]", rune(rest[0]))) {
			return i + 1
		}
	}
	return 0
}

// coerce converts a decoded TOML value to the type of def.
func coerce(def, got any) (any, error) {
	switch def.(type) {
	case string:
		if s, ok := got.(string); ok {
			return s, nil
		}
	case bool:
		if b, ok := got.(bool); ok {
			return b, nil
		}
	case int:
		if n, ok := got.(int64); ok {
			return int(n), nil
		}
	case float64:
		switch n := got.(type) {
		case int64:
			return float64(n), nil
		case float64:
			if !math.IsNaN(n) && !math.IsInf(n, 0) {
				return n, nil
			}
		}
	}
	return nil, fmt.Errorf("%v is not %s", got, typeName(def))
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "text in quotes"
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	}
	return "a number"
}

// Resolve lays flags over the file over the recipe's defaults. The recipe itself is the setting "recipe".
func Resolve(settings []Setting, file, flags Values) Values {
	v := Values{}
	for _, layer := range []Values{file, flags} {
		for k, x := range layer {
			v[k] = x
		}
	}
	for _, s := range settings {
		if _, given := v[s.Name]; given {
			continue
		}
		v[s.Name] = s.Default
		if s.Paper != nil && v["recipe"] == "paper" {
			v[s.Name] = s.Paper
		}
	}
	return v
}

// Write writes every setting as TOML, in the order of the table.
func (v Values) Write(w io.Writer, settings []Setting) error {
	for _, s := range settings {
		if _, err := fmt.Fprintf(w, "%s = %s\n", s.Name, literal(v[s.Name])); err != nil {
			return err
		}
	}
	return nil
}

func literal(v any) string {
	switch x := v.(type) {
	case string:
		return strconv.Quote(x)
	case float64:
		s := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprint(v)
}

// Text returns a text setting.
func (v Values) Text(name string) string { return v[name].(string) }

// Int returns a whole-number setting.
func (v Values) Int(name string) int { return v[name].(int) }

// Number returns a numeric setting.
func (v Values) Number(name string) float64 { return v[name].(float64) }

// Is returns a true-or-false setting.
func (v Values) Is(name string) bool { return v[name].(bool) }
