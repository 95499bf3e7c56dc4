//go:build linux && cgo

package dnn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"contig-gpu/gpu/internal/driver"
)

// A way is one of a convolution's gradient of weights into float32 memory. In float32 there is wayFused alone.
type way int

// The ways, in the order in which they are preferred where nothing is timed. The fused one is last: what cuDNN 9.19 has of it are
// kernels for Ampere that are compiled at run time, of the others it has precompiled ones for Hopper.
const (
	wayProduct way = iota // a product that adds its float32 sums to dw: of windows of 1x1 alone
	wayRounded            // BackwardWeight16 into scratch memory, rounded as the frameworks do, and an addition
	wayFused              // BackwardWeight: one plan that adds its float32 sums to dw
	wayCount
)

// scratchAlign is what parts of the scratch memory are aligned to, bytes.
const scratchAlign = 256

// A weightWay is a way for a convolution.
type weightWay struct {
	way
	conv    driver.Conv
	product driver.Product // of wayProduct
	at      int            // of wayRounded: where in the scratch memory the rounded gradient lies, bytes
	scratch int            // bytes
	err     error
}

// ConvBackwardWeight implements driver.Convolutions. In 16 bits there are several ways; the fastest is taken where they can be timed.
func (h *Handle) ConvBackwardWeight(c driver.Conv, dw, dy, x driver.Ptr) {
	r := h.weightOf(c)
	err := r.err
	if err == nil {
		err = h.take(r, dw, dy, x, h.work, h.room)
	}
	if err != nil {
		h.stream.Fail(err)
	}
}

// take queues dw += the gradient of w in one way, with room bytes of memory to work in.
func (h *Handle) take(r weightWay, dw, dy, x, work driver.Ptr, room int) error {
	if r.scratch > room {
		return fmt.Errorf("cuDNN: %s takes %d bytes of scratch memory, SetScratch gave %d", Problem{Op: BackwardWeight, Conv: r.conv}, r.scratch, room)
	}
	switch r.way {
	case wayProduct:
		return h.Ways.Multiply(r.product, dw, dy, x, work, room)
	case wayRounded:
		part := work.Add(r.at)
		if err := h.queue(Problem{Op: BackwardWeight16, Conv: r.conv}, tensors{x, part, dy}, work, room); err != nil {
			return err
		}
		return h.Ways.AddRounded(dw, part, weights(r.conv), r.conv.Type)
	}
	return h.queue(Problem{Op: BackwardWeight, Conv: r.conv}, tensors{x, dw, dy, dw}, work, room)
}

func weights(c driver.Conv) int { return c.K * c.R * c.S * c.C }

// weightOf decides on the way, once, when plans may be made.
func (h *Handle) weightOf(c driver.Conv) weightWay {
	r, ok := h.weight[c]
	if ok {
		return r
	}
	if err := h.mayPlan(Problem{Op: BackwardWeight, Conv: c}); err != nil {
		return weightWay{err: err}
	}
	r = h.chooseWay(c)
	h.weight[c] = r
	return r
}

// chooseWay takes the way that was the fastest on this kind of GPU before; else it times those that there are, or where that
// cannot be done takes the first.
func (h *Handle) chooseWay(c driver.Conv) weightWay {
	if !h.timesWays() || c.Type == driver.F32 {
		return h.firstWay(c)
	}
	p := Problem{Op: BackwardWeight, Conv: c}
	if times := h.cache.times(p); len(times) == int(wayCount) {
		if r := h.makeWay(c, fastestWay(times)); r.err == nil {
			return r
		}
	}
	first := h.firstWay(c)
	if first.err != nil {
		return first
	}
	times, err := h.timeWays(c)
	if err != nil {
		h.untimed = fmt.Errorf("cuDNN: the ways to %s were not compared: %w", p, err)
		return first
	}
	return h.makeWay(c, fastestWay(h.cache.keepTimes(p, times)))
}

// AddsWeights reports whether the way of a convolution has a launch of its own for the addition.
func (h *Handle) AddsWeights(c driver.Conv) bool {
	r := h.weightOf(c)
	return r.err == nil && r.way == wayRounded
}

// firstWay returns the first way that there is, or why there is none.
func (h *Handle) firstWay(c driver.Conv) weightWay {
	var why []error
	for k := range wayCount {
		r := h.makeWay(c, k)
		if r.err == nil {
			return r
		}
		why = append(why, r.err)
	}
	return weightWay{err: errors.Join(why...)}
}

// fastestWay returns the way that took the least, of those that took any time.
func fastestWay(times []float64) way {
	best, least := wayFused, math.Inf(1)
	for k, ms := range times {
		if ms > 0 && ms < least {
			best, least = way(k), ms
		}
	}
	return best
}

// errNoWay says that a way is none for a convolution. It adds nothing to what else is wrong.
var errNoWay = errors.New("not of this convolution")

// makeWay makes what a way needs.
func (h *Handle) makeWay(c driver.Conv, k way) weightWay {
	r := weightWay{way: k, conv: c}
	switch {
	case k == wayFused:
		r.scratch, r.err = h.Scratch(Problem{Op: BackwardWeight, Conv: c})
	case c.Type == driver.F32 || h.Ways == nil:
		r.err = errNoWay
	case k == wayRounded:
		var plan int
		plan, r.err = h.Scratch(Problem{Op: BackwardWeight16, Conv: c})
		r.at, r.scratch = roundedScratch(c, plan)
	default:
		var ok bool
		if r.product, ok = c.WeightProduct(); !ok {
			r.err = errNoWay
		} else {
			r.scratch, r.err = h.Ways.MultiplyScratch(r.product)
		}
	}
	return r
}

// roundedScratch returns where the rounded gradient lies, behind what its plan takes, and the bytes of both.
func roundedScratch(c driver.Conv, plan int) (at, all int) {
	at = (plan + scratchAlign - 1) / scratchAlign * scratchAlign
	return at, at + weights(c)*c.Type.Size()
}

// timeWays times the ways against each other and returns the milliseconds of each, 0 of those that there are not.
func (h *Handle) timeWays(c driver.Conv) ([]float64, error) {
	var ways []weightWay
	room := 0
	for k := range wayCount {
		if r := h.makeWay(c, k); r.err == nil {
			ways = append(ways, r)
			room = max(room, r.scratch)
		}
	}
	times := make([]float64, wayCount)
	if len(ways) == 1 {
		times[ways[0].way] = 1
		return times, nil
	}
	at, work, free, err := h.stage(Problem{Op: BackwardWeight, Conv: c}, room)
	defer free()
	if err != nil {
		return nil, err
	}
	var all []*contestant
	for _, r := range ways {
		all = append(all, &contestant{run: func() error { return h.take(r, at[1], at[2], at[0], work, room) }})
	}
	if err := h.race(all); err != nil {
		return nil, err
	}
	for i, r := range ways {
		if all[i].err == nil {
			times[r.way] = all[i].best
		}
	}
	if slices.Max(times) == 0 {
		return nil, all[0].err
	}
	return times, nil
}
