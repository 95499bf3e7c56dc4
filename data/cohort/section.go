package cohort

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"contig-gpu/data"
	"contig-gpu/data/frame"
)

// Words of data.toml that are no modality's name.
const (
	idsSection   = "ids"
	splitSection = "split"
	tableSection = "table" // [table.NAME]

	targetSection = "target" // [target.NAME]
)

// AllName is what metrics and reports call the mean over modalities, so that no modality can have the name.
const AllName = "all"

// sourceKeys are the keys that name a source, of which a section has one.
func sourceKeys() []string { return []string{"files", "sscore", "scores", "masks", "table"} }

// A decoder turns the sections of a data.toml into a config.
type decoder struct {
	c    *config
	meta toml.MetaData
}

func (d *decoder) section(name string, p toml.Primitive) error {
	switch {
	case !d.isTable(name):
		return d.unknown("", name, []string{idsSection, splitSection})
	case name == idsSection:
		return d.decode(p, &d.c.IDs, []string{name}, "keep", "remove", "map", "match")
	case name == splitSection:
		return d.decode(p, &d.c.Split, []string{name}, "train", "val", "test", "seed", "by")
	case name == targetSection && !d.isSource(name):
		return d.targets(p)
	case name == tableSection && d.meta.Type(name, "table") != "String":
		return d.named(p)
	}
	return d.source(name, []string{name}, p)
}

// isTable also accepts a table that only exists because one below it does; it has no type.
func (d *decoder) isTable(path ...string) bool {
	kind := d.meta.Type(path...)
	return kind == "Hash" || kind == ""
}

// named decodes the sections [table.NAME].
func (d *decoder) named(p toml.Primitive) error {
	var inner map[string]toml.Primitive
	if err := d.meta.PrimitiveDecode(p, &inner); err != nil {
		return d.value(tableSection, err)
	}
	for _, name := range order(d.meta, tableSection) {
		err := d.unknown(tableSection, name, nil)
		if d.isTable(tableSection, name) {
			err = d.source(name, []string{tableSection, name}, inner[name])
		}
		if err := d.c.faults.Take(err); err != nil {
			return err
		}
	}
	return nil
}

// source makes a modality of a section, by its keys.
func (d *decoder) source(name string, path []string, p toml.Primitive) error {
	s := section{name: name, line: d.c.line(strings.Join(path, "."), "")}
	var kinds []string
	for _, k := range sourceKeys() {
		if d.meta.IsDefined(append(slices.Clone(path), k)...) {
			kinds = append(kinds, k)
		}
	}
	switch {
	case len(kinds) == 0:
		return d.unknownSection(name, path)
	case len(kinds) > 1:
		return d.c.bad(name, kinds[1], "the section has two sources", "one of "+strings.Join(sourceKeys(), ", "), strings.Join(kinds, " and "))
	}
	if err := d.c.faults.Take(d.c.checkName(name)); err != nil {
		return err
	}
	var err error
	switch kinds[0] {
	case "files":
		s.files = &filesConfig{}
		err = d.decode(p, s.files, path, filesKeys()...)
	case "sscore":
		s.score = &scoreConfig{}
		err = d.decode(p, s.score, path, "sscore", "column", "standardize")
	case "scores":
		s.pgs = &pgsConfig{}
		err = d.decode(p, s.pgs, path, pgsKeys()...)
	case "masks":
		s.masks = &masksConfig{}
		err = d.decode(p, s.masks, path, "masks", "mask", "standardize", "min_carriers")
	default:
		s.wide = &wideConfig{}
		err = d.decode(p, s.wide, path, "table", "columns", "ids", "names", "dataset", "orient", "standardize", "min_carriers")
	}
	d.c.sources = append(d.c.sources, s)
	return err
}

// decode fills dst, after checking that the section has no other keys than these.
func (d *decoder) decode(p toml.Primitive, dst any, path []string, keys ...string) error {
	for _, k := range order(d.meta, path...) {
		if slices.Contains(keys, k) {
			continue
		}
		if err := d.c.faults.Take(d.unknown(strings.Join(path, "."), k, keys)); err != nil {
			return err
		}
	}
	if err := d.meta.PrimitiveDecode(p, dst); err != nil {
		return d.value(strings.Join(path, "."), err)
	}
	return nil
}

func (d *decoder) unknown(section, key string, keys []string) error {
	p := &data.Problem{Code: 113, File: d.c.path, Line: d.c.line(section, key), What: fmt.Sprintf("unknown key %q", key),
		Expected: strings.Join(keys, ", "), Found: key, Cause: "a misspelling", Fix: "correct or remove it"}
	if section != "" {
		p.What += " in [" + section + "]"
	}
	if near := data.Nearest(key, keys); near != "" {
		p.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return p
}

// formatWords are what genotypes are called in other programs, by their formats.
func formatWords() []string {
	return []string{"bed", "bfile", "bpfile", "pgen", "pfile", "vcf", "bcf", "bgen", "plink", "geno", "genotypes", "path", "file", "prefix"}
}

func (d *decoder) unknownSection(name string, path []string) error {
	section := strings.Join(path, ".")
	p := &data.Problem{Code: 113, File: d.c.path, Line: d.c.line(section, ""), What: fmt.Sprintf("unknown section [%s]", section),
		Expected: "[ids], [split], or a section with one of the keys " + strings.Join(sourceKeys(), ", "), Found: "[" + section + "] with none of them",
		Cause: "a misspelling, or a source without its files", Fix: "correct or remove it"}
	if near := data.Nearest(name, []string{idsSection, splitSection}); near != "" {
		p.Fix = fmt.Sprintf("did you mean [%s]?", near)
	}
	for _, key := range order(d.meta, path...) {
		near := data.Nearest(key, sourceKeys())
		if slices.Contains(formatWords(), key) {
			near = "files" // they are told apart by their content
		}
		if near != "" && (len(key) > 3 || near == "files") {
			p.Fix = fmt.Sprintf("did you mean the key %q?", near)
		}
	}
	return p
}

func (d *decoder) value(section string, err error) error {
	p := &data.Problem{Code: 114, File: d.c.path, Line: d.c.line(section, ""), What: "a value in [" + section + "] is of the wrong kind", Err: err,
		Cause: "text where a number belongs, or the reverse", Fix: "see docs/file-formats.md"}
	// The package has no type for these errors, only this form.
	if m := regexp.MustCompile(`^toml: line (\d+) \(last key "([^"]+)"\): (.*)`).FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.What, p.Err, p.Found = m[2]+" is of the wrong kind", nil, m[3]
	}
	return p
}

