package dataset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
)

// Names of UK Biobank: images of the left (21015) and right (21016) eye; fields as the tables of downloads, of R and of the platform write them; lists of who has withdrawn.
var (
	biobankImage = regexp.MustCompile(`^([^_]+)_(2101[56])_(\d+)_(\d+)$`)
	biobankField = regexp.MustCompile(`^(?:participant\.)?(?:f\.|f_|p|x)?(\d+)(?:[-_.]i?(\d+)[._]a?(\d+)|_i(\d+)(?:_a(\d+))?|_a(\d+))?$`)
	biobankGone  = regexp.MustCompile(`(?i)^w\d+_\d+$|^w\d+.*withdraw|^withdraw`)
)

// A field is a column of UK Biobank's tables.
type field struct {
	number, instance, array string // "" where the name has none
}

func fieldOf(name string) field {
	m := biobankField.FindStringSubmatch(strings.ToLower(name))
	if m == nil {
		return field{}
	}
	return field{m[1], m[2] + m[4], m[3] + m[5] + m[6]}
}

// once reports whether a field is known once of a participant: sex, year of birth, age at recruitment, assessment at recruitment, and what genotyping gives.
func (f field) once() bool {
	return f.number == "" || f.instance == "" || slices.Contains([]string{"31", "33", "34", "52", "21022"}, f.number) || f.genotyped()
}

// genotyped reports whether a field is of genotyping, such as the components 22009, which may be below 0.
func (f field) genotyped() bool {
	n, err := strconv.Atoi(f.number)
	return err == nil && n >= 22000 && n <= 22037
}

// biobank reads UK Biobank: images EID_21015_VISIT_NUMBER, and tables by eid. An image gets the values of its own visit, and those that are known once. Codes below 0 say why a value is missing.
func biobank(b *builder) error {
	gone, err := b.withdrawn()
	if err != nil {
		return err
	}
	persons, kept, left := map[string]bool{}, b.images[:0], 0
	for _, f := range b.images {
		m := biobankImage.FindStringSubmatch(f.stem)
		switch {
		case m == nil:
			continue
		case gone[m[1]] || strings.HasPrefix(m[1], "-"):
			left++
			continue
		}
		persons[m[1]] = true
		kept = append(kept, f)
	}
	b.images = kept
	if len(kept) == 0 {
		return b.layout("no image has a name of UK Biobank", "1000040_21015_0_0.png")
	}
	if left > 0 {
		b.note("%d images of those who have withdrawn are left out.", left)
	}
	tables, err := b.phenotypes(persons)
	if err != nil {
		return err
	}
	values, err := b.columns(tables)
	if err != nil {
		return err
	}
	for _, f := range kept {
		m := biobankImage.FindStringSubmatch(f.stem)
		b.met++
		im := Image{Path: f.path, Person: m[1], Visit: m[3], Eye: map[string]string{"21015": "L", "21016": "R"}[m[2]], Labels: make([]string, len(values))}
		for k, v := range values {
			im.Labels[k] = v.of(m[1], m[3])
		}
		if err := b.add(im, f.path, 0); err != nil {
			return err
		}
	}
	return nil
}

// withdrawn reads the lists of those who have withdrawn, an id a line, without a header.
func (b *builder) withdrawn() (map[string]bool, error) {
	gone := map[string]bool{}
	for _, f := range b.files {
		if !f.isTable() || !biobankGone.MatchString(f.stem) {
			continue
		}
		s, err := readSheet(f, nil)
		if err != nil {
			return nil, err
		}
		for _, row := range append([][]string{s.names}, s.rows...) {
			if len(row) > 0 {
				gone[row[0]] = true
			}
		}
		b.note("%s: those in it have withdrawn.", f.rel)
	}
	return gone, nil
}

