package optim

import "math"

// Names of the schedules.
const (
	CosineName   = "cosine"
	ConstantName = "constant"
)

// A Schedule gives the learning rate of every step: Warmup steps of linear rise to Base, then Base (constant) or
// half a cosine down to Final at step Total.
type Schedule struct {
	Kind          string // constant or cosine
	Warmup, Total int    // steps
	Base, Final   float64
}

// At returns the learning rate of a step, counted from 0.
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return s.Base * float64(step+1) / float64(s.Warmup)
	}
	if s.Kind != CosineName {
		return s.Base
	}
	done := float64(step-s.Warmup) / float64(max(1, s.Total-s.Warmup))
	return s.Final + (s.Base-s.Final)*(1+math.Cos(math.Pi*math.Min(1, done)))/2
}
