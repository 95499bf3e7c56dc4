package heldout

import (
	"context"
	"slices"

	"contig-gpu/model/explain/claims"
)

// An exchange says how far the values of a unit move when another person's take their place: x' - x. Where a unit is correlated
// with others only its residual given these moves. The fit is linear, x' = fit(x) + (donor - fit(donor)), so that
//
//	x' - x = d - b (d - d M), d = donor - x
//
// d M being the residual of d and b the slope of each column: what the fits are centred by cancels.
type exchange struct {
	fits []*fit // per unit; nil: the unit correlates with no other
}

// A fit is the regression of a unit on the units that are connected with it.
type fit struct {
	features []int     // of all of these units
	own      []int     // where in features the unit's are
	residual []float64 // M [len(features), len(own)]
	slope    []float64 // b, per own
}

// newExchange measures in training persons which units are correlated, and fits these.
func newExchange(ctx context.Context, o *Options, s *subjects, units []claims.Unit) (*exchange, error) {
	x := &exchange{fits: make([]*fit, len(units))}
	measured := sample(o)
	if len(measured) < 2 || len(units) < 2 {
		return x, nil
	}
	groups, err := claims.Correlated(Columns(o.Table, measured, nil), units, products(ctx, o.Device))
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := x.fit(o, g, measured, units); err != nil {
			return nil, err
		}
	}
	if len(groups) > 0 {
		x.slopes(o, s)
	}
	return x, nil
}

// sample returns the training persons with the modality that correlations are measured in, drawn by seed where there are many.
func sample(o *Options) []int {
	var there []int
	for _, p := range o.Train {
		if o.Table.Has(p) {
			there = append(there, p)
		}
	}
	slices.SortStableFunc(there, func(a, b int) int {
		x, y := claims.Hash(o.Seed, uint64(a)), claims.Hash(o.Seed, uint64(b))
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return a - b
	})
	return there[:min(len(there), mostMeasured)]
}

// fit fills the fits of a group of connected units.
func (x *exchange) fit(o *Options, group, measured []int, units []claims.Unit) error {
	var features []int
	for _, u := range group {
		features = append(features, units[u].Features...)
	}
	slices.Sort(features)
	features = slices.Compact(features)
	f := len(features)
	p, err := claims.Precision(squares(Columns(o.Table, measured, features)), len(measured), claims.Ridge)
	if err != nil {
		return err
	}
	for _, u := range group {
		n := &fit{features: features}
		for _, c := range units[u].Features {
			at, _ := slices.BinarySearch(features, c)
			n.own = append(n.own, at)
		}
		if n.residual, err = claims.Residual(p, f, n.own); err != nil {
			return err
		}
		n.slope = make([]float64, len(n.own))
		x.fits[u] = n
	}
	return nil
}

// squares returns X'X [f, f] of columns.
func squares(columns [][]float32) []float64 {
	f := len(columns)
	out := make([]float64, f*f)
	for i, a := range columns {
		for j, b := range columns[:i+1] {
			s := 0.0
			for k, v := range a {
				s += float64(v) * float64(b[k])
			}
			out[i*f+j], out[j*f+i] = s, s
		}
	}
	return out
}

// slopes measures b in the held-out persons.
func (x *exchange) slopes(o *Options, s *subjects) {
	lines := make([][]claims.Slope, len(x.fits))
	for u, f := range x.fits {
		if f != nil {
			lines[u] = make([]claims.Slope, len(f.own))
		}
	}
	row := make([]float32, o.Table.Stats().Width())
	for _, p := range s.person {
		o.Table.Row(p, row)
		for u, f := range x.fits {
			if f == nil {
				continue
			}
			for j, r := range f.residuals(row) {
				v := float64(row[f.features[f.own[j]]])
				lines[u][j].Add(v, v-r)
			}
		}
	}
	for u, f := range x.fits {
		for j := range lines[u] {
			_, f.slope[j] = lines[u][j].Line()
		}
	}
}

// residuals returns row M.
func (f *fit) residuals(row []float32) []float64 {
	k := len(f.own)
	out := make([]float64, k)
	for i, c := range f.features {
		if v := float64(row[c]); v != 0 {
			for j, m := range f.residual[i*k : (i+1)*k] {
				out[j] += v * m
			}
		}
	}
	return out
}

// move writes into dst how far the features of unit u move, for d = donor - x of all features, and reports whether any does.
func (x *exchange) move(dst []float32, d []float32, u int, features []int) bool {
	moved := false
	f := x.fits[u]
	var residual []float64
	if f != nil {
		residual = f.residuals(d)
	}
	for j, c := range features {
		v := float64(d[c])
		if f != nil {
			v -= f.slope[j] * (v - residual[j])
		}
		dst[j] = float32(v)
		moved = moved || dst[j] != 0
	}
	return moved
}

func (x *exchange) residual() []bool {
	out := make([]bool, len(x.fits))
	for u, f := range x.fits {
		out[u] = f != nil
	}
	return out
}