// phenotypes reads of the tables by eid the rows of those who have images.
func (b *builder) phenotypes(persons map[string]bool) ([]*sheet, error) {
	key := func(names []string) int {
		return (&sheet{names: names}).column("eid", "participant.eid", "f.eid", "f_eid", "n_eid")
	}
	var out []*sheet
	for _, f := range b.files {
		if !f.isTable() || biobankGone.MatchString(f.stem) {
			continue
		}
		s, err := readSheet(f, func(names, row []string) bool { at := key(names); return at >= 0 && persons[row[at]] })
		if err != nil {
			return nil, err
		}
		if key(s.names) < 0 {
			continue
		}
		if len(s.rows) == 0 {
			b.note("W1040: %s has no row of anybody with an image: ids of another application?", f.rel)
		}
		out = append(out, s)
	}
	return out, nil
}

// A value is one label: of which column by visit, and what it says.
type value struct {
	s      *sheet
	rowOf  map[string]int
	once   int            // column, -1: by visit
	visits map[string]int // columns
	gone   bool           // codes below 0 are missing values
}

func (v *value) of(person, visit string) string {
	column := v.once
	if column < 0 {
		c, there := v.visits[visit]
		if !there {
			return unknown
		}
		column = c
	}
	r, there := v.rowOf[person]
	if !there || data.Missing(v.s.rows[r][column]) || v.gone && strings.HasPrefix(v.s.rows[r][column], "-") {
		return unknown
	}
	return v.s.rows[r][column]
}

// columns makes labels of the columns: one for each field and array of it.
func (b *builder) columns(tables []*sheet) ([]*value, error) {
	var out []*value
	for _, s := range tables {
		eid, rowOf := s.column("eid", "participant.eid", "f.eid", "f_eid", "n_eid"), map[string]int{}
		for r, row := range s.rows {
			if _, twice := rowOf[row[eid]]; twice {
				return nil, b.problem(codeTable, s.path, s.lines[r], "a participant is there twice", "one row a participant", fmt.Sprintf("%.60q", row[eid]), "tables pasted together", "keep one row")
			}
			rowOf[row[eid]] = r
		}
		arrays := map[string][]string{}
		for _, n := range s.names {
			if f := fieldOf(n); f.number != "" && !slices.Contains(arrays[f.number], f.array) {
				arrays[f.number] = append(arrays[f.number], f.array)
			}
		}
		at := map[string]*value{}
		for c, n := range s.names {
			if c == eid {
				continue
			}
			f, name := fieldOf(n), n
			if f.number != "" {
				name = "p" + f.number
				if len(arrays[f.number]) > 1 {
					name += "_a" + f.array
				}
			}
			v := at[name]
			if v == nil {
				if slices.Contains(b.Names, name) {
					return nil, b.problem(codeTable, s.path, 1, "a field is in two tables", "one column a field", n, "exports that overlap", "move one of the tables away")
				}
				v = &value{s: s, rowOf: rowOf, once: -1, visits: map[string]int{}}
				at[name], b.Names, out = v, append(b.Names, name), append(out, v)
			}
			if f.once() {
				v.once = c
			} else {
				v.visits[f.instance] = c
			}
		}
	}
	b.codes(out)
	return out, nil
}

// mostCodes is how many different codes below 0 a column has at most.
const mostCodes = 5

// codes finds columns of whole numbers in which those below 0 are codes: -1 do not know, -3 prefer not to answer, and others. Measurements below 0, such as components, have fractions or many values.
func (b *builder) codes(values []*value) {
	for k, v := range values {
		below, whole := map[string]int{}, true
		columns := slices.Collect(maps.Values(v.visits))
		if v.once >= 0 {
			columns = []int{v.once}
		}
		if fieldOf(v.s.names[columns[0]]).genotyped() {
			continue
		}
		for _, row := range v.s.rows {
			for _, c := range columns {
				if data.Missing(row[c]) {
					continue
				}
				n, err := strconv.Atoi(row[c])
				if whole = whole && err == nil; err == nil && n < 0 {
					below[row[c]]++
				}
			}
		}
		if v.gone = whole && len(below) > 0 && len(below) <= mostCodes; v.gone {
			var list []string
			for code, n := range below {
				list = append(list, fmt.Sprintf("%s (%d)", code, n))
			}
			slices.Sort(list)
			b.note("%s: codes below 0 are no numbers and are NA: %s.", b.Names[k], strings.Join(list, ", "))
		}
	}
}
