package synth

import (
	"math"
	"math/rand/v2"
)

// A vessel grows from a point, bending as it goes.
type vessel struct {
	x, y, angle   float64
	width, length float64
	bend          float64 // radians per unit of length
	layer         []float32
	depth         int // branchings from the disc
}

// The step of a growing vessel, the angle at which branches leave it, and how thin they become.
const (
	vesselStep  = 0.014
	branchAngle = 0.6
	branchWidth = 0.66
	maxDepth    = 3
)

// vessels draws four arcades, an artery and a vein each: above and below the macula, above and below towards the nose.
func (c *canvas) vessels(l look, r *rand.Rand) {
	for _, a := range []struct{ angle, bend, length float64 }{
		{-2.0, -0.95, 1.75}, {2.0, 0.95, 1.75}, {-0.9, 0.5, 0.8}, {0.9, -0.5, 0.8},
	} {
		for side, layer := range [][]float32{c.vein, c.artery} {
			out := float64(side)*0.34 - 0.17
			c.grow(vessel{x: l.discX, y: l.discY, angle: a.angle + out + 0.1*r.NormFloat64(), layer: layer,
				width: l.width * (1 - 0.3*float64(side)), length: a.length, bend: a.bend + 0.12*r.NormFloat64()}, l, r)
		}
	}
}

// grow stamps a vessel and the branches that leave it on either side.
func (c *canvas) grow(v vessel, l look, r *rand.Rand) {
	wobble, phase, side := 1.6*r.NormFloat64(), 2*math.Pi*r.Float64(), 1.0
	step := min(vesselStep, max(v.width/2, 0.004))
	for s := 0.0; s < v.length; s += step {
		v.angle += (v.bend + wobble*math.Sin(7*s+phase)) * step
		v.x, v.y = v.x+step*math.Cos(v.angle), v.y+step*math.Sin(v.angle)
		if v.x*v.x+v.y*v.y > 1.05 || sq(v.x-maculaX)+sq(v.y-maculaY) < sq(0.16) {
			return
		}
		width := v.width * (1 - 0.55*s/v.length)
		c.stamp(v.layer, v.x, v.y, width/2+0.003, 1)
		if v.depth < maxDepth && s > 0.12 && r.Float64() < l.branching*step {
			side = -side
			c.grow(vessel{x: v.x, y: v.y, angle: v.angle + side*branchAngle*(0.7+0.6*r.Float64()), width: width * branchWidth,
				length: (v.length - s) * 0.7, bend: -0.5 * side, layer: v.layer, depth: v.depth + 1}, l, r)
		}
	}
}
