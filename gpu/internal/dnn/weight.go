//go:build linux && cgo

package dnn

import (
	"errors"
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// scratchAlign is what parts of the scratch memory are aligned to, bytes.
const scratchAlign = 256

// A weightRoute is how a convolution's gradient of weights gets into float32 memory.
type weightRoute struct {
	rounded bool // by BackwardWeight16 into scratch memory, then Accumulate
	at      int  // where in the scratch memory the rounded gradient lies, bytes
	scratch int  // bytes
	err     error
}

// ConvBackwardWeight implements driver.Convolutions. In 16 bits it is one plan that adds its float32 sums to dw. Where
// the library has none, or Options.RoundWeight prefers that, the gradient is rounded to the type of x, as
// the frameworks do, and then added.
func (h *Handle) ConvBackwardWeight(c driver.Conv, dw, dy, x driver.Ptr) {
	r := h.weightOf(c)
	switch {
	case r.err != nil:
		h.stream.Fail(r.err)
	case r.rounded && r.scratch > h.room:
		h.stream.Fail(fmt.Errorf("cuDNN: %s takes %d bytes of scratch memory, SetScratch gave %d", Problem{Op: BackwardWeight, Conv: c}, r.scratch, h.room))
	case r.rounded:
		part := h.work.Add(r.at)
		h.run(Problem{Op: BackwardWeight16, Conv: c}, tensors{x, part, dy})
		h.run(Problem{Op: Accumulate, Conv: sizeOnly(c)}, tensors{part, dw, dw})
	default:
		h.run(Problem{Op: BackwardWeight, Conv: c}, tensors{x, dw, dy, dw})
	}
}

// sizeOnly keeps of a convolution what its accumulation depends on, so that many share one plan.
func sizeOnly(c driver.Conv) driver.Conv {
	return driver.Conv{N: 1, H: 1, W: 1, C: c.K * c.R * c.S * c.C, K: 1, R: 1, S: 1, Stride: 1, Type: c.Type}
}

// weightOf decides on the route, once, when plans may be made.
func (h *Handle) weightOf(c driver.Conv) weightRoute {
	r, ok := h.weight[c]
	if ok {
		return r
	}
	if err := h.mayPlan(Problem{Op: BackwardWeight, Conv: c}); err != nil {
		return weightRoute{err: err}
	}
	r = h.routeOf(c)
	h.weight[c] = r
	return r
}

func (h *Handle) routeOf(c driver.Conv) weightRoute {
	var whole error
	if c.Type == driver.F32 || !h.RoundWeight {
		var need int
		if need, whole = h.Scratch(Problem{Op: BackwardWeight, Conv: c}); whole == nil {
			return weightRoute{scratch: need}
		}
		if c.Type == driver.F32 {
			return weightRoute{err: whole}
		}
	}
	gradient, err := h.Scratch(Problem{Op: BackwardWeight16, Conv: c})
	adding, err2 := h.Scratch(Problem{Op: Accumulate, Conv: sizeOnly(c)})
	if err != nil || err2 != nil {
		return weightRoute{err: errors.Join(whole, err, err2)}
	}
	at, all := roundedScratch(c, gradient, adding)
	return weightRoute{rounded: true, at: at, scratch: all}
}

// roundedScratch returns where the rounded gradient lies, behind what either plan takes, and the bytes of all.
func roundedScratch(c driver.Conv, gradient, adding int) (at, all int) {
	at = (max(gradient, adding) + scratchAlign - 1) / scratchAlign * scratchAlign
	return at, at + c.K*c.R*c.S*c.C*c.Type.Size()
}
