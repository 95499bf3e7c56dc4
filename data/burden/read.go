package burden

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Problems of the files that burdens are made of.
const (
	codeLine    = 420 // a line that cannot be
	codeNothing = 421 // nothing matches
	codeTwice   = 422 // an id of several variants
	codeMasks   = 423 // masks that cannot be
)

// A Set is a gene, or another set of variants.
type Set struct {
	Name     string
	Variants []string // ids, in the order of the file
	Line     int
}

// A note is what an annotation says of a variant in a set.
type note struct {
	category int
	domain   int // -1 where there is none
	weight   float64
}

// Definitions are what a study's files say.
type Definitions struct {
	Sets       []Set
	Masks      []Mask
	categories map[string]int
	domains    map[string]int
	domainList []string
	notes      map[string]map[string]note // of sets, by their name, and variants
	plain      bool                       // there are no annotations: every variant of a set is in every mask
	setsPath   string
	weighted   bool
}

// A Mask is the categories whose variants it takes.
type Mask struct {
	Name       string
	Categories []string
	of         []bool // by number of category
}

// rows visits the lines of a file, cut at white space; comments begin with #.
func rows(path string, visit func(line int, f []string) error) error {
	l, err := table.Open(path)
	if err != nil {
		return err
	}
	defer l.Close()
	var f []string
	n := 0
	for l.Next() {
		if strings.HasPrefix(l.Text(), "#") {
			continue
		}
		n++
		f = table.Words(l.Text(), f)
		if err := visit(l.Line(), f); err != nil {
			return err
		}
	}
	if err := l.Err(); err != nil {
		return err
	}
	if n == 0 {
		return table.Empty(path, "the file has no lines")
	}
	return nil
}

func badLine(path string, line int, what, expected string, f []string, fix string) error {
	return &data.Problem{Code: codeLine, File: path, Line: line, What: what, Expected: expected, Found: fmt.Sprintf("%.120q", strings.Join(f, " ")),
		Cause: "another kind of file, a header without #, or a line cut short", Fix: fix}
}

// Read reads the files of burdens. sets is a set list of regenie, a group file of SAIGE-GENE or a SetID file of SKAT, by what is in it; anno and masks are
// regenie's, "" where there are none. weights is the column of anno, from 1, that holds weights; 0: none.
func Read(anno, sets, masks string, weights int) (*Definitions, error) {
	d := &Definitions{categories: map[string]int{}, domains: map[string]int{}, notes: map[string]map[string]note{}, setsPath: sets, weighted: weights > 0}
	if anno != "" {
		if err := d.readAnnotations(anno, weights); err != nil {
			return nil, err
		}
	}
	if err := d.readSets(sets); err != nil {
		return nil, err
	}
	d.plain = len(d.categories) == 0
	if masks == "" {
		d.allMasks()
		return d, nil
	}
	return d, d.readMasks(masks)
}

// number returns that of a name, a new one where it is new.
func number(of map[string]int, name string) int {
	n, ok := of[name]
	if !ok {
		n = len(of)
		of[strings.Clone(name)] = n
	}
	return n
}

// mostCategories is how many categories regenie takes.
const mostCategories = 63

func (d *Definitions) annotate(set, variant string, n note) {
	of := d.notes[set]
	if of == nil {
		of = map[string]note{}
		d.notes[strings.Clone(set)] = of
	}
	of[strings.Clone(variant)] = n
}

// readAnnotations reads lines of variant, gene and category, or of variant, gene, domain and category. Columns of weights may follow.
func (d *Definitions) readAnnotations(path string, weights int) error {
	columns := 0
	return rows(path, func(line int, f []string) error {
		if columns == 0 {
			if columns = len(f); weights == 0 && columns > 4 || weights > 0 && columns >= 4 && !isNumber(f[3]) {
				columns = 4
			} else if weights > 0 {
				columns = 3
			}
		}
		if len(f) < max(3, columns, weights) {
			return badLine(path, line, "an annotation lacks fields", fmt.Sprintf("%d fields: variant, gene, category", max(3, columns, weights)), f, "write every line with the fields of the first")
		}
		n := note{domain: -1, weight: 1}
		category := f[2]
		if columns == 4 {
			category = f[3]
			before := len(d.domains)
			if n.domain = number(d.domains, f[2]); n.domain == before {
				d.domainList = append(d.domainList, strings.Clone(f[2]))
			}
		}
		n.category = number(d.categories, category)
		if weights > 0 {
			v, ok := table.Number(f[weights-1])
			if !ok || table.Missing(v) || v < 0 {
				return badLine(path, line, "a weight is no number from 0 on", "a number in column "+strconv.Itoa(weights), f, "correct the weight")
			}
			n.weight = v
		}
		if len(d.categories) > mostCategories {
			return &data.Problem{Code: codeMasks, File: path, Line: line, What: fmt.Sprintf("there are more than %d categories", mostCategories), Expected: "a few, such as pLoF and missense", Found: fmt.Sprintf("%.40q", category),
				Cause: "columns in another order", Fix: "write variant, gene, category"}
		}
		d.annotate(f[1], f[0], n)
		return nil
	})
}