func (c *config) bad(section, key, what, expected, found string) error {
	return &data.Problem{Code: 114, File: c.path, Line: c.line(section, key), What: what, Expected: expected, Found: found,
		Cause: "a misspelling, or a value out of range", Fix: "correct the value; see docs/file-formats.md"}
}

func (c *config) checkName(name string) error {
	ok := name != "" && name != AllName
	for _, r := range name {
		ok = ok && (r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}
	if !ok {
		return c.bad(name, "", "the section's name cannot name a modality", fmt.Sprintf("letters, digits, _ and -, not %q", AllName), fmt.Sprintf("%q", name))
	}
	for _, s := range c.sources {
		if s.name == name {
			return c.bad(name, "", fmt.Sprintf("two sections are named %q", name), "a name of its own for each", name)
		}
	}
	return nil
}

// check fills defaults and refuses impossible values.
func (c *config) check() error {
	if err := c.faults.Take(c.choice(idsSection, "match", &c.IDs.Match, "iid", matchPair)); err != nil {
		return err
	}
	if err := c.faults.Take(c.checkSplit()); err != nil {
		return err
	}
	if err := c.checkPaths(); err != nil {
		return err
	}
	for i := range c.sources {
		if err := c.faults.Take(c.checkSource(&c.sources[i])); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) checkSource(s *section) error {
	switch {
	case s.files != nil:
		return c.checkFiles(s)
	case s.score != nil:
		if err := c.faults.Take(c.choice(s.name, "column", &s.score.Column, "AVG", "SUM")); err != nil {
			return err
		}
		return c.choice(s.name, "standardize", &s.score.Standardize, "train", "none")
	case s.pgs != nil:
		return c.checkPGS(s)
	case s.masks != nil:
		return c.checkCarriers(s.name, s.masks.MinCarriers, &s.masks.Standardize)
	}
	if err := c.faults.Take(c.choice(s.name, "orient", &s.wide.Orient, frame.OrientAuto, frame.OrientPersons, frame.OrientFeatures)); err != nil {
		return err
	}
	return c.checkCarriers(s.name, s.wide.MinCarriers, &s.wide.Standardize)
}

// checkCarriers fills the default of standardize: counts of carriers are of indicators, which stay as they are.
func (c *config) checkCarriers(name string, least int, standardize *string) error {
	switch {
	case least < 0:
		return c.bad(name, "min_carriers", "min_carriers is negative", "a whole number from 0 on", fmt.Sprint(least))
	case least > 0:
		return c.choice(name, "standardize", standardize, "none", "train")
	}
	return c.choice(name, "standardize", standardize, "train", "none")
}

// choice sets an empty value to the first of the words and refuses others.
func (c *config) choice(section, key string, value *string, words ...string) error {
	if *value == "" {
		*value = words[0]
	}
	if slices.Contains(words, *value) {
		return nil
	}
	was := *value
	if c.faults.Collects() {
		*value = words[0] // to go on with
	}
	return c.bad(section, key, fmt.Sprintf("%s in [%s] is not known", key, section), strings.Join(words, " or "), fmt.Sprintf("%q", was))
}

// The fractions of persons in the splits where data.toml says nothing: those of the published ContIG code.
const (
	defaultTrain = 0.7
	defaultVal   = 0.1
	defaultTest  = 0.2
)

func (c *config) checkSplit() error {
	s := &c.Split
	if s.Train == nil && s.Val == nil && s.Test == nil {
		a, b, t := defaultTrain, defaultVal, defaultTest
		s.Train, s.Val, s.Test = &a, &b, &t
	}
	if s.Seed != nil && *s.Seed < 0 {
		if err := c.faults.Take(c.bad(splitSection, "seed", "the seed is negative", "a whole number from 0 on", fmt.Sprint(*s.Seed))); err != nil {
			return err
		}
	}
	sum := 0.0
	for _, f := range []**float64{&s.Train, &s.Val, &s.Test} {
		if *f == nil {
			*f = new(float64)
		}
		if **f < 0 || math.IsNaN(**f) {
			return c.bad(splitSection, "", "a fraction is negative", "0 to 1", fmt.Sprint(**f))
		}
		sum += **f
	}
	const slack = 1e-6
	if math.Abs(sum-1) > slack {
		return c.bad(splitSection, "", "the fractions do not add up to 1", "train + val + test = 1", fmt.Sprintf("%g + %g + %g = %g", *s.Train, *s.Val, *s.Test, sum))
	}
	if s.By == "" {
		return nil
	}
	return c.choice(splitSection, "by", &s.By, "group", "person")
}
