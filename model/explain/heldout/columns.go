package heldout

import "contig-gpu/data"

// Columns returns the standardised values of features, nil for all, over persons: a row for each feature.
func Columns(t data.Table, persons, features []int) [][]float32 {
	width := t.Stats().Width()
	n := width
	if features != nil {
		n = len(features)
	}
	flat, out := make([]float32, n*len(persons)), make([][]float32, n)
	for f := range out {
		out[f] = flat[f*len(persons) : (f+1)*len(persons)]
	}
	row := make([]float32, width)
	for i, p := range persons {
		t.Row(p, row)
		if features == nil {
			for f, v := range row {
				out[f][i] = v
			}
			continue
		}
		for k, f := range features {
			out[k][i] = row[f]
		}
	}
	return out
}
