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

// convUses are convolutions that a planning device was asked for.
type convUses struct {
	list  []ConvUse
	calls map[ConvUse]int
}

// Convs returns the convolutions that the planning device was asked for, each once, in the order of their first use; of
// other devices none. What a GPU's library needs for them can be looked up without one.
func (d *Device) Convs() []ConvUse {
	if u := d.uses(); u != nil {
		return slices.Clone(u.list)
	}
	return nil
}

// ConvCalls returns how often the planning device was asked for a convolution.
func (d *Device) ConvCalls(c ConvUse) int {
	if u := d.uses(); u != nil {
		return u.calls[c]
	}
	return 0
}

// note keeps a convolution on the planning device.
func (d *Device) note(pass ConvPass, c cpukern.ConvShape, t DType) {
	u := d.uses()
	if u == nil {
		return
	}
	use := ConvUse{pass, c.N, c.H, c.W, c.C, c.K, c.R, c.S, c.Stride, c.Pad, t}
	if u.calls[use] == 0 {
		u.list = append(u.list, use)
	}
	if u.calls == nil {
		u.calls = map[ConvUse]int{}
	}
	u.calls[use]++
}
