package genotype

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/data/table"
)

// All returns all variants.
func (s *Set) All() []int {
	out := make([]int, len(s.Sites))
	for v := range out {
		out[v] = v
	}
	return out
}

// Every returns every k-th of the given variants, beginning with the first; restart begins anew in every file, as the published
// ContIG code does.
func (s *Set) Every(k int, restart bool, of []int) []int {
	var out []int
	n, end := 0, 0 // counted since the beginning, or since that of the file that ends before variant end
	for _, v := range of {
		if restart && v >= end {
			p := s.part(v)
			n, end = 0, p.first+p.n
		}
		if n%k == 0 {
			out = append(out, v)
		}
		n++
	}
	return out
}

// A list holds words that name variants: ids, or chromosome:position with or without alleles.
type list struct {
	path  string
	words map[string]int // how many variants each named
	place map[string]string
}

func newList(path string) *list {
	return &list{path: path, words: map[string]int{}, place: map[string]string{}}
}

// add takes a word; one that says where a variant is can be found by that as well.
func (l *list) add(word string) {
	l.words[word] = 0
	if key := placeKey(word); key != "" {
		l.place[key] = word
	}
}

// placeKey returns a word of the form chr:pos or chr:pos:a:b as variants have it, alleles in alphabetical order; "" where it has another form.
func placeKey(word string) string {
	f := strings.FieldsFunc(word, func(r rune) bool { return r == ':' || r == '_' || r == '-' || r == '/' })
	if len(f) != 2 && len(f) != 4 {
		return ""
	}
	pos, err := strconv.Atoi(f[1])
	if err != nil || pos < 0 {
		return ""
	}
	key := Variant{Chrom: f[0], Pos: pos}.where()
	if len(f) == 4 {
		a, b := strings.ToUpper(f[2]), strings.ToUpper(f[3])
		key += ":" + min(a, b) + ":" + max(a, b)
	}
	return key
}

// match returns the word that names a variant.
func (l *list) match(v Variant) (string, bool) {
	if _, ok := l.words[v.ID]; ok {
		l.words[v.ID]++
		return v.ID, true
	}
	if len(l.place) == 0 {
		return "", false
	}
	at := v.where()
	for _, key := range []string{at + ":" + v.alleles(), at} {
		if word, ok := l.place[key]; ok {
			l.words[word]++
			return word, true
		}
	}
	return "", false
}

// absent counts the words that name nothing.
func (l *list) absent() int {
	n := 0
	for _, found := range l.words {
		if found == 0 {
			n++
		}
	}
	return n
}

// none is E210, of a list of which no word names a variant.
func (l *list) none(s *Set) error {
	p := &data.Problem{Code: 210, File: l.path, What: "none of the listed variants is in the filesets",
		Expected: "ids as in the files of the genotypes, or chromosome:position:alleles", Found: fmt.Sprintf("%d others", len(l.words)),
		Cause: "rsids against chromosome:position ids, or another build", Fix: "list the ids of the genotypes"}
	if len(s.Sites) > 0 {
		v := s.Sites[0]
		p.Expected = fmt.Sprintf("ids such as %s, or %s:%s", v.ID, v.where(), v.alleles())
	}
	return p
}

// Extract returns those of the given variants that a file's lines name by their first field, in the order of the files, and how many of those names there are not:
// an id, or chromosome:position or chromosome:position:allele:allele. A file of intervals (BED) is understood as well. None at all is E210.
func (s *Set) Extract(path string, of []int) (variants []int, absent int, err error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer l.Close()
	names, at := newList(path), intervals{}
	var f []string
	for n := 0; l.Next(); n++ {
		f = table.Words(l.Text(), f)
		if i, ok := bedLine(f); ok && (n == 0 || len(at) > 0) {
			at.add(i)
			continue
		}
		if len(f) > 0 && !(n == 0 && isHeader(f[0])) {
			names.add(strings.Clone(f[0]))
		}
	}
	if err := l.Err(); err != nil {
		return nil, 0, err
	}
	at.sort()
	for _, v := range of {
		site := s.Sites[v]
		_, ok := names.match(site)
		if ok || at.hold(site) {
			variants = append(variants, v)
		}
	}
	if len(variants) == 0 {
		return nil, 0, names.none(s)
	}
	return variants, names.absent(), nil
}

