//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import "contig-gpu/gpu/internal/driver"

// build describes p to the library.
func (p Problem) build(t target) (*graph, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	g := &graph{}
	switch p.Op {
	case BackwardData:
		g.buildData(p)
	case NormBackwardData, NormBackwardDataAdd:
		g.buildNormData(p)
	case BackwardWeight, BackwardWeight16, NormBackwardWeight:
		g.buildWeight(p)
	default:
		g.buildForward(p)
	}
	g.finish(t)
	if g.err != nil {
		g.close()
		return nil, g.err
	}
	return g, nil
}

func imageOf(c driver.Conv) dims   { return dims{c.N, c.C, c.H, c.W} }
func filterOf(c driver.Conv) dims  { return dims{c.K, c.C, c.R, c.S} }
func resultOf(c driver.Conv) dims  { return dims{c.N, c.K, c.OH(), c.OW()} }
func perChannel(channels int) dims { return dims{1, channels, 1, 1} }

func (g *graph) buildForward(p Problem) {
	c := p.Conv
	x, w := g.tensor(roleX, imageOf(c), c.Type), g.tensor(roleW, filterOf(c), c.Type)
	y := g.tensor(roleY, resultOf(c), c.Type)
	if p.Op == NormForwardStats || p.Op == NormForwardAddStats {
		x = g.scaleBiasReLU(x, p)
	}
	g.forward(g.convolution(c.Stride, c.Pad), x, w, y)
	if p.Op == ForwardStats || p.Op == NormForwardStats || p.Op == NormForwardAddStats {
		g.statistics(y, g.tensor(roleSum, perChannel(c.K), driver.F32), g.tensor(roleSquare, perChannel(c.K), driver.F32))
	}
}

// vectors is the type of scale and bias: those of the library's engines that are written for Hopper, and all gradients of weights, want f16
// beside f16.
func (p Problem) vectors() driver.Type {
	if p.Conv.Type == driver.F16 {
		return driver.F16
	}
	return driver.F32
}

// scaleBiasReLU returns relu(scale x + bias [+ add]), rounded to x's type as if it had been in memory, where with add it is.
func (g *graph) scaleBiasReLU(x desc, p Problem) desc {
	c, d, v := p.Conv, imageOf(p.Conv), perChannel(p.Conv.C)
	scaled, moved := g.within(d, driver.F32), g.within(d, driver.F32)
	g.point(C.CUDNN_POINTWISE_MUL, x, g.tensor(roleScale, v, p.vectors()), scaled)
	g.point(C.CUDNN_POINTWISE_ADD, scaled, g.tensor(roleBias, v, p.vectors()), moved)
	if p.Op == NormForwardAddStats {
		joined, y := g.within(d, driver.F32), g.tensor(roleApplied, d, c.Type)
		g.point(C.CUDNN_POINTWISE_ADD, moved, g.tensor(roleInputAdd, d, c.Type), joined)
		g.point(C.CUDNN_POINTWISE_RELU_FWD, joined, nil, y)
		return y
	}
	y := g.within(d, c.Type)
	g.point(C.CUDNN_POINTWISE_RELU_FWD, moved, nil, y)
	return y
}

func (g *graph) buildData(p Problem) {
	c := p.Conv
	dx, w, dy := g.tensor(roleX, imageOf(c), c.Type), g.tensor(roleW, filterOf(c), c.Type), g.tensor(roleY, resultOf(c), c.Type)
	g.backwardData(g.convolution(c.Stride, c.Pad), dx, w, dy, p.Beta)
}

// buildWeight accumulates by an addition behind the convolution: see doc.go.
func (g *graph) buildWeight(p Problem) {
	c := p.Conv
	x, dy, window := g.tensor(roleX, imageOf(c), c.Type), g.tensor(roleY, resultOf(c), c.Type), g.convolution(c.Stride, c.Pad)
	if p.Op == NormBackwardWeight {
		x = g.scaleBiasReLU(x, p)
	}
	if p.Op != BackwardWeight {
		g.backwardWeight(window, x, g.tensor(roleW, filterOf(c), c.Type), dy, 0)
		return
	}
	dw := g.tensor(roleW, filterOf(c), driver.F32)
	if c.Type == driver.F32 {
		g.backwardWeight(window, x, dw, dy, 1)
		return
	}
	sum := g.within(filterOf(c), driver.F32)
	g.backwardWeight(window, x, sum, dy, 0)
	g.point(C.CUDNN_POINTWISE_ADD, sum, g.tensor(roleAdd, filterOf(c), driver.F32), dw)
}

// buildNormData describes d = the gradient of a convolution's input, where the ReLU before it let through, and the sums over d that the
// norm before the ReLU wants. What the ReLU saw is computed again, from the norm's input; the engines know the norm by its difference from
// the mean.
func (g *graph) buildNormData(p Problem) {
	c, v := p.Conv, perChannel(p.Conv.C)
	image := imageOf(c)
	inner := func() desc { return g.within(image, c.Type) } // of another type there is no plan
	vector := func(r role) desc { return g.tensor(r, v, driver.F32) }
	d, w, dy := g.tensor(roleX, image, c.Type), g.tensor(roleW, filterOf(c), c.Type), g.tensor(roleY, resultOf(c), c.Type)
	x, mean, rstd, gamma := g.tensor(roleInput, image, c.Type), vector(roleMean), vector(roleRstd), vector(roleGamma)
	dx := inner()
	g.backwardData(g.convolution(c.Stride, c.Pad), dx, w, dy, 0)
	centred, unit, scaled, z := inner(), inner(), inner(), inner()
	g.point(C.CUDNN_POINTWISE_SUB, x, mean, centred)
	g.point(C.CUDNN_POINTWISE_MUL, centred, rstd, unit)
	g.point(C.CUDNN_POINTWISE_MUL, unit, gamma, scaled)
	g.point(C.CUDNN_POINTWISE_ADD, scaled, vector(roleBeta), z)
	if p.Op == NormBackwardDataAdd {
		sum, joined := inner(), inner()
		g.point(C.CUDNN_POINTWISE_ADD, dx, g.tensor(roleAdd, image, c.Type), sum)
		g.point(C.CUDNN_POINTWISE_ADD, z, g.tensor(roleInputAdd, image, c.Type), joined)
		dx, z = sum, joined
	}
	g.rectifyBack(dx, z, d)
	g.normGradient(d, x, mean, rstd, gamma, vector(roleDgamma), vector(roleDbeta), vector(roleByD), vector(roleByInput), vector(roleShift))
}
