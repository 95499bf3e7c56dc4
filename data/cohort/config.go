package cohort

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// A config is a data.toml. Its paths are relative to its folder until resolved.
type config struct {
	path    string
	text    string // as read, to find lines
	notes   []string
	IDs     idsConfig
	Split   splitConfig
	sources []section
	targets []Target
	count   func(done, total int, things string) // shows how far a reading is; nil: nobody looks
	faults  *data.Faults                         // takes what is wrong, and the reading goes on; nil: the first fault ends it
}

type idsConfig struct {
	Keep   pathList `toml:"keep"`
	Remove pathList `toml:"remove"`
	Map    string   `toml:"map"`
	Match  string   `toml:"match"`
}

type splitConfig struct {
	Train *float64 `toml:"train"`
	Val   *float64 `toml:"val"`
	Test  *float64 `toml:"test"`
	Seed  *int64   `toml:"seed"`
	By    string   `toml:"by"`
}

// A section is one modality; exactly one of the kinds is set.
type section struct {
	name  string
	line  int
	files *filesConfig
	score *scoreConfig
	wide  *wideConfig
	pgs   *pgsConfig
	masks *masksConfig
}

type filesConfig struct {
	Files       pathList            `toml:"files"`
	Select      selectRule          `toml:"select"`
	Extract     string              `toml:"extract"`
	Panel       string              `toml:"panel"`
	Region      pathList            `toml:"region"`
	Bed         string              `toml:"bed"`
	Ref         string              `toml:"ref"`
	Sample      string              `toml:"sample"`
	Chrom       pathList            `toml:"chrom"`
	Dosages     string              `toml:"dosages"`
	Count       string              `toml:"count"`
	Impute      string              `toml:"impute"`
	Standardize string              `toml:"standardize"`
	Scaling     string              `toml:"scaling"`
	MAF         float64             `toml:"maf"`
	MaxMissing  *float64            `toml:"max_missing"`
	Format      string              `toml:"format"`
	regions     []genotype.Interval // of Region
}

// Words of count and ref, as they are kept.
const (
	countALT = "a1"
	countREF = "a2"
	refFirst = "first"
	refLast  = "last"
	inBytes  = "bytes"
)

type scoreConfig struct {
	SScore      pathList `toml:"sscore"`
	Column      string   `toml:"column"`
	Standardize string   `toml:"standardize"`
}

type wideConfig struct {
	Table       string   `toml:"table"`
	Columns     pathList `toml:"columns"` // names, or patterns of them
	IDs         string   `toml:"ids"`
	NamesFile   string   `toml:"names"`
	Dataset     string   `toml:"dataset"`
	Orient      string   `toml:"orient"`
	Standardize string   `toml:"standardize"`
	MinCarriers int      `toml:"min_carriers"`
}

// A pathList is one string or several.
type pathList []string

// UnmarshalTOML accepts a string or a list of strings.
func (l *pathList) UnmarshalTOML(v any) error {
	if s, ok := v.(string); ok {
		*l = pathList{s}
		return nil
	}
	list, ok := v.([]any)
	for _, e := range list {
		s, is := e.(string)
		ok = ok && is
		*l = append(*l, s)
	}
	if !ok {
		return errors.New("expected a string or a list of strings")
	}
	return nil
}

// A selectRule says which variants of filesets are used: all where every is 0, or every so-many-th.
type selectRule struct {
	every   int
	restart bool
	extract string
}

