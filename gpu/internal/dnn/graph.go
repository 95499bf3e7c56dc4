//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import "contig-gpu/gpu/internal/driver"

// A target is what plans are made for: a GPU that a handle is open on, or one that a descriptor describes.
type target struct {
	handle C.cudnnHandle_t
	gpu    desc
}

// attribute tells a descriptor the target, by the attribute for a handle or the one for a description of a GPU.
func (t target) attribute(handle, gpu C.cudnnBackendAttributeName_t) attribute {
	if t.gpu != nil {
		return descs(gpu, t.gpu)
	}
	if handle == none {
		return attribute{}
	}
	return valuesOf(handle, C.CUDNN_TYPE_HANDLE, []C.cudnnHandle_t{t.handle})
}

// none stands where a descriptor has no such attribute.
const none = ^C.cudnnBackendAttributeName_t(0)

// A graph is a set of operations on tensors. It owns all descriptors that are made from it.
type graph struct {
	scope
	ops    []desc
	inside role // tensors that stay inside, so far
	whole  desc
}

// dims are extents in the library's order: batch, channels, height, width.
type dims [4]int

func typeOf(t driver.Type) int32 {
	return [...]int32{driver.F32: C.CUDNN_DATA_FLOAT, driver.BF16: C.CUDNN_DATA_BFLOAT16, driver.F16: C.CUDNN_DATA_HALF}[t]
}

// alignment of every tensor, bytes. 16-byte loads are what the fast engines want.
const alignment = 16

// tensor describes a dense tensor with the channels innermost, which lies at the address given for its role.
func (g *graph) tensor(r role, d dims, t driver.Type) desc { return g.describe(r, d, t) }

// within describes a tensor that stays inside the graph.
func (g *graph) within(d dims, t driver.Type) desc {
	g.inside++
	return g.describe(roleInner+g.inside, d, t, yes(C.CUDNN_ATTR_TENSOR_IS_VIRTUAL))
}

func (g *graph) describe(r role, d dims, t driver.Type, more ...attribute) desc {
	n, c, h, w := int64(d[0]), int64(d[1]), int64(d[2]), int64(d[3])
	return g.make("a tensor", C.CUDNN_BACKEND_TENSOR_DESCRIPTOR, append([]attribute{
		dataType(C.CUDNN_ATTR_TENSOR_DATA_TYPE, typeOf(t)), ints(C.CUDNN_ATTR_TENSOR_DIMENSIONS, n, c, h, w),
		ints(C.CUDNN_ATTR_TENSOR_STRIDES, h*w*c, 1, w*c, c), ints(C.CUDNN_ATTR_TENSOR_UNIQUE_ID, int64(r)),
		ints(C.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment)}, more...)...)
}

// convolution describes how the window moves; sums are float32.
func (g *graph) convolution(stride, pad int) desc {
	s, p := int64(stride), int64(pad)
	return g.make("a convolution", C.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
		dataType(C.CUDNN_ATTR_CONVOLUTION_COMP_TYPE, C.CUDNN_DATA_FLOAT),
		enum(C.CUDNN_ATTR_CONVOLUTION_CONV_MODE, C.CUDNN_TYPE_CONVOLUTION_MODE, C.CUDNN_CROSS_CORRELATION),
		ints(C.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2), ints(C.CUDNN_ATTR_CONVOLUTION_DILATIONS, 1, 1),
		ints(C.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, s, s),
		ints(C.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, p, p), ints(C.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, p, p))
}

func (g *graph) add(op desc) { g.ops = append(g.ops, op) }

// forward adds y = x * w.
func (g *graph) forward(window, x, w, y desc) {
	g.add(g.make("the convolution", C.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
		float(C.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1), float(C.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0),
		descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, window), descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w),
		descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x), descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y)))
}

// backwardData adds dx = beta dx + the gradient of x.
func (g *graph) backwardData(window, dx, w, dy desc, beta float32) {
	g.add(g.make("the gradient of x", C.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
		float(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1), float(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, beta),
		descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, window), descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, w),
		descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, dx), descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, dy)))
}

// backwardWeight adds dw = beta dw + the gradient of w.
func (g *graph) backwardWeight(window, x, dw, dy desc, beta float32) {
	g.add(g.make("the gradient of w", C.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
		float(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1), float(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, beta),
		descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, window), descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, dw),
		descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, x), descs(C.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, dy)))
}

// point adds y = x op b element by element, in float32; b is broadcast, and nil for ReLU.
func (g *graph) point(mode int32, x, b, y desc) {
	how := g.make("an element-wise operation", C.CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
		enum(C.CUDNN_ATTR_POINTWISE_MODE, C.CUDNN_TYPE_POINTWISE_MODE, mode), dataType(C.CUDNN_ATTR_POINTWISE_MATH_PREC, C.CUDNN_DATA_FLOAT))
	a := []attribute{descs(C.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how), descs(C.CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x),
		descs(C.CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y)}
	if b != nil {
		a = append(a, descs(C.CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b))
	}
	g.add(g.make("the element-wise operation", C.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, a...))
}

// rectifyBack adds dx = dy where z is above 0, else 0.
func (g *graph) rectifyBack(dy, z, dx desc) {
	how := g.make("a ReLU's gradient", C.CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
		enum(C.CUDNN_ATTR_POINTWISE_MODE, C.CUDNN_TYPE_POINTWISE_MODE, C.CUDNN_POINTWISE_RELU_BWD), dataType(C.CUDNN_ATTR_POINTWISE_MATH_PREC, C.CUDNN_DATA_FLOAT))
	g.add(g.make("the ReLU's gradient", C.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, descs(C.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how),
		descs(C.CUDNN_ATTR_OPERATION_POINTWISE_XDESC, z), descs(C.CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, dy), descs(C.CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, dx)))
}

// normGradient adds the gradient of a norm's parameters, from d, that of its result, and x, its input; and the line that the gradient
// of x is: byD d + byX x + shift.
func (g *graph) normGradient(d, x, mean, rstd, gamma, dgamma, dbeta, byD, byX, shift desc) {
	g.add(g.make("the norm's gradient", C.CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR,
		dataType(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC, C.CUDNN_DATA_FLOAT),
		descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC, mean), descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC, rstd),
		descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC, gamma), descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC, x),
		descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC, d), descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC, dgamma),
		descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC, dbeta), descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC, byD),
		descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC, byX), descs(C.CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS, shift)))
}

// statistics adds the sum and the sum of squares of y per channel.
func (g *graph) statistics(y, sum, square desc) {
	g.add(g.make("the statistics", C.CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR,
		enum(C.CUDNN_ATTR_OPERATION_GENSTATS_MODE, C.CUDNN_TYPE_GENSTATS_MODE, C.CUDNN_GENSTATS_SUM_SQSUM),
		dataType(C.CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, C.CUDNN_DATA_FLOAT), descs(C.CUDNN_ATTR_OPERATION_GENSTATS_XDESC, y),
		descs(C.CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, sum), descs(C.CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, square)))
}

// finish makes the graph of the operations.
func (g *graph) finish(t target) {
	a := []attribute{descs(C.CUDNN_ATTR_OPERATIONGRAPH_OPS, g.ops...)}
	if t.gpu == nil {
		a = append(a, valuesOf(C.CUDNN_ATTR_OPERATIONGRAPH_HANDLE, C.CUDNN_TYPE_HANDLE, []C.cudnnHandle_t{t.handle}))
	}
	g.whole = g.make("the operation graph", C.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, a...)
}
