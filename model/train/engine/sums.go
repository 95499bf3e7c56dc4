package engine

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// The gradient is summed over ranks in parts, each as soon as the backward pass has completed it: on a GPU beside the rest of that pass.

// A part is a quarter of the gradient or more, so that small models gain too, or as much as fills a network.
const (
	fewestParts = 4
	largestPart = 8 << 20 // elements, 32 MiB of float32
)

// sums are the parts of one step.
type sums struct {
	dev   *gpu.Device
	parts []nn.Part         // in the order in which they are summed, which is the same on all ranks
	of    map[*nn.Param]int // the part that a parameter's gradient is in
	rest  gpu.Tensor        // of the gradient: what is in no part, small; the zero Tensor: nothing
	half  []gpu.Tensor      // of each part where they travel in bf16; else nil

	memory *gpu.Arena // of half

	missing []int // parameters of each part whose gradients are not complete
	next    int   // the first part that is not yet summed
}

func newSums(w *nn.Weights, halved bool) *sums {
	_, grads, decayed := w.Flat()
	s := &sums{dev: grads.Device(), parts: w.Parts(min((decayed+fewestParts-1)/fewestParts, largestPart)), of: map[*nn.Param]int{}}
	s.missing = make([]int, len(s.parts))
	for i, part := range s.parts {
		for _, p := range part.Params {
			s.of[p] = i
		}
	}
	if decayed < grads.Len() {
		s.rest = grads.Slice(decayed, grads.Len())
	}
	if halved {
		s.memory = s.dev.Deal("gradients in bf16", func(a *gpu.Arena) {
			s.half = nil
			for _, part := range s.parts {
				s.half = append(s.half, a.New(gpu.BF16, part.Grad.Len()))
			}
		})
	}
	return s
}

// OmitSums leaves the sums of the gradient over ranks out of the steps to come, which differ between ranks then: for measuring what they take.
// Nothing may be queued.
func (e *Engine) OmitSums() {
	e.sums = nil
	e.forget()
}

// beginSums makes a pass, the last of a step, tell of the gradients that it completes.
func (e *Engine) beginSums(p *nn.Pass) {
	s := e.sums
	if s == nil {
		return
	}
	s.next = 0
	for i, part := range s.parts {
		s.missing[i] = len(part.Params)
	}
	p.Done = s.complete
}

// complete sums the parts that are complete with the gradient of w. No part goes before those in front of it, whatever is complete when.
func (s *sums) complete(w *nn.Param) {
	i := s.of[w]
	s.missing[i]--
	if s.missing[i] < 0 {
		panic(fmt.Sprintf("engine: the gradient of %s was complete before, and may be summed: a pass of a part of a batch has a Done", w.Name))
	}
	for s.next < len(s.parts) && s.missing[s.next] == 0 {
		s.sum()
	}
}

func (s *sums) sum() {
	x := s.parts[s.next].Grad
	if s.half != nil {
		gpu.Cast(s.half[s.next], x)
		x = s.half[s.next]
	}
	gpu.AllReduceBeside(x)
	s.next++
}

// end sums what is left, as the parts of parameters that the pass left as they are, and makes what follows wait for all.
func (s *sums) end() {
	for s.next < len(s.parts) {
		s.sum()
	}
	if s.rest.Ok() {
		gpu.AllReduceBeside(s.rest)
	}
	s.dev.Rejoin()
	for i, x := range s.half {
		gpu.Cast(s.parts[i].Grad, x)
	}
}
