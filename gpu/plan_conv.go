package gpu

import (
	"slices"

	"contig-gpu/gpu/internal/cpukern"
)

// ConvPass is one of the three directions of a convolution.
type ConvPass uint8

const (
	ConvForward        ConvPass = iota // y from x and w
	ConvDataGradient                   // dx from dy and w
	ConvWeightGradient                 // dw from dy and x
)

// A ConvUse is a convolution that a program computes: x [N, H, W, C] with w [K, R, S, C].
type ConvUse struct {
	Pass        ConvPass
	N, H, W, C  int
	K, R, S     int
	Stride, Pad int
	Type        DType // of x and y
}

// Out returns the height and the width of y.
func (u ConvUse) Out() (h, w int) {
	s := ConvSpec{u.Stride, u.Pad}
	return s.out(u.H, u.R), s.out(u.W, u.S)
}

// Convs returns the convolutions that the planning device was asked for, each once, in the order of their first use; of
// other devices none. What a GPU's library needs for them can be looked up without one.
func (d *Device) Convs() []ConvUse { return slices.Clone(d.convs) }

// ConvCalls returns how often the planning device was asked for a convolution.
func (d *Device) ConvCalls(u ConvUse) int { return d.convCalls[u] }

// note keeps a convolution on the planning device.
func (d *Device) note(pass ConvPass, c cpukern.ConvShape, t DType) {
	if d.kind != plan {
		return
	}
	u := ConvUse{pass, c.N, c.H, c.W, c.C, c.K, c.R, c.S, c.Stride, c.Pad, t}
	if d.convCalls[u] == 0 {
		d.convs = append(d.convs, u)
	}
	if d.convCalls == nil {
		d.convCalls = map[ConvUse]int{}
	}
	d.convCalls[u]++
}
