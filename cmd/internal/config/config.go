// Package config reads and writes configuration files: TOML whose keys are names of settings.
package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/model/setting"

	"github.com/BurntSushi/toml"
)

// Code is the number of all errors in a configuration file, in the catalogue of docs/errors.md.
const Code = 801

// mostText is the most bytes of a configuration file.
const mostText = data.MostTOML

// A File is a configuration file that was read. The zero File is one without keys.
type File struct {
	path, text string
	values     map[string]any
	run        bool // of LoadRun
	rest       []setting.Row
}

// Load reads a TOML file. Every failure is a *data.Problem.
func Load(path string) (File, error) {
	f := File{path: path}
	text, err := input.Read(path, mostText)
	if err != nil {
		return f, &data.Problem{Code: Code, File: path, What: "the configuration file cannot be read", Err: err, Fix: "give --config the path of a TOML file"}
	}
	f.text = strings.TrimPrefix(string(text), "\ufeff")
	if line, found := data.DeepTOML(f.text); line > 0 {
		return f, &data.Problem{Code: Code, File: path, Line: line, What: "the configuration file is nested too deep", Found: found, Fix: "one `name = value` a line"}
	}
	if _, err := toml.Decode(f.text, &f.values); err != nil {
		return f, broken(path, err)
	}
	return f, nil
}

// LoadRun reads the file that a run was begun with, which has all settings that there were then: those that it lacks are what
// setting.Row.Before says of them.
func LoadRun(path string) (File, error) {
	f, err := Load(path)
	f.run = true
	return f, err
}

// Has reports whether the file has a key.
func (f File) Has(key string) bool {
	_, ok := f.values[key]
	return ok
}

// Or returns the file with the values of rows for the keys that it lacks.
func (f File) Or(rows []setting.Row) File {
	f.rest = rows
	return f
}

// Into gives the settings the values of the file. Every failure is a *data.Problem with its line.
func (f File) Into(rows []setting.Row) error {
	if f.run {
		setting.Earlier(rows)
	}
	for _, r := range f.rest {
		i := slices.IndexFunc(rows, func(x setting.Row) bool { return x.Name == r.Name })
		if _, has := f.values[r.Name]; has || i < 0 {
			continue
		}
		if err := rows[i].Parse(r.Text()); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		i := slices.IndexFunc(rows, func(r setting.Row) bool { return r.Name == key })
		if i < 0 {
			return f.unknown(key, rows)
		}
		var bad *setting.Error
		switch err := rows[i].Put(f.values[key]); {
		case errors.As(err, &bad):
			return &data.Problem{Code: Code, File: f.path, Line: f.lineOf(key), What: key + " cannot have this value", Expected: bad.Want, Found: bad.Found}
		case err != nil:
			return err
		}
	}
	return nil
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

func (f File) unknown(key string, rows []setting.Row) error {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	p := &data.Problem{Code: Code, File: f.path, Line: f.lineOf(key), What: fmt.Sprintf("unknown key %q", key), Expected: "one of " + strings.Join(names, ", "),
		Found: key, Cause: "a misspelt name", Fix: "the keys are the flags of `contig-gpu train --help-all` without their dashes"}
	if near := data.Nearest(key, names); near != "" {
		p.What, p.Expected = p.What+fmt.Sprintf(", did you mean %q?", near), ""
	}
	return p
}

func (f File) lineOf(key string) int {
	for i, l := range strings.Split(f.text, "\n") {
		word := strings.TrimLeft(strings.TrimSpace(l), `["'`)
		if rest, ok := strings.CutPrefix(word, key); ok && (rest == "" || strings.ContainsRune("\"' \t=.]", rune(rest[0]))) {
			return i + 1
		}
	}
	return 0
}

// Write writes every setting as TOML, in the order of the rows.
func Write(w io.Writer, rows []setting.Row) error {
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%s = %s\n", r.Name, r.Literal()); err != nil {
			return err
		}
	}
	return nil
}
