package heldout

import (
	"context"
	"fmt"
	"math"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/claims"
)

// Options of Test.
type Options struct {
	Device *gpu.Device
	DType  gpu.DType // of the tower's parameters: float32, or float64 on the CPU
	Tower  explain.Tower
	Table  data.Table

	Persons   []int       // held out: neither trained on nor used to choose the checkpoint. Those without the modality are left out
	Image     [][]float32 // per entry of Persons: the embedding of the person's images, of any length
	Reference [][]float32 // genetics embeddings of the reference persons, of any length
	Tau       float64

	Group   func(person int) int // persons of one group are relatives, of whom the first is tested; nil: nobody has any
	Stratum func(person int) int // values change persons inside of strata; nil: one stratum
	Seed    uint64

	Train []int // persons with the modality that correlations are measured in, training's; some of them are enough
	Q     float64

	Rows     int                   // of a batch; 0: 1024
	Progress func(done, total int) // persons; may be nil
}

// A Result says which units of a modality the model uses.
type Result struct {
	Persons  int               // tested
	Units    []claims.Increase // per unit; P is NaN where nothing could be tested
	Q        []float64         // per unit: P adjusted after Benjamini and Hochberg; NaN where P is
	Residual []bool            // per unit: it is correlated with others, and residuals given these were exchanged
	Claimed  []int             // units with Q at most Options.Q, ascending
	Note     string            // a sentence where there are too few persons to find much; "" else
}

const (
	defaultRows  = 1024
	personBlock  = 128 // persons whose values are held at a time
	mostMeasured = 2048
)

// Test tests every unit. Memory does not grow with the number of persons but for a few values each.
func Test(ctx context.Context, o Options, units []claims.Unit) (*Result, error) {
	if o.Rows == 0 {
		o.Rows = defaultRows
	}
	o.Rows = max(personBlock, (o.Rows+rowStep-1)/rowStep*rowStep)
	if len(o.Image) != len(o.Persons) {
		panic(fmt.Sprintf("heldout: Test: %d embeddings of %d persons", len(o.Image), len(o.Persons)))
	}
	s, err := newSubjects(&o)
	if err != nil {
		return nil, err
	}
	x, err := newExchange(ctx, &o, s, units)
	if err != nil {
		return nil, err
	}
	n := newNetwork(&o)
	defer n.close()
	t := &test{o: &o, units: units, subjects: s, exchange: x, network: n, sums: make([]claims.Paired, len(units))}
	for lo := 0; lo < len(s.person); lo += personBlock {
		hi := min(lo+personBlock, len(s.person))
		if err := t.block(ctx, lo, hi); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(hi, len(s.person))
		}
	}
	return t.result(), nil
}

// result gathers the tests of all units.
func (t *test) result() *Result {
	r := &Result{Persons: len(t.subjects.person), Residual: t.exchange.residual()}
	var p []float64
	for i := range t.sums {
		u := t.sums[i].Test()
		r.Units, p = append(r.Units, u), append(p, u.P)
	}
	r.Q = claims.Adjusted(p)
	r.Claimed = claims.AtMost(r.Q, t.o.Q)
	r.Note = claims.HeldOutPower(r.Persons, len(t.units), len(r.Claimed), t.o.Q)
	return r
}

// Within raises the Q of each unit to that of the group that it lies in, the least where it lies in several: a feature is no discovery in a group that is none. units are
// the groups in terms of r's units, groups their Result.
func (r *Result) Within(units []claims.Unit, groups *Result, q float64) {
	least := make([]float64, len(r.Q))
	for u := range least {
		least[u] = math.Inf(1)
	}
	for g, unit := range units {
		for _, u := range unit.Features {
			if v := groups.Q[g]; !math.IsNaN(v) {
				least[u] = min(least[u], v)
			}
		}
	}
	for u, v := range least {
		if !math.IsInf(v, 1) {
			r.Q[u] = max(r.Q[u], v) // NaN stays
		}
	}
	r.Claimed = claims.AtMost(r.Q, q)
}
