package gpu

import (
	"contig-gpu/gpu/internal/convolution"
	"slices"
)

// ConvPass is one of the three directions of a convolution.
type ConvPass = convolution.Pass

// The passes of a ConvUse.
const (
	ConvForward = convolution.Forward // y from x and w
	ConvData    = convolution.Data    // dx from dy and w
	ConvWeight  = convolution.Weight  // dw from dy and x
)

// ConvShape is the shape of a convolution: x [N, H, W, C], w [K, R, S, C], y [N, OH, OW, K].
type ConvShape = convolution.Shape

// A ConvUse is a convolution that a program computes.
type ConvUse struct {
	Pass ConvPass
	ConvShape
	Type DType // of x and y
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
func (d *Device) note(pass ConvPass, c convolution.Shape, t DType) {
	u := d.uses()
	if u == nil {
		return
	}
	use := ConvUse{pass, c, t}
	if u.calls[use] == 0 {
		u.list = append(u.list, use)
	}
	if u.calls == nil {
		u.calls = map[ConvUse]int{}
	}
	u.calls[use]++
}
