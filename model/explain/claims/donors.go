package claims

import (
	"cmp"
	"slices"
)

// NoDonor says that a person has none.
const NoDonor = -1

// Donors returns for each of n persons whose values it gets when values change persons; NoDonor where has is false. The
// persons of a stratum stand on one circle, in an order drawn from seed, and each gets the values of the next one who has
// the modality. So the donors are a permutation of the stratum's persons who have it, nobody is the own donor where there are
// two, and in every modality that the same persons have the donors are the same: all columns move together. stratum may be
// nil: one stratum.
func Donors(seed uint64, n int, stratum func(person int) int, has func(person int) bool) []int {
	circle := make([]int, n)
	donors := make([]int, n)
	at := func(person int) int {
		if stratum == nil {
			return 0
		}
		return stratum(person)
	}
	for p := range circle {
		circle[p], donors[p] = p, NoDonor
	}
	slices.SortFunc(circle, func(a, b int) int {
		return cmp.Or(at(a)-at(b), cmp.Compare(Hash(seed, uint64(a)), Hash(seed, uint64(b))), a-b)
	})
	for lo := 0; lo < n; {
		hi, there := lo, []int(nil)
		for ; hi < n && at(circle[hi]) == at(circle[lo]); hi++ {
			if has(circle[hi]) {
				there = append(there, circle[hi])
			}
		}
		for i, p := range there {
			donors[p] = there[(i+1)%len(there)]
		}
		lo = hi
	}
	return donors
}

// Hash mixes numbers into 64 bits that look drawn (the finaliser of SplitMix64, Steele, Lea and Flood 2014), the same
// wherever and in whatever order they are asked for.
func Hash(seed uint64, with ...uint64) uint64 {
	z := seed
	for _, w := range with {
		z = (z + 0x9E3779B97F4A7C15) ^ (w+1)*0xD1B54A32D192ED03
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
	}
	return z
}
