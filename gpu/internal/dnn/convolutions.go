//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// tensors are the addresses of a Problem's tensors in the order of Problem.tensors.
type tensors = [C.CONTIG_TENSORS]driver.Ptr

// ConvForward implements driver.Convolutions.
func (h *Handle) ConvForward(c driver.Conv, y, x, w driver.Ptr) {
	h.run(Problem{Op: Forward, Conv: c}, tensors{x, w, y})
}

// ConvBackwardData implements driver.Convolutions.
func (h *Handle) ConvBackwardData(c driver.Conv, dx, dy, w driver.Ptr, beta float32) {
	h.run(Problem{Op: BackwardData, Conv: c, Beta: beta}, tensors{dx, w, dy})
}

// ConvForwardStats queues y = x * w, and into sum and square [K], float32, the sums over all pixels of y and of its
// squares per channel: what batch normalisation's mean and variance are made of.
func (h *Handle) ConvForwardStats(c driver.Conv, y, x, w, sum, square driver.Ptr) {
	h.run(Problem{Op: ForwardStats, Conv: c}, tensors{x, w, y, sum, square})
}

// StatsPay reports whether ConvForwardStats takes less time than ConvForward and a pass over y, which apart queues. It is
// measured once, and kept like a plan. Where ways are not timed, or apart is nil, it is so wherever the library has a plan.
func (h *Handle) StatsPay(c driver.Conv, apart func(y driver.Ptr) error) bool {
	p := Problem{Op: ForwardStats, Conv: c}
	q, err := h.planOf(p)
	if err != nil || !h.timesWays() || apart == nil {
		return err == nil
	}
	is, known := h.fused[p]
	if !known {
		if is, err = h.compared(p, func() (fused, own float64, err error) { return h.timeApart(q, apart) }); err != nil {
			is.pays = true
		}
		h.fused[p] = is
	}
	return is.pays
}

// Scratch returns the bytes of scratch memory that a Problem takes, or why it cannot be run. It makes the plan.
func (h *Handle) Scratch(p Problem) (int, error) {
	q, err := h.planOf(p)
	if err != nil {
		return 0, err
	}
	return q.Workspace, nil
}

// ConvScratch implements driver.Convolutions. It makes the pass's plan. What has no plan takes nothing; running it
// reports why.
func (h *Handle) ConvScratch(c driver.Conv, p convolution.Pass) (bytes int) {
	switch p {
	case convolution.Forward:
		bytes, _ = h.Scratch(Problem{Op: Forward, Conv: c})
	case convolution.ForwardStats:
		bytes, _ = h.Scratch(Problem{Op: ForwardStats, Conv: c})
	case convolution.Data:
		bytes, _ = h.Scratch(Problem{Op: BackwardData, Conv: c})
	case convolution.DataAdd:
		bytes, _ = h.Scratch(Problem{Op: BackwardData, Conv: c, Beta: 1})
	case convolution.Weight:
		bytes = h.weightOf(c).scratch
	case convolution.NormForward:
		bytes, _ = h.Scratch(Problem{Op: NormForwardStats, Conv: c})
	case convolution.NormAddForward:
		bytes, _ = h.Scratch(Problem{Op: NormForwardAddStats, Conv: c})
	case convolution.NormData:
		bytes, _ = h.Scratch(Problem{Op: NormBackwardData, Conv: c})
	case convolution.NormDataAdd:
		bytes, _ = h.Scratch(Problem{Op: NormBackwardDataAdd, Conv: c})
	case convolution.NormWeight:
		if plan, err := h.Scratch(Problem{Op: NormBackwardWeight, Conv: c}); err == nil {
			_, bytes = roundedScratch(c, plan)
		}
	}
	return bytes
}