func isNumber(s string) bool { v, ok := table.Number(s); return ok && !table.Missing(v) }

// readSets reads sets of any of the three kinds.
func (d *Definitions) readSets(path string) error {
	kind := ""
	at := map[string]int{}
	err := rows(path, func(line int, f []string) error {
		if kind == "" {
			kind = kindOf(f)
		}
		switch {
		case kind == "group" && len(f) >= 3:
			return d.groupLine(path, line, f, at)
		case kind == "setid" && len(f) == 2:
			k := d.setOf(f[0], line, at)
			d.Sets[k].Variants = append(d.Sets[k].Variants, strings.Clone(f[1]))
			return nil
		case kind == "list" && len(f) >= 4:
			if first, ok := at[f[0]]; ok {
				return badLine(path, line, "a set is there twice", "every set once", []string{f[0], fmt.Sprintf("on lines %d and %d", d.Sets[first].Line, line)}, "join its lines")
			}
			k := d.setOf(f[0], line, at)
			for _, v := range strings.Split(strings.Join(f[3:], ","), ",") {
				if v != "" {
					d.Sets[k].Variants = append(d.Sets[k].Variants, strings.Clone(v))
				}
			}
			return nil
		}
		return badLine(path, line, "this is no line of sets", "gene, chromosome, position, variants with commas between them (regenie); gene, var or anno, values (SAIGE-GENE); or gene, variant (SKAT)", f, "write the file in one of these forms")
	})
	return err
}

// setOf returns the set of a name, a new one where it is new.
func (d *Definitions) setOf(name string, line int, at map[string]int) int {
	k, ok := at[name]
	if !ok {
		k = len(d.Sets)
		name = strings.Clone(name)
		at[name] = k
		d.Sets = append(d.Sets, Set{Name: name, Line: line})
	}
	return k
}

// kindOf tells by its first line what a file of sets is.
func kindOf(f []string) string {
	switch {
	case len(f) >= 3 && slices.Contains([]string{"var", "anno", "weight"}, f[1]):
		return "group"
	case len(f) == 2:
		return "setid"
	}
	return "list"
}

// groupLine reads a line of a group file: the variants of a gene, their categories or their weights.
func (d *Definitions) groupLine(path string, line int, f []string, at map[string]int) error {
	k := d.setOf(f[0], line, at)
	s := &d.Sets[k]
	what, _, _ := strings.Cut(f[1], ":")
	switch what {
	case "var":
		for _, v := range f[2:] {
			s.Variants = append(s.Variants, strings.Clone(v))
		}
		return nil
	case "anno", "weight":
	default:
		return badLine(path, line, "this is no line of a group file", "gene, var or anno or weight, values", f, "write the file as SAIGE-GENE has it")
	}
	if len(f)-2 != len(s.Variants) {
		return badLine(path, line, "a gene has another number of "+what+" than of variants", strconv.Itoa(len(s.Variants)), []string{f[0], strconv.Itoa(len(f) - 2)}, "write as many as there are variants, after the line var")
	}
	for i, v := range s.Variants {
		n, ok := d.notes[s.Name][v]
		if !ok {
			n = note{domain: -1, weight: 1}
		}
		if what == "anno" {
			n.category = number(d.categories, f[2+i])
		} else {
			w, ok := table.Number(f[2+i])
			if !ok || table.Missing(w) || w < 0 {
				return badLine(path, line, "a weight is no number from 0 on", "numbers", []string{f[2+i]}, "correct the weight")
			}
			n.weight, d.weighted = w, true
		}
		d.annotate(s.Name, v, n)
	}
	return nil
}

// readMasks reads lines of a mask and its categories, with commas between them.
func (d *Definitions) readMasks(path string) error {
	seen := map[string]int{}
	return rows(path, func(line int, f []string) error {
		if len(f) < 2 {
			return badLine(path, line, "a mask has no categories", "a name and categories with commas between them", f, "write Mask1 pLoF,missense")
		}
		if first, ok := seen[f[0]]; ok {
			return &data.Problem{Code: codeMasks, File: path, Line: line, What: fmt.Sprintf("the mask %q is there twice", f[0]), Found: fmt.Sprintf("lines %d and %d", first, line), Cause: "files pasted together", Fix: "keep one"}
		}
		seen[strings.Clone(f[0])] = line
		m := Mask{Name: strings.Clone(f[0]), of: make([]bool, len(d.categories))}
		for _, c := range strings.Split(strings.Join(f[1:], ","), ",") {
			if c == "" {
				continue
			}
			m.Categories = append(m.Categories, strings.Clone(c))
			if n, ok := d.categories[c]; ok {
				m.of[n] = true
			}
		}
		d.Masks = append(d.Masks, m)
		return nil
	})
}

// allMask is the mask of all variants of a set, where no masks are given.
const allMask = "all"

// allMasks makes a mask of all categories together.
func (d *Definitions) allMasks() {
	m := Mask{Name: allMask, of: make([]bool, len(d.categories))}
	for c, n := range d.categories {
		m.Categories, m.of[n] = append(m.Categories, c), true
	}
	slices.Sort(m.Categories)
	d.Masks = []Mask{m}
}
