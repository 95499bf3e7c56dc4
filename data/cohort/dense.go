package cohort

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// dense is a source of numbers.
type dense struct {
	wide        *table.Wide
	standardize bool
	minCarriers int
	rows        []int // loaded: their numbers among those that the table kept
}

func (d *dense) people() (fid, iid []string) { return d.wide.FID, d.wide.IID }

func (d *dense) file() string { return d.wide.Path }

// bytes is what the table took when it was opened.
func (d *dense) bytes(int) int { return d.wide.Bytes() }

// load lets the ids go: of a biobank's table they take more memory than a small cohort's values.
func (d *dense) load(rows []int) error {
	d.rows = make([]int, len(rows))
	for k, r := range rows {
		d.rows[k] = d.wide.Kept(r)
	}
	d.wide.FID, d.wide.IID = nil, nil
	return nil
}

func (d *dense) present(k int) bool {
	row := make([]float64, len(d.wide.Names))
	d.wide.Row(d.rows[k], row)
	return slices.ContainsFunc(row, func(v float64) bool { return !table.Missing(v) })
}

// moments are of one column over training persons.
type moments struct {
	n, carriers int
	mean, sd    float64 // sd is the population's: squares divided by n
	lo, hi      float64
}

// columns computes the moments of every column in two passes, in the order of the rows.
func (d *dense) columns(train []int) []moments {
	out, row := make([]moments, len(d.wide.Names)), make([]float64, len(d.wide.Names))
	for j := range out {
		out[j].lo, out[j].hi = math.Inf(1), math.Inf(-1)
	}
	for _, k := range train {
		d.wide.Row(d.rows[k], row)
		for j, v := range row {
			if table.Missing(v) {
				continue
			}
			out[j].n++
			out[j].mean += v
			out[j].lo, out[j].hi = min(out[j].lo, v), max(out[j].hi, v)
			if v != 0 {
				out[j].carriers++
			}
		}
	}
	for j := range out {
		out[j].mean /= max(1, float64(out[j].n))
		if out[j].lo == out[j].hi { // else the sum's rounding would be a standard deviation
			out[j].mean = out[j].lo
		}
	}
	for _, k := range train {
		d.wide.Row(d.rows[k], row)
		for j, v := range row {
			if !table.Missing(v) {
				e := v - out[j].mean
				out[j].sd += e * e
			}
		}
	}
	for j := range out {
		out[j].sd = math.Sqrt(out[j].sd / max(1, float64(out[j].n)))
	}
	return out
}

// fit standardises to mean 0 and sd 1 on the training persons, or leaves values as they are. A missing value becomes the
// mean. A feature that is constant in training becomes 0 under standardisation.
func (d *dense) fit(train []int) (*data.Stats, []string, error) {
	st := &data.Stats{}
	constant := 0
	for j, m := range d.columns(train) {
		if d.minCarriers > 0 && m.carriers < d.minCarriers {
			continue
		}
		if m.sd == 0 {
			constant++
		}
		center, scale, fill := 0.0, 1.0, m.mean
		if d.standardize {
			center, scale, fill = m.mean, inverse(m.sd), 0
		}
		appendFeature(st, d.wide.Names[j], center, scale, fill)
	}
	if len(st.Names) == 0 {
		return nil, nil, &data.Problem{Code: 402, File: d.wide.Path, What: fmt.Sprintf("no feature has %d carriers among the training persons", d.minCarriers),
			Expected: "at least one", Found: fmt.Sprintf("%d features, all below", len(d.wide.Names)), Cause: "min_carriers is too high for the cohort, or the table is all zero", Fix: "lower min_carriers"}
	}
	var notes []string
	if n := len(d.wide.Names) - len(st.Names); n > 0 {
		notes = append(notes, fmt.Sprintf("W402: %d of %d features dropped: fewer than %d carriers among training persons.", n, len(d.wide.Names), d.minCarriers))
	}
	switch {
	case constant == 1:
		notes = append(notes, "W303: 1 feature is constant among training persons.")
	case constant > 1:
		notes = append(notes, fmt.Sprintf("W303: %d features are constant among training persons.", constant))
	}
	return st, notes, nil
}

func inverse(v float64) float64 {
	if v == 0 {
		return 0
	}
	return 1 / v
}

func appendFeature(st *data.Stats, name string, center, scale, fill float64) {
	st.Names = append(st.Names, name)
	st.Center = append(st.Center, center)
	st.Scale = append(st.Scale, scale)
	st.Fill = append(st.Fill, fill)
}

func (d *dense) table(st *data.Stats) (rowDecoder, error) {
	at := make(map[string]int, len(d.wide.Names))
	for j, n := range d.wide.Names {
		at[n] = j
	}
	columns, err := match(d.wide.Path, st, at)
	return &denseRows{d: d, st: st, columns: columns}, err
}

// shownNames is how many features an error names.
const shownNames = 5

// match finds the features of a checkpoint in a file; those that are not there are E701. Others may be there too.
func match(path string, st *data.Stats, at map[string]int) ([]int32, error) {
	columns := make([]int32, len(st.Names))
	var absent []string
	n := 0
	for i, name := range st.Names {
		j, ok := at[name]
		columns[i] = int32(j)
		if ok {
			continue
		}
		if n++; n <= shownNames {
			absent = append(absent, name)
		}
	}
	if n == 0 {
		return columns, nil
	}
	return nil, &data.Problem{Code: 701, File: path, What: fmt.Sprintf("%d of the %d features that the checkpoint was trained on are not there", n, len(st.Names)),
		Expected: fmt.Sprintf("also %q", absent), Found: fmt.Sprintf("%d features", len(at)), Cause: "another array, score set or gene set than in training", Fix: "give the same features, under the same names"}
}

// denseRows decodes the columns of a dense source.
type denseRows struct {
	d       *dense
	st      *data.Stats
	columns []int32
	spare   sync.Pool // of *[]float64: a row of the table
}

func (r *denseRows) decode(k int, dst []float32) {
	spare, ok := r.spare.Get().(*[]float64)
	if !ok {
		row := make([]float64, len(r.d.wide.Names))
		spare = &row
	}
	defer r.spare.Put(spare)
	row := *spare
	r.d.wide.Row(r.d.rows[k], row)
	for i, j := range r.columns {
		v := row[j]
		if table.Missing(v) {
			dst[i] = float32(r.st.Fill[i])
			continue
		}
		dst[i] = float32((v - r.st.Center[i]) * r.st.Scale[i])
	}
}