// isHeader recognises the name of a column of ids.
func isHeader(word string) bool {
	w := strings.ToLower(strings.TrimPrefix(word, "#"))
	return strings.HasPrefix(word, "#") || slices.Contains([]string{"id", "snp", "rsid", "rsids", "variant", "variant_id", "varid", "markername", "marker", "snpid"}, w)
}

// Panel returns those of the given variants that the lines of a file name, as Extract has it, and for each which allele is to be counted: true for ALT. A line is an id
// and an allele, more is not read. A line without two fields is E209; alleles that a variant does not have leave it out, and are counted.
func (s *Set) Panel(path string, of []int) (variants []int, alt []bool, absent, others int, err error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, nil, 0, 0, err
	}
	defer l.Close()
	names, allele := newList(path), map[string]string{}
	split := table.Splitter{}
	var f []string
	for n := 0; l.Next(); n++ {
		if n == 0 {
			split = table.SplitterFor(path, l.Text())
		}
		f = split.Split(l.Text(), f[:0])
		if n == 0 && len(f) > 0 && isHeader(f[0]) {
			continue
		}
		if len(f) < 2 || f[0] == "" || f[1] == "" {
			return nil, nil, 0, 0, &data.Problem{Code: codeSelection, File: path, Line: l.Line(), What: "a panel has an id and an allele on each line", Expected: "id and the allele that is counted",
				Found: fmt.Sprintf("%.80q", l.Text()), Cause: "another file, or another separator", Fix: "write id, tab, allele"}
		}
		word := strings.Clone(f[0])
		names.add(word)
		allele[word] = strings.ToUpper(f[1])
	}
	if err := l.Err(); err != nil {
		return nil, nil, 0, 0, err
	}
	for _, v := range of {
		site := s.Sites[v]
		word, ok := names.match(site)
		if !ok {
			continue
		}
		switch allele[word] {
		case strings.ToUpper(site.Alt):
			variants, alt = append(variants, v), append(alt, true)
		case strings.ToUpper(site.Ref):
			variants, alt = append(variants, v), append(alt, false)
		default:
			others++
		}
	}
	if len(variants) == 0 {
		return nil, nil, 0, 0, names.none(s)
	}
	return variants, alt, names.absent(), others, nil
}

// codeSelection is the number of lists and intervals of variants that cannot be understood.
const codeSelection = 209

// Within returns those of the given variants that lie in the intervals: of regions, as ParseRegion reads them, or of the file bed where it is not "". None at all is E210.
func (s *Set) Within(regions []Interval, bed string, of []int) ([]int, error) {
	at := intervals{}
	for _, i := range regions {
		at.add(i)
	}
	if bed != "" {
		if err := at.read(bed); err != nil {
			return nil, err
		}
	}
	at.sort()
	var out []int
	for _, v := range of {
		if at.hold(s.Sites[v]) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		p := &data.Problem{Code: 210, File: bed, What: "no variant lies in the intervals", Expected: "positions of the build that the genotypes have", Found: fmt.Sprintf("%d variants elsewhere", len(of)),
			Cause: "another build, or chromosomes that the files do not have", Fix: "check the intervals"}
		if len(of) > 0 {
			p.Found += ", such as " + s.Sites[of[0]].where()
		}
		return nil, p
	}
	return out, nil
}

// Chromosome returns the name of a variant's chromosome, as genome.Chromosome has it.
func (v Variant) Chromosome() string { return genome.Chromosome(v.Chrom) }