// UnmarshalTOML accepts "all" or a table of every, restart and extract.
func (r *selectRule) UnmarshalTOML(v any) error {
	if s, ok := v.(string); ok && s == "all" {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return errors.New(`select is "all" or {every = k, restart = "file"}`)
	}
	r.restart = true
	for k, e := range m {
		if err := r.set(k, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *selectRule) set(key string, v any) error {
	switch key {
	case "every":
		n, ok := v.(int64)
		if !ok || n < 1 {
			return errors.New("select.every is a whole number from 1 on")
		}
		r.every = int(n)
	case "restart":
		if v != "file" && v != "overall" {
			return errors.New(`select.restart is "file" or "overall"`)
		}
		r.restart = v == "file"
	case "extract":
		s, ok := v.(string)
		if !ok {
			return errors.New("select.extract is a path")
		}
		r.extract = s
	default:
		return fmt.Errorf("select has no key %q, it has every, restart and extract", key)
	}
	return nil
}

// readConfig reads a data.toml: E112 where it is no TOML, E113 for unknown sections and keys, E114 for impossible values,
// E115 where it names no genetics.
func readConfig(path string, faults *data.Faults) (*config, []string, error) {
	c, notes, err := parseConfig(path, faults)
	if err != nil {
		return nil, nil, err
	}
	if len(c.sources) == 0 && faults.Found() == 0 {
		return nil, nil, &data.Problem{Code: 115, File: path, What: "no genetics are named", Expected: "at least one section with files, sscore, scores, masks or table",
			Found: "none", Cause: "all are commented out, or the file is another one", Fix: "see docs/file-formats.md"}
	}
	err = c.check()
	return c, append(notes, c.notes...), err
}

// parseConfig is readConfig without what must be there.
func parseConfig(path string, faults *data.Faults) (*config, []string, error) {
	c := &config{path: path, faults: faults}
	var notes []string
	var err error
	if c.text, notes, err = table.ReadText(path); err != nil {
		return nil, nil, err
	}
	if line, found := data.DeepTOML(c.text); line > 0 {
		return nil, nil, &data.Problem{Code: 112, File: path, Line: line, What: "this is nested too deep", Expected: "sections with keys, and lists of paths", Found: found,
			Cause: "another file under this name, or a bracket that was never closed", Fix: "correct the line"}
	}
	var top map[string]toml.Primitive
	meta, err := toml.Decode(c.text, &top)
	if err != nil {
		return nil, nil, c.syntax(err)
	}
	d := &decoder{c: c, meta: meta}
	for _, key := range order(meta) {
		if err := faults.Take(d.section(key, top[key])); err != nil {
			return nil, nil, err
		}
	}
	return c, notes, nil
}

func (c *config) syntax(err error) error {
	p := &data.Problem{Code: 112, File: c.path, What: "this is not TOML", Err: err, Cause: "a missing quote, or a value that is no string, number or list", Fix: "correct the line; see https://toml.io"}
	var at toml.ParseError
	if errors.As(err, &at) {
		p.Line, p.Err, p.Found = at.Position.Line, nil, at.Message
		c.badEscape(p)
		if strings.Contains(at.Message, "already been defined") {
			p.What, p.Cause, p.Fix = "a section or key is there twice", "sections pasted together", "keep one of them"
		}
	}
	return p
}

// order returns the names of the sections as they stand in the file.
func order(meta toml.MetaData, under ...string) []string {
	var names []string
	seen := map[string]bool{}
	for _, k := range meta.Keys() {
		n := len(under)
		if len(k) <= n || strings.Join(k[:n], ".") != strings.Join(under, ".") || seen[k[n]] {
			continue
		}
		seen[k[n]] = true
		names = append(names, k[n])
	}
	return names
}

// line finds where a key or section is written, 0 if it is not found.
func (c *config) line(section, key string) int {
	head := regexp.MustCompile(`^\s*\[\s*"?` + regexp.QuoteMeta(section) + `"?\s*[\].]`)
	this := regexp.MustCompile(`^\s*(?:\[\s*(?:` + regexp.QuoteMeta(section) + `\.)?)?"?` + regexp.QuoteMeta(key) + `"?\s*[=.\]]`)
	in, at := section == "", 0
	for i, l := range strings.Split(c.text, "\n") {
		switch {
		case section != "" && head.MatchString(l):
			in = true
			if at == 0 {
				at = i + 1
			}
		case in && strings.HasPrefix(strings.TrimSpace(l), "[") && section != "":
			in = false
		}
		if in && key != "" && this.MatchString(l) {
			return i + 1
		}
	}
	return at
}

// counting returns what shows how many of some things are done, nil where nobody looks.
func (c *config) counting(things string) func(done, total int) {
	if c.count == nil {
		return nil
	}
	return func(done, total int) { c.count(done, total, things) }
}
