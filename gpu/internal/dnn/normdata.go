//go:build linux && cgo

package dnn

import "contig-gpu/gpu/internal/driver"

// ConvNormBackwardData implements driver.Norms.
func (h *Handle) ConvNormBackwardData(c driver.Conv, d, dy, w driver.Ptr, n driver.NormInput, dgamma, dbeta, line driver.Ptr) {
	p := Problem{Op: NormBackwardData, Conv: c}
	if n.Add != 0 {
		p.Op = NormBackwardDataAdd
	}
	row := scratchAlign * ((4*c.C + scratchAlign - 1) / scratchAlign)
	h.run(p, tensors{d, w, dy, n.X, n.Mean, n.Rstd, n.Gamma, n.Beta, dgamma, dbeta, line, line.Add(row), line.Add(2 * row), n.Branch, n.Add})
}

// NormDataPays reports whether ConvNormBackwardData, of a norm that something is added to or of one alone, takes less time than
// ConvBackwardData and a pass for the sums over its result and what the ReLU let through, which apart queues; both leave the gradient
// of the norm's input to another pass. It is measured as NormPays is.
func (h *Handle) NormDataPays(c driver.Conv, add bool, apart func(dy, x driver.Ptr) error) bool {
	p, plain := Problem{Op: NormBackwardData, Conv: c}, Problem{Op: BackwardData, Conv: c}
	if add {
		p.Op, plain.Beta = NormBackwardDataAdd, 1
	}
	return h.fusionPays([]Problem{p}, apart != nil, func() (fused, own float64, err error) {
		q, err := h.planOf(p)
		if err != nil {
			return 0, 0, err
		}
		b, err := h.planOf(plain)
		if err != nil {
			return 0, 0, err
		}
		room := max(q.Workspace, b.Workspace)
		at, work, free, err := h.stage(p, room) // d, w, dy, the norm's input and what else there is
		defer free()
		if err != nil {
			return 0, 0, err
		}
		return h.compare([]func() error{func() error { return h.execute(q, at, work, room) }},
			[]func() error{func() error { return h.execute(b, at, work, room) }, func() error { return apart(at[0], at[3]) }}, 0)
	})
}
