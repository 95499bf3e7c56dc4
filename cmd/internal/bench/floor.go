package bench

import (
	"cmp"
	"slices"

	"contig-gpu/gpu"
)

// Ceilings of the GPU that floors are given for, one H200 measured elsewhere: copies within the device and dense products
// of 16-bit random numbers. The hardware's own sheets promise more, which no kernel reaches.
const (
	FloorBytes = 4.3e12 // per second
	FloorFlops = 790e12 // per second
)

// A FloorRow is what a step asks of a GPU under one name, and the least time that it can take.
type FloorRow struct {
	Kernel       string  `json:"kernel"`
	Launches     int     `json:"launches"`
	Bytes        int     `json:"bytes"`
	Flops        int     `json:"flops,omitempty"`
	Milliseconds float64 `json:"floor_milliseconds"`
}

// Floors lists the launches of one step by kernel, the longest floors first, and their total: those of the recorded graph,
// from varying the images to bringing losses and gradient length to the host. A launch takes its bytes or its arithmetic,
// whichever is longer. On a planning device for a GPU nothing is computed. The device is closed.
func Floors(d *gpu.Device, o StepOptions) ([]FloorRow, FloorRow, error) {
	s, err := NewStep(d, o)
	if err != nil {
		return nil, FloorRow{}, err
	}
	defer s.Close()
	all, err := s.Launches()
	rows, total := floorsOf(all)
	return rows, total, err
}

func floorsOf(all []gpu.Launch) (rows []FloorRow, total FloorRow) {
	at := map[string]int{}
	total.Kernel = "total"
	for _, l := range all {
		i, ok := at[l.Name]
		if !ok {
			i = len(rows)
			at[l.Name], rows = i, append(rows, FloorRow{Kernel: l.Name})
		}
		rows[i].add(l)
		total.add(l)
	}
	slices.SortStableFunc(rows, func(a, b FloorRow) int { return cmp.Compare(b.Milliseconds, a.Milliseconds) })
	return rows, total
}

func (r *FloorRow) add(l gpu.Launch) { r.addAt(l, FloorBytes, FloorFlops) }

// addAt adds a launch at ceilings of bytes and operations per second.
func (r *FloorRow) addAt(l gpu.Launch, bytes, flops float64) {
	r.Launches, r.Bytes, r.Flops = r.Launches+1, r.Bytes+l.Bytes, r.Flops+l.Flops
	r.Milliseconds += 1e3 * max(float64(l.Bytes)/bytes, float64(l.Flops)/flops)
}
