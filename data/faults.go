package data

import "errors"

// KeptFaults is how many faults of one number are kept; all are counted.
const KeptFaults = 10_000

// Faults lets readers go on after a fault, so that one reading finds all of them. Readers hand what they find to Take. A nil *Faults
// keeps nothing: then the first fault ends the reading. It is used from one goroutine.
type Faults struct {
	Each  func(p *Problem) // called for every fault as it is found, may be nil
	Kinds []*FaultKind     // in the order in which the first of each was found
	Total int

	Warnings []*Warning // what warnings count, at most KeptFaults of each number
	warned   map[int]int
	kind     map[int]*FaultKind
}

// A FaultKind is the faults of one number.
type FaultKind struct {
	Code  int
	Count int
	First []*Problem // at most KeptFaults, in the order of reading
}

// A Warning is one of the things that a warning counts.
type Warning struct {
	Code int
	File string
	Line int    // 1-based; 0 where it is about the whole file
	What string // one line
}

// Take keeps a fault and returns nil, so that the reader goes on. What is no Problem, such as the end of a context, it returns; a nil *Faults returns all.
func (f *Faults) Take(err error) error {
	var p *Problem
	if f == nil || !errors.As(err, &p) {
		return err
	}
	f.Total++
	if f.kind == nil {
		f.kind = map[int]*FaultKind{}
	}
	k := f.kind[p.Code]
	if k == nil {
		k = &FaultKind{Code: p.Code}
		f.kind[p.Code], f.Kinds = k, append(f.Kinds, k)
	}
	if k.Count++; len(k.First) < KeptFaults {
		k.First = append(k.First, p)
	}
	if f.Each != nil {
		f.Each(p)
	}
	return nil
}

// Found returns how many faults there are so far, 0 of a nil *Faults.
func (f *Faults) Found() int {
	if f == nil {
		return 0
	}
	return f.Total
}

// Collects says whether faults are collected: a nil *Faults does not.
func (f *Faults) Collects() bool { return f != nil }

// Warn keeps one of the things that a warning counts. A nil *Faults keeps nothing.
func (f *Faults) Warn(code int, file string, line int, what string) {
	if f == nil {
		return
	}
	if f.warned == nil {
		f.warned = map[int]int{}
	}
	if f.warned[code]++; f.warned[code] <= KeptFaults {
		f.Warnings = append(f.Warnings, &Warning{Code: code, File: file, Line: line, What: what})
	}
}
