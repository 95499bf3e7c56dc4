package cohort

import (
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"contig-gpu/data"
)

// A Target is a section [target.NAME] of a data.toml: what is to be predicted of persons or images.
type Target struct {
	Name    string
	Labels  string   // path of the file of labels
	Columns []string // of it, names or patterns
	Task    string   // "": as the columns' values say
	Split   string   // "": the first that gives training and test rows
}

// Words of a target's task and split.
func taskWords() []string  { return []string{"classes", "ordinal", "labels", "traits"} }
func splitWords() []string { return []string{"labels", "run", "random"} }

// Targets reads the sections [target.NAME] of a data.toml, in their order, with the paths of labels relative to where the program
// runs. The file may name no genetics. E112 to E114 as for cohorts.
func Targets(path string) ([]Target, error) {
	c, _, err := parseConfig(path, nil)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	for i := range c.targets {
		c.targets[i].Labels = c.resolve(c.targets[i].Labels)
	}
	return c.targets, nil
}

// isSource reports whether a section has one of the keys that name a source, and is a modality.
func (d *decoder) isSource(name string) bool {
	return slices.ContainsFunc(sourceKeys(), func(k string) bool {
		return d.meta.IsDefined(name, k) && d.meta.Type(name, k) != "Hash"
	})
}

// targets decodes the sections [target.NAME].
func (d *decoder) targets(p toml.Primitive) error {
	var inner map[string]toml.Primitive
	if err := d.meta.PrimitiveDecode(p, &inner); err != nil {
		return d.value(targetSection, err)
	}
	for _, name := range order(d.meta, targetSection) {
		err := d.unknown(targetSection, name, nil)
		if d.isTable(targetSection, name) {
			err = d.target(name, inner[name])
		}
		if err := d.c.faults.Take(err); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) target(name string, p toml.Primitive) error {
	var t struct {
		Labels string   `toml:"labels"`
		Column pathList `toml:"column"`
		Task   string   `toml:"task"`
		Split  string   `toml:"split"`
	}
	section := targetSection + "." + name
	if err := d.decode(p, &t, []string{targetSection, name}, "labels", "column", "task", "split"); err != nil {
		return err
	}
	for key, missing := range map[string]bool{"labels": t.Labels == "", "column": len(t.Column) == 0 || slices.Contains(t.Column, "")} {
		if missing {
			return &data.Problem{Code: 114, File: d.c.path, Line: d.c.line(section, key), What: fmt.Sprintf("[%s] has no %s", section, key), Expected: "labels = a file, column = one of its columns or several",
				Found: "none", Cause: "a key that was left out or misspelt", Fix: "see docs/file-formats.md"}
		}
	}
	for _, w := range []struct {
		key, is string
		words   []string
	}{{"task", t.Task, taskWords()}, {"split", t.Split, splitWords()}} {
		if w.is != "" && !slices.Contains(w.words, w.is) {
			return d.c.bad(section, w.key, fmt.Sprintf("%s in [%s] is not known", w.key, section), strings.Join(w.words, ", "), fmt.Sprintf("%q", w.is))
		}
	}
	d.c.targets = append(d.c.targets, Target{name, t.Labels, t.Column, t.Task, t.Split})
	return nil
}

// NamesGenetics reports whether a data.toml names any. E112 to E114 as for cohorts.
func NamesGenetics(path string) (bool, error) {
	c, _, err := parseConfig(path, nil)
	if err != nil {
		return false, err
	}
	return len(c.sources) > 0, nil
}
