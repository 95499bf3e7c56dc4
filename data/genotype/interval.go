package genotype

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/data/table"
)

// An Interval is a part of a chromosome, both ends in it, from 1.
type Interval struct {
	Chromosome string // as genome.Chromosome has it
	From, To   int
}

// ParseRegion reads chromosome, chromosome:position or chromosome:from-to; commas in numbers mean nothing.
func ParseRegion(text string) (Interval, error) {
	name, span, has := strings.Cut(text, ":")
	i := Interval{Chromosome: genome.Chromosome(strings.TrimSpace(name)), From: 0, To: math.MaxInt}
	if i.Chromosome == "" {
		return i, fmt.Errorf("%q names no chromosome", text)
	}
	if !has {
		return i, nil
	}
	first, last, two := strings.Cut(strings.ReplaceAll(span, ",", ""), "-")
	var err error
	if i.From, err = strconv.Atoi(first); err != nil || i.From < 0 {
		return i, fmt.Errorf("%q is no chromosome:from-to", text)
	}
	i.To = i.From
	if two {
		if i.To, err = strconv.Atoi(last); err != nil || i.To < i.From {
			return i, fmt.Errorf("%q is no chromosome:from-to", text)
		}
	}
	return i, nil
}

// Disjoint joins intervals that overlap.
func Disjoint(list []Interval) []Interval {
	m := intervals{}
	var order []string
	for _, i := range list {
		if _, ok := m[i.Chromosome]; !ok {
			order = append(order, i.Chromosome)
		}
		m.add(i)
	}
	m.sort()
	var out []Interval
	for _, c := range order {
		out = append(out, m[c]...)
	}
	return out
}

// intervals are of each chromosome.
type intervals map[string][]Interval

func (m intervals) add(i Interval) { m[i.Chromosome] = append(m[i.Chromosome], i) }

// sort orders the intervals by their beginnings and joins those that overlap.
func (m intervals) sort() {
	for c, list := range m {
		slices.SortFunc(list, func(a, b Interval) int { return a.From - b.From })
		joined := list[:1]
		for _, i := range list[1:] {
			if last := &joined[len(joined)-1]; i.From <= last.To {
				last.To = max(last.To, i.To)
			} else {
				joined = append(joined, i)
			}
		}
		m[c] = joined
	}
}

func (m intervals) hold(v Variant) bool {
	if len(m) == 0 {
		return false
	}
	list := m[genome.Chromosome(v.Chrom)]
	k, _ := slices.BinarySearchFunc(list, v.Pos+1, func(i Interval, pos int) int { return i.From - pos })
	return k > 0 && v.Pos <= list[k-1].To
}

// bedLine reads a line of a BED file: chromosome, first position from 0, and the position after the last.
func bedLine(f []string) (Interval, bool) {
	const columns = 3
	if len(f) < columns {
		return Interval{}, false
	}
	from, err1 := strconv.Atoi(f[1])
	to, err2 := strconv.Atoi(f[2])
	if err1 != nil || err2 != nil || from < 0 || to < from {
		return Interval{}, false
	}
	return Interval{Chromosome: genome.Chromosome(f[0]), From: from + 1, To: to}, true
}

func (m intervals) read(path string) error {
	l, err := table.Open(path)
	if err != nil {
		return err
	}
	defer l.Close()
	var f []string
	for l.Next() {
		f = table.Words(l.Text(), f)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") || f[0] == "track" || f[0] == "browser" {
			continue
		}
		i, ok := bedLine(f)
		if !ok {
			return &data.Problem{Code: codeSelection, File: path, Line: l.Line(), What: "the line is no interval", Expected: "chromosome, beginning from 0, and end, as in a BED file",
				Found: fmt.Sprintf("%.80q", l.Text()), Cause: "another file, or columns in another order", Fix: "write chromosome, begin and end"}
		}
		m.add(i)
	}
	return l.Err()
}
