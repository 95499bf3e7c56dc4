//go:build linux && cgo

package dnn

import (
	"fmt"
	"slices"

	"contig-gpu/gpu/internal/driver"
)

// A norm and its ReLU before a convolution are a line for each channel and what is above 0 of it. The library can compute that as it reads
// the convolution's input: forward, and for the gradient of the weights. Then it need not be written.

// ConvNormForward queues ConvForwardStats of relu(scale x + shift); scale and shift [C] are of Problem.vectors' type. Padding is 0, after
// the ReLU.
func (h *Handle) ConvNormForward(c driver.Conv, y, x, w, scale, shift, sum, square driver.Ptr) {
	h.run(Problem{Op: NormForwardStats, Conv: c}, tensors{x, w, y, scale, shift, sum, square})
}

// ConvNormBackwardWeight queues ConvBackwardWeight of relu(scale x + shift): rounded to the convolution's type, then added.
func (h *Handle) ConvNormBackwardWeight(c driver.Conv, dw, dy, x, scale, shift driver.Ptr) {
	if err := h.addNormWeight(c, dw, dy, x, scale, shift, h.work, h.room); err != nil {
		h.stream.Fail(err)
	}
}

func (h *Handle) addNormWeight(c driver.Conv, dw, dy, x, scale, shift, work driver.Ptr, room int) error {
	p := Problem{Op: NormBackwardWeight, Conv: c}
	plan, err := h.Scratch(p)
	if err != nil {
		return err
	}
	at, all := roundedScratch(c, plan)
	if all > room {
		return fmt.Errorf("cuDNN: %s takes %d bytes of scratch memory, SetScratch gave %d", p, all, room)
	}
	part := work.Add(at)
	if err := h.queue(p, tensors{x, part, dy, scale, shift}, work, room); err != nil {
		return err
	}
	return h.Ways.AddRounded(dw, part, weights(c), c.Type)
}

// NormPays reports whether ConvNormForward and ConvNormBackwardWeight take less time than what they stand for: a pass that writes
// relu(scale x + shift) to y, which apart queues, and the convolution and the gradient that read it. It is measured once, and kept like a
// plan. Where ways are not timed, or apart is nil, it is so where the library has both, and neither is compiled at run time: what is, is
// written for older GPUs.
func (h *Handle) NormPays(c driver.Conv, apart func(y, x driver.Ptr) error) bool {
	p := Problem{Op: NormForwardStats, Conv: c}
	return h.fusionPays([]Problem{p, {Op: NormBackwardWeight, Conv: c}}, apart != nil,
		func() (float64, float64, error) { return h.timeNorm(c, apart) })
}

// fusionPays decides once whether what parts compute together is faster than another way: by the times that the cache keeps of the first, or by
// timing both; where that is not wanted or fails, by whether all parts have plans that are not compiled at run time. None may want more memory
// than Options allow.
func (h *Handle) fusionPays(parts []Problem, timed bool, both func() (fused, own float64, err error)) bool {
	p := parts[0]
	is, known := h.fused[p]
	if known {
		return is.pays
	}
	if p.Conv.Type != driver.F16 || h.Ways == nil || h.mayPlan(p) != nil {
		return false
	}
	is = h.decide(parts, timed && h.timesWays(), both)
	h.fused[p] = is
	return is.pays
}

func (h *Handle) decide(parts []Problem, timed bool, both func() (fused, own float64, err error)) comparison {
	first := true
	for _, p := range parts {
		q, err := h.planOf(p)
		if err != nil || q.Workspace > h.maxWorkspace() {
			return comparison{}
		}
		first = first && !q.Compiled
	}
	if !timed {
		return comparison{pays: first}
	}
	is, err := h.compared(parts[0], both)
	if err != nil {
		return comparison{pays: first}
	}
	return is
}

// timeNorm returns the milliseconds of a norm that is fused to the convolution after it, and of one that is a pass of its own.
func (h *Handle) timeNorm(c driver.Conv, pass func(y, x driver.Ptr) error) (fused, own float64, err error) {
	p, weight := Problem{Op: NormForwardStats, Conv: c}, Problem{Op: BackwardWeight, Conv: c}
	f, err := h.planOf(p)
	if err != nil {
		return 0, 0, err
	}
	plain, err := h.forwardOf(c)
	if err != nil {
		return 0, 0, err
	}
	way := h.weightOf(c)
	if way.err != nil {
		return 0, 0, way.err
	}
	w, err := h.Scratch(Problem{Op: NormBackwardWeight, Conv: c})
	if err != nil {
		return 0, 0, err
	}
	_, rounded := roundedScratch(c, w)
	at, work, free, err := h.stage(p, slices.Max([]int{f.Workspace, plain.Workspace, way.scratch, rounded})) // x, w, y, scale, shift, sums
	defer free()
	if err != nil {
		return 0, 0, err
	}
	back, _, freeBack, err := h.stage(weight, 0) // relu(scale x + shift), dw, dy
	defer freeBack()
	if err != nil {
		return 0, 0, err
	}
	room := max(f.Workspace, plain.Workspace, way.scratch, rounded)
	runs := []func() error{
		func() error { return h.execute(f, at, work, room) },
		func() error { return h.addNormWeight(c, back[1], back[2], at[0], at[3], at[4], work, room) },
		func() error { return h.execute(plain, tensors{back[0], at[1], at[2], at[5], at[6]}, work, room) },
		func() error { return h.take(way, back[1], back[2], back[0], work, room) },
		func() error { return pass(back[0], at[0]) },
	}
	return h.compare(runs[:2], runs[2:], h.fused[Problem{Op: ForwardStats, Conv: c}].own)
}

// forwardOf returns the plan of a convolution forward, with sums where there is one.
func (h *Handle) forwardOf(c driver.Conv) (*plan, error) {
	if q, err := h.planOf(Problem{Op: ForwardStats, Conv: c}); err == nil {
		return q, nil
	}
	return h.planOf(Problem{Op: Forward, Conv: c})
}

// ConvNormAddForward implements driver.Norms.
func (h *Handle) ConvNormAddForward(c driver.Conv, y, x, w, scale, shift, add, z, sum, square driver.Ptr) {
	h.run(Problem{Op: NormForwardAddStats, Conv: c}, tensors{x, w, y, scale, shift, sum, square, add, z})
}

// NormAddPays reports whether ConvNormAddForward takes less time than a pass that makes z of x and what is added, which apart queues, and
// ConvForwardStats. It is measured as NormPays is.
func (h *Handle) NormAddPays(c driver.Conv, apart func(z, x, add driver.Ptr) error) bool {
	p := Problem{Op: NormForwardAddStats, Conv: c}
	return h.fusionPays([]Problem{p}, apart != nil, func() (fused, own float64, err error) {
		q, err := h.planOf(p)
		if err != nil {
			return 0, 0, err
		}
		plain, err := h.forwardOf(c)
		if err != nil {
			return 0, 0, err
		}
		room := max(q.Workspace, plain.Workspace)
		at, work, free, err := h.stage(p, room) // x, w, y, scale, shift, sums, what is added, z
		defer free()
		if err != nil {
			return 0, 0, err
		}
		return h.compare([]func() error{func() error { return h.execute(q, at, work, room) }},
			[]func() error{func() error { return h.execute(plain, tensors{at[8], at[1], at[2], at[5], at[6]}, work, room) },
				func() error { return apart(at[8], at[0], at[7]) }}, h.fused[Problem{Op: ForwardStats, Conv: c}].own)
	})
}
