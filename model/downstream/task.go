package downstream

import "math"

// A Kind is what is predicted.
type Kind string

// Kinds of tasks.
const (
	Classes Kind = "classes" // one of several, without an order
	Ordinal Kind = "ordinal" // grades
	Labels  Kind = "labels"  // any of several
	Traits  Kind = "traits"  // numbers
)

// A Task is what is to be predicted of rows.
type Task struct {
	Kind   Kind
	Names  []string  // of classes, grades, labels or traits
	Class  []int     // of each row: of classes and grades; -1 where it is not known
	Has    []bool    // [rows, names], of labels
	Known  []bool    // [rows, names], of labels
	Trait  []float64 // [rows, names], NaN where it is not known
	Person []string  // of each row
}

// Labelled says whether anything of a row is known.
func (t *Task) Labelled(row int) bool {
	k := len(t.Names)
	switch t.Kind {
	case Labels:
		for _, known := range t.Known[row*k : (row+1)*k] {
			if known {
				return true
			}
		}
		return false
	case Traits:
		for _, v := range t.Trait[row*k : (row+1)*k] {
			if !math.IsNaN(v) {
				return true
			}
		}
		return false
	}
	return t.Class[row] >= 0
}

// Some returns the task of some of the rows.
func (t *Task) Some(rows []int) *Task {
	k := len(t.Names)
	out := &Task{Kind: t.Kind, Names: t.Names}
	for _, i := range rows {
		out.Person = append(out.Person, t.Person[i])
		switch t.Kind {
		case Labels:
			out.Has, out.Known = append(out.Has, t.Has[i*k:(i+1)*k]...), append(out.Known, t.Known[i*k:(i+1)*k]...)
		case Traits:
			out.Trait = append(out.Trait, t.Trait[i*k:(i+1)*k]...)
		default:
			out.Class = append(out.Class, t.Class[i])
		}
	}
	return out
}

// Fittable says in words what is missing for a fit on some of the rows, "" where nothing is.
func (t *Task) Fittable(rows []int) string {
	k := len(t.Names)
	switch t.Kind {
	case Labels:
		for j := range k {
			seen := map[bool]bool{}
			for _, i := range rows {
				if t.Known[i*k+j] {
					seen[t.Has[i*k+j]] = true
				}
			}
			if len(seen) == 2 {
				return ""
			}
		}
		return "no label is both there and absent"
	case Traits:
		for j := range k {
			if n := len(t.knownTraits(rows, j)); n < 3 {
				return "fewer than 3 values of " + t.Names[j]
			}
		}
		return ""
	}
	seen := map[int]bool{}
	for _, i := range rows {
		seen[t.Class[i]] = true
	}
	if len(seen) < 2 {
		return "fewer than two classes"
	}
	return ""
}

// knownTraits returns those of the rows in which trait j is known.
func (t *Task) knownTraits(rows []int, j int) []int {
	var out []int
	for _, i := range rows {
		if !math.IsNaN(t.Trait[i*len(t.Names)+j]) {
			out = append(out, i)
		}
	}
	return out
}
