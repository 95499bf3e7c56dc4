package burden

import (
	"strings"

	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// ReadAAF reads frequencies: a variant, its frequency and perhaps 1 where it is a singleton, else 0.
func ReadAAF(path string) (map[string]Given, error) {
	out := map[string]Given{}
	return out, rows(path, func(line int, f []string) error {
		var v float64
		ok := len(f) >= 2
		if ok {
			v, ok = table.Number(f[1])
		}
		if !ok || !(v >= 0 && v <= 1) || len(f) > 2 && f[2] != "0" && f[2] != "1" {
			return badLine(path, line, "this is no frequency of a variant", "variant, a frequency from 0 to 1, and perhaps 0 or 1 for singletons", f, "correct the line")
		}
		out[strings.Clone(f[0])] = Given{AAF: v, Says: len(f) > 2, Singleton: len(f) > 2 && f[2] == "1"}
		return nil
	})
}

// ReadPersons reads a list of persons, FID and IID or IID alone, and says which of persons are on it and how many of its lines are nobody.
func ReadPersons(path string, persons []genotype.Person) (on []bool, nobody int, err error) {
	pair, alone := map[[2]string]int{}, map[string]int{}
	for i, p := range persons {
		pair[[2]string{p.FID, p.IID}], alone[p.IID] = i, i
	}
	on = make([]bool, len(persons))
	err = rows(path, func(_ int, f []string) error {
		i, ok := alone[f[0]]
		if len(f) > 1 {
			if i, ok = pair[[2]string{f[0], f[1]}]; !ok { // no families in the genotypes, or none in the list
				i, ok = alone[f[1]]
				ok = ok && (persons[i].FID == "" || persons[i].FID == "0" || f[0] == "0")
			}
		}
		if ok {
			on[i] = true
		} else {
			nobody++
		}
		return nil
	})
	return on, nobody, err
}
