package data

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// How many values codes of a byte tell apart, and from how many rows on they take less memory than the features themselves: the table of what
// codes mean is 4 x 256 bytes a feature, and each row has 3 bytes less.
const (
	byteCodes = 256
	byteRows  = 4*byteCodes/3 + 1
)

// byteValues returns the values of each feature in the order of their bits; nil where one has more than a byte tells apart, or codes would save nothing.
func (p *Packed) byteValues() [][]uint32 {
	if len(p.persons) < byteRows {
		return nil
	}
	all := make([][]uint32, p.Features)
	var join sync.Mutex
	var more atomic.Bool
	parallel(len(p.persons), func(lo, hi int) {
		own, row := make([][]uint32, p.Features), make([]float32, p.Features)
		for i := lo; i < hi && !more.Load(); i++ {
			p.table.Row(p.persons[i], row)
			for f, v := range row {
				if !insert(&own[f], math.Float32bits(v)) {
					more.Store(true)
					return
				}
			}
		}
		join.Lock()
		defer join.Unlock()
		for f, values := range own {
			for _, v := range values {
				if !insert(&all[f], v) {
					more.Store(true)
					return
				}
			}
		}
	})
	if more.Load() {
		return nil
	}
	return all
}

// insert puts a value where it belongs in a list without equals, and says whether there is room for it.
func insert(list *[]uint32, v uint32) bool {
	at, ok := slices.BinarySearch(*list, v)
	if ok {
		return true
	}
	if len(*list) == byteCodes {
		return false
	}
	*list = slices.Insert(*list, at, v)
	return true
}
