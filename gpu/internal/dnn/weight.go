//go:build linux && cgo

package dnn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"contig-gpu/gpu/internal/driver"
)

// A road is a way of a convolution's gradient of weights into float32 memory. In float32 there is roadFused alone.
type road int

// The roads, in the order in which they are preferred where nothing is timed. The fused one is last: what cuDNN 9.19 has of it are
// kernels for Ampere that are compiled at run time, of the others it has precompiled ones for Hopper.
const (
	roadProduct road = iota // a product that adds its float32 sums to dw: of windows of 1x1 alone
	roadRounded             // BackwardWeight16 into scratch memory, rounded as the frameworks do, and an addition
	roadFused               // BackwardWeight: one plan that adds its float32 sums to dw
	roadCount
)

// scratchAlign is what parts of the scratch memory are aligned to, bytes.
const scratchAlign = 256

// A weightRoute is a road for a convolution.
type weightRoute struct {
	road
	conv    driver.Conv
	product driver.Product // of roadProduct
	at      int            // of roadRounded: where in the scratch memory the rounded gradient lies, bytes
	scratch int            // bytes
	err     error
}

// ConvBackwardWeight implements driver.Convolutions. In 16 bits there are several roads; the fastest is taken where they can be timed.
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

// take queues dw += the gradient of w by a road, with room bytes of memory to work in.
func (h *Handle) take(r weightRoute, dw, dy, x, work driver.Ptr, room int) error {
	if r.scratch > room {
		return fmt.Errorf("cuDNN: %s takes %d bytes of scratch memory, SetScratch gave %d", Problem{Op: BackwardWeight, Conv: r.conv}, r.scratch, room)
	}
	switch r.road {
	case roadProduct:
		return h.Ways.Multiply(r.product, dw, dy, x, work, room)
	case roadRounded:
		part := work.Add(r.at)
		if err := h.queue(Problem{Op: BackwardWeight16, Conv: r.conv}, tensors{x, part, dy}, work, room); err != nil {
			return err
		}
		return h.Ways.AddRounded(dw, part, weights(r.conv), r.conv.Type)
	}
	return h.queue(Problem{Op: BackwardWeight, Conv: r.conv}, tensors{x, dw, dy, dw}, work, room)
}

func weights(c driver.Conv) int { return c.K * c.R * c.S * c.C }

// weightOf decides on the road, once, when plans may be made.
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

// routeOf takes the road that was the fastest on this kind of GPU before; else it times those that there are, or where that
// cannot be done takes the first.
func (h *Handle) routeOf(c driver.Conv) weightRoute {
	if h.time == nil || h.Untimed || c.Type == driver.F32 {
		return h.firstRoad(c)
	}
	p := Problem{Op: weightRoads, Conv: c}
	if s, kept := h.cache.get(p); kept && len(s.Roads) == int(roadCount) {
		if r := h.route(c, fastestRoad(s.Roads)); r.err == nil {
			return r
		}
	}
	first := h.firstRoad(c)
	if first.err != nil {
		return first
	}
	times, err := h.timeRoads(c)
	if err != nil {
		h.untimed = fmt.Errorf("cuDNN: the ways to %s were not compared: %w", Problem{Op: BackwardWeight, Conv: c}, err)
		return first
	}
	h.cache.put(p, Saved{Choice: Choice{Roads: times}})
	return h.route(c, fastestRoad(times))
}

// AddsWeights reports whether the road of a convolution has a launch of its own for the addition.
func (h *Handle) AddsWeights(c driver.Conv) bool {
	r := h.weightOf(c)
	return r.err == nil && r.road == roadRounded
}

// firstRoad returns the first road that there is, or why there is none.
func (h *Handle) firstRoad(c driver.Conv) weightRoute {
	var why []error
	for k := range roadCount {
		r := h.route(c, k)
		if r.err == nil {
			return r
		}
		why = append(why, r.err)
	}
	return weightRoute{err: errors.Join(why...)}
}

// fastestRoad returns the road that took the least, of those that took any time.
func fastestRoad(times []float64) road {
	best, least := roadFused, math.Inf(1)
	for k, ms := range times {
		if ms > 0 && ms < least {
			best, least = road(k), ms
		}
	}
	return best
}

// errNoRoad says that a road is none for a convolution. It adds nothing to what else is wrong.
var errNoRoad = errors.New("not of this convolution")

// route makes what a road needs.
func (h *Handle) route(c driver.Conv, k road) weightRoute {
	r := weightRoute{road: k, conv: c}
	switch {
	case k == roadFused:
		r.scratch, r.err = h.Scratch(Problem{Op: BackwardWeight, Conv: c})
	case c.Type == driver.F32 || h.Ways == nil:
		r.err = errNoRoad
	case k == roadRounded:
		var plan int
		plan, r.err = h.Scratch(Problem{Op: BackwardWeight16, Conv: c})
		r.at, r.scratch = roundedScratch(c, plan)
	default:
		var ok bool
		if r.product, ok = c.WeightProduct(); !ok {
			r.err = errNoRoad
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

// timeRoads times the roads against each other and returns the milliseconds of each, 0 of those that there are not.
func (h *Handle) timeRoads(c driver.Conv) ([]float64, error) {
	var routes []weightRoute
	room := 0
	for k := range roadCount {
		if r := h.route(c, k); r.err == nil {
			routes = append(routes, r)
			room = max(room, r.scratch)
		}
	}
	times := make([]float64, roadCount)
	if len(routes) == 1 {
		times[routes[0].road] = 1
		return times, nil
	}
	at, work, free, err := h.stage(Problem{Op: BackwardWeight, Conv: c}, room)
	defer free()
	if err != nil {
		return nil, err
	}
	var all []*contestant
	for _, r := range routes {
		all = append(all, &contestant{run: func() error { return h.take(r, at[1], at[2], at[0], work, room) }})
	}
	if err := h.race(all); err != nil {
		return nil, err
	}
	for i, r := range routes {
		if all[i].err == nil {
			times[r.road] = all[i].best
		}
	}
	if slices.Max(times) == 0 {
		return nil, all[0].err
	}
	return times, nil
}
