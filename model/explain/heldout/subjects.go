package heldout

import (
	"fmt"
	"math"

	"contig-gpu/model/explain/claims"
)

// subjects are the persons of a test.
type subjects struct {
	person []int       // who have the modality, one of each group
	donor  []int       // per person: whose values it gets
	unit   [][]float64 // per person: u, to unit length
	others []float64   // per person: log sum_j e^(u.V_j/tau)
}

func newSubjects(o *Options) (*subjects, error) {
	s := &subjects{}
	var image [][]float32
	seen := map[int]bool{}
	for i, p := range o.Persons {
		if !o.Table.Has(p) {
			continue
		}
		if o.Group != nil {
			if seen[o.Group(p)] {
				continue
			}
			seen[o.Group(p)] = true
		}
		s.person, image = append(s.person, p), append(image, o.Image[i])
	}
	if len(s.person) == 0 || len(o.Reference) == 0 {
		return nil, fmt.Errorf("heldout: %d held-out and %d reference persons have the modality %q: want some of both", len(s.person), len(o.Reference), o.Table.Name())
	}
	var stratum func(i int) int
	if o.Stratum != nil {
		stratum = func(i int) int { return o.Stratum(s.person[i]) }
	}
	for _, d := range claims.Donors(o.Seed, len(s.person), stratum, func(int) bool { return true }) {
		s.donor = append(s.donor, s.person[d])
	}
	var reference [][]float64
	for _, v := range o.Reference {
		reference = append(reference, unit(v))
	}
	for i := range image {
		u := unit(image[i])
		logits := make([]float64, len(reference))
		for j, v := range reference {
			logits[j] = product(u, v) / o.Tau
		}
		s.unit, s.others = append(s.unit, u), append(s.others, logSumExp(logits))
	}
	return s, nil
}

// loss of subject i with the genetics embedding e, of any length.
func (s *subjects) loss(i int, e []float64, tau float64) float64 {
	length := math.Sqrt(product(e, e))
	own := product(s.unit[i], e) / math.Max(length, shortest) / tau
	return softplus(s.others[i] - own)
}

// shortest is the least length that an embedding is divided by, as in the loss.
const shortest = 1e-12

func unit(x []float32) []float64 {
	y := make([]float64, len(x))
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	for i, v := range x {
		y[i] = float64(v) / math.Max(math.Sqrt(sum), shortest)
	}
	return y
}

func product(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

func logSumExp(x []float64) float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = math.Max(top, v)
	}
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
