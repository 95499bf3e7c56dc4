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
	case BackwardData, BackwardDataAdd:
		g.buildData(p)
	case BackwardWeight, BackwardWeight16:
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
	if p.Op == NormForward || p.Op == NormForwardStats {
		x = g.scaleBiasReLU(x, c)
	}
	g.forward(g.convolution(c.Stride, c.Pad), x, w, y)
	if p.Op == ForwardStats || p.Op == NormForwardStats {
		g.statistics(y, g.tensor(roleSum, perChannel(c.K), driver.F32), g.tensor(roleSquare, perChannel(c.K), driver.F32))
	}
}

// scaleBiasReLU returns relu(scale x + bias), rounded to x's type as if it had been in memory.
func (g *graph) scaleBiasReLU(x desc, c driver.Conv) desc {
	d := imageOf(c)
	scaled, moved, y := g.within(d, driver.F32), g.within(d, driver.F32), g.within(d, c.Type)
	g.point(C.CUDNN_POINTWISE_MUL, x, g.tensor(roleScale, perChannel(c.C), driver.F32), scaled)
	g.point(C.CUDNN_POINTWISE_ADD, scaled, g.tensor(roleBias, perChannel(c.C), driver.F32), moved)
	g.point(C.CUDNN_POINTWISE_RELU_FWD, moved, nil, y)
	return y
}

func (g *graph) buildData(p Problem) {
	c := p.Conv
	dx, w, dy := g.tensor(roleX, imageOf(c), c.Type), g.tensor(roleW, filterOf(c), c.Type), g.tensor(roleY, resultOf(c), c.Type)
	window := g.convolution(c.Stride, c.Pad)
	if p.Op == BackwardData {
		g.backwardData(window, dx, w, dy, p.Beta)
		return
	}
	sum := g.within(imageOf(c), driver.F32)
	g.backwardData(window, sum, w, dy, 0)
	g.point(C.CUDNN_POINTWISE_ADD, sum, g.tensor(roleAdd, imageOf(c), c.Type), dx)
}

// buildWeight accumulates by an addition behind the convolution: see doc.go.
func (g *graph) buildWeight(p Problem) {
	c := p.Conv
	x, dy, window := g.tensor(roleX, imageOf(c), c.Type), g.tensor(roleY, resultOf(c), c.Type), g.convolution(c.Stride, c.Pad)
	if p.Op == BackwardWeight16 {
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
