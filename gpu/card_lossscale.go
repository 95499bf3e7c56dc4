package gpu

import "contig-gpu/kernels"

func (c *gpu) scaleLoss(dst, src, state Tensor) {
	launch(c, "lossscale_forward", F32, c.grid(dst.Len(), 1), &kernels.LossscaleForward{Y: dst.ptr(), X: src.ptr(), State: state.ptr(), N: int32(dst.Len())})
}

func (c *gpu) adaptScale(scale, rates, state, choice, sumsq Tensor, maxNorm float64, s LossScaling) {
	g := oneBlock()
	g.Threads[0] = 1
	launch(c, "lossscale_adapt", F32, g, &kernels.LossscaleAdapt{Scale: scale.ptr(), Rates: rates.ptr(), State: state.ptr(), Choice: choice.ptr(), Sumsq: sumsq.ptr(),
		Limit: maxNorm, Least: s.Least, Grow: int32(s.Grow)})
}
