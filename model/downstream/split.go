package downstream

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
)

// Order returns persons in an order that depends on their ids and the seed alone, whatever order they are given in.
func Order(persons []string, seed int64) []string {
	out := slices.Clone(persons)
	slices.Sort(out)
	out = slices.Compact(out)
	key := make(map[string]uint64, len(out))
	for _, p := range out {
		key[p] = draw(p, seed)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(key[a], key[b]), cmp.Compare(a, b)) })
	return out
}

// draw is a number that depends on a person and the seed (FNV-1a, then the finaliser of SplitMix64, so that ids that follow each other do not).
func draw(person string, seed int64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatInt(seed, 10) + "/" + person))
	z := h.Sum64()
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Parts splits persons by shares, of which the last takes what is left; part of each person.
func Parts(persons []string, seed int64, shares []float64) map[string]int {
	order := Order(persons, seed)
	out, at, sum := make(map[string]int, len(order)), 0, 0.0
	for k, s := range shares {
		sum += s
		end := int(sum*float64(len(order)) + 0.5)
		if k == len(shares)-1 {
			end = len(order)
		}
		for ; at < min(end, len(order)); at++ {
			out[order[at]] = k
		}
	}
	return out
}

// Fraction returns those of the rows that are of a share of their persons, one at least. Those of a smaller share are among those of a larger.
func Fraction(t *Task, rows []int, share float64, seed int64) []int {
	var persons []string
	for _, i := range rows {
		persons = append(persons, t.Person[i])
	}
	order := Order(persons, seed)
	keep := map[string]bool{}
	for _, p := range order[:max(1, min(len(order), int(share*float64(len(order))+0.5)))] {
		keep[p] = true
	}
	return slices.DeleteFunc(slices.Clone(rows), func(i int) bool { return !keep[t.Person[i]] })
}

// Of the choice of a regularisation: into how many parts persons are dealt, and from how many on a single part is enough.
const (
	folds       = 5
	manyPersons = 2000
)

// deal returns the fold of each row: persons of one class are dealt out in turn, so that each fold has its share of every class.
func deal(t *Task, seed int64) (fold []int, n int) {
	class := map[string]int{}
	for i, p := range t.Person {
		c := 0
		if t.Class != nil {
			c = t.Class[i]
		}
		class[p] = max(class[p], c)
	}
	order := Order(t.Person, seed)
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(class[a], class[b]) })
	at := map[string]int{}
	for k, p := range order {
		at[p] = k % folds
	}
	fold = make([]int, len(t.Person))
	for i, p := range t.Person {
		fold[i] = at[p]
	}
	n = folds
	if len(order) >= manyPersons {
		n = 1 // a fifth of them is enough to choose by
	}
	return fold, n
}
