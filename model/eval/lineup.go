package eval

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// What a person has of a modality: 0, or paired and what is not finite.
const (
	paired      = 1 << iota // both rows
	badImage                // NaN in the image row
	badGenetics             // NaN in the genetics row
)

// A lineup has the persons with both rows of any modality in the order in which they are compared: those of one class,
// who have and lack the same, are neighbours, so that a run of them is treated alike. Metrics are those of the modalities
// and, last, of all together.
type lineup struct {
	image, genetics [][][]float64 // per modality and position: sums of unit rows, and unit rows; nil where not paired
	person          []int         // per position: index into the persons in ascending order
	class           [][]byte      // per position: what there is of each modality
	runs            []span        // of positions of one class, in order
	own             [][]float64   // per metric and position: similarity to the own row, as exact gives it
	places          [][2][]place  // per metric, by image and by genetics, and position
}

// The directions: what the query is.
const (
	byImage = iota
	byGenetics
)

// A span is the positions [lo, hi).
type span struct{ lo, hi int }

// within returns the part of s in o, empty if lo >= hi.
func (s span) within(o span) span { return span{max(s.lo, o.lo), min(s.hi, o.hi)} }

// lineUp orders the persons of all rows.
func lineUp(rows []*Rows, threads int) *lineup {
	persons := anyOf(rows)
	n, metrics := len(persons), len(rows)+1
	l := &lineup{class: make([][]byte, n), person: make([]int, n), own: make([][]float64, metrics), places: make([][2][]place, metrics)}
	for q := range l.own {
		l.own[q] = make([]float64, n)
		l.places[q] = [2][]place{make([]place, n), make([]place, n)}
	}
	flags := make([]byte, n*len(rows))
	own := make([]float64, n*len(rows))
	parallel(threads, n, func(i int) {
		l.person[i], l.class[i] = i, flags[i*len(rows):(i+1)*len(rows)]
		for m, r := range rows {
			l.class[i][m], own[i*len(rows)+m] = r.look(persons[i])
		}
	})
	slices.SortFunc(l.person, func(a, b int) int { return cmp.Or(bytes.Compare(l.class[b], l.class[a]), a-b) })
	sorted := make([][]byte, n)
	for i, p := range l.person {
		sorted[i] = l.class[p]
		l.setOwn(i, sorted[i], own[p*len(rows):])
	}
	l.class = sorted
	l.findRuns()
	l.lay(rows, persons)
	return l
}

// anyOf returns the persons with both rows of any modality, ascending.
func anyOf(rows []*Rows) []int {
	var ps []int
	for _, r := range rows {
		ps = append(ps, r.complete()...)
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

// look says what a person has, and how similar the two rows are.
func (r *Rows) look(person int) (byte, float64) {
	image, genetics := r.Image(person), r.Genetics(person)
	if image == nil || genetics == nil {
		return 0, 0
	}
	has := byte(paired)
	if hasNaN(image) {
		has |= badImage
	}
	if hasNaN(genetics) {
		has |= badGenetics
	}
	return has, dot(image, genetics)
}

// setOwn sets the similarities to a person's own row by those in each modality.
func (l *lineup) setOwn(i int, class []byte, own []float64) {
	for m := range class {
		l.own[m][i] = own[m]
	}
	l.own[len(class)][i] = mean(class, class, func(m int) float64 { return own[m] })
}

func (l *lineup) findRuns() {
	for i, c := range l.class {
		if i == 0 || !bytes.Equal(c, l.class[i-1]) {
			l.runs = append(l.runs, span{i, i})
		}
		l.runs[len(l.runs)-1].hi++
	}
}

// eachRun calls f for the parts of runs in a span, until f returns false.
func (l *lineup) eachRun(at span, f func(part span) bool) {
	first, _ := slices.BinarySearchFunc(l.runs, at.lo, func(r span, lo int) int { return cmp.Compare(r.hi, lo+1) })
	for _, r := range l.runs[first:] {
		if r.lo >= at.hi || !f(r.within(at)) {
			return
		}
	}
}

// any reports whether any of the positions has modality m without the flaw.
func (l *lineup) any(m int, flaw byte, at span) bool {
	found := false
	l.eachRun(at, func(r span) bool {
		found = l.class[r.lo][m]&(paired|flaw) == paired
		return !found
	})
	return found
}

func (l *lineup) lay(rows []*Rows, persons []int) {
	for m, r := range rows {
		image, genetics := make([][]float64, len(persons)), make([][]float64, len(persons))
		for i, p := range l.person {
			if l.class[i][m] != 0 {
				image[i], genetics[i] = r.image.row(persons[p]), r.genetics.row(persons[p])
			}
		}
		l.image, l.genetics = append(l.image, image), append(l.genetics, genetics)
	}
}

// modalities returns those that metric q is of: [lo, hi).
func (l *lineup) modalities(q int) (lo, hi int) {
	if all := len(l.own) - 1; q == all {
		return 0, all
	}
	return q, q + 1
}

// A pairing says what the similarities of the images of one class to the genetics of another are in some metric.
type pairing struct {
	shared int  // modalities that both have; with none the pair has no similarity
	nan    bool // it is NaN
}

func (l *lineup) pair(q int, image, genetics []byte) pairing {
	var p pairing
	lo, hi := l.modalities(q)
	for m := lo; m < hi; m++ {
		if image[m] != 0 && genetics[m] != 0 {
			p.shared++
			p.nan = p.nan || image[m]&badImage != 0 || genetics[m]&badGenetics != 0
		}
	}
	return p
}

// exact computes the similarity of the images of one person to the genetics of another by metric q; unit gives the
// first's row of a modality.
func (l *lineup) exact(q int, image, genetics int, unit func(m int) []float64) float64 {
	one := func(m int) float64 { return dot(unit(m), l.genetics[m][genetics]) }
	if q < len(l.genetics) {
		return one(q)
	}
	return mean(l.class[image], l.class[genetics], one)
}

// mean is that over the modalities that both classes have, -Inf without any.
func mean(a, b []byte, of func(m int) float64) float64 {
	sum, n := 0.0, 0
	for m := range a {
		if a[m] != 0 && b[m] != 0 {
			sum, n = sum+of(m), n+1
		}
	}
	if n == 0 {
		return math.Inf(-1)
	}
	return sum / float64(n)
}

// found returns the places of metric q by image and by genetics, persons ascending.
func (l *lineup) found(q int) (toGenetics, toImage []place) {
	lo, hi := l.modalities(q)
	var positions []int
	for i, c := range l.class {
		if slices.ContainsFunc(c[lo:hi], func(has byte) bool { return has != 0 }) {
			positions = append(positions, i)
		}
	}
	slices.SortFunc(positions, func(a, b int) int { return l.person[a] - l.person[b] })
	var found [2][]place
	for _, i := range positions {
		for d := range found {
			p := l.places[q][d][i]
			if math.IsNaN(l.own[q][i]) {
				p = place{tied: len(positions) - 1}
			}
			found[d] = append(found[d], p)
		}
	}
	return found[byImage], found[byGenetics]
}
