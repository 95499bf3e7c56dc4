package bench

import (
	"cmp"
	"context"
	"slices"

	"contig-gpu/gpu"
)

// A ProfileRow is what a step asks of a GPU under one name, how long it took, and the least time that it can take.
type ProfileRow struct {
	FloorRow
	Measured float64 `json:"milliseconds"` // the median step's
}

// A Profile says where the time of a step goes.
type Profile struct {
	Copy    float64        `json:"copy_bytes_per_second"` // ceilings that floors are given for: those of this device
	Product float64        `json:"product_flop_per_second"`
	Step    Spread         `json:"milliseconds_per_step"` // of the recorded step, nothing being timed inside
	Rows    []ProfileRow   `json:"rows"`                  // the longest first
	Total   ProfileRow     `json:"total"`
	Plans   []gpu.ConvPlan `json:"plans,omitempty"`
}

// ProfileStep takes steps on a GPU with a mark of its clock before every launch, and adds up the time from one to the next by the names of launches.
// The steps are queued anew, so that where the host is slower than the GPU its time is in there too: the recorded step's own time stands beside.
func ProfileStep(ctx context.Context, d *gpu.Device, o StepOptions, rounds int, seconds float64) (*Profile, error) {
	p := &Profile{}
	bytes, side := CeilingSizes(d)
	t, _, err := d.Precision(o.Precision)
	if err != nil {
		return nil, err
	}
	p.Copy, p.Product = CopyRate(d, bytes), ProductRate(d, t, side)
	s, err := NewStep(d, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Warm(ctx); err != nil {
		return nil, err
	}
	if err := s.profiled(d); err != nil {
		return nil, err
	}
	var steps []float64
	all := make([][]gpu.Launch, rounds)
	for i := range all {
		w, err := s.Window(ctx, seconds)
		if err != nil {
			return nil, err
		}
		steps = append(steps, 1e3*w.Seconds/float64(w.Runs))
		if all[i], err = s.Launches(); err != nil {
			return nil, err
		}
	}
	p.Step, p.Plans = SpreadOf(steps), d.ConvPlans()
	p.sum(all)
	return p, nil
}

// profiled takes one step between the marks of the vendor's profilers.
func (s *Step) profiled(d *gpu.Device) (err error) {
	return cmp.Or(d.Profiled(func() { _, _, err = s.Take(func(int) bool { return true }) }), err)
}

// sum adds up the step that took the median time.
func (p *Profile) sum(all [][]gpu.Launch) {
	total := func(l []gpu.Launch) (ms float64) {
		for _, x := range l {
			ms += x.Milliseconds
		}
		return ms
	}
	slices.SortFunc(all, func(a, b []gpu.Launch) int { return cmp.Compare(total(a), total(b)) })
	at := map[string]int{}
	p.Total.Kernel = "total"
	for _, l := range all[len(all)/2] {
		i, ok := at[l.Name]
		if !ok {
			i = len(p.Rows)
			at[l.Name], p.Rows = i, append(p.Rows, ProfileRow{FloorRow: FloorRow{Kernel: l.Name}})
		}
		for _, r := range []*ProfileRow{&p.Rows[i], &p.Total} {
			r.addAt(l, p.Copy, p.Product)
			r.Measured += l.Milliseconds
		}
	}
	slices.SortStableFunc(p.Rows, func(a, b ProfileRow) int { return cmp.Compare(b.Measured, a.Measured) })
}
