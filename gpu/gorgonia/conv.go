//go:build gorgonia && linux && cgo

package gorgonia

import (
	"fmt"

	cudnn "gorgonia.org/cu/dnn"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// A conv describes a convolution to cuDNN, with an algorithm for each of its three passes that gives the same bits
// every time. cu/dnn cannot choose: FindConvolutionForwardAlgorithm and its like always panic.
type conv struct {
	x, y    *cudnn.TensorDescriptor
	w       *cudnn.Filter
	c       *cudnn.Convolution
	forward cudnn.ConvolutionFwdAlgo
	room    [convolution.Passes]int // bytes of scratch of each pass
}

// The gradients' deterministic algorithms that know NHWC. ALGO_0 and ALGO_3 add up in any order.
const (
	dataAlgorithm   = cudnn.ConvolutionBwdDataAlgo1
	weightAlgorithm = cudnn.ConvolutionBwdFilterAlgo1
)

// forwardAlgorithms are tried in this order: the faster one first.
func forwardAlgorithms() []cudnn.ConvolutionFwdAlgo {
	return []cudnn.ConvolutionFwdAlgo{cudnn.ConvolutionFwdAlgoImplicitPrecompGemm, cudnn.ConvolutionFwdAlgoImplicitGemm}
}

// conv returns the description of c, made once; nil after a failure. cu/dnn never gives a filter's descriptor back:
// there is one for every shape.
func (d *Device) conv(c driver.Conv) *conv {
	if v := d.convs[c]; v != nil {
		return v
	}
	if !d.ready() || !d.float32s("convolution", c.Type) {
		return nil
	}
	v := &conv{}
	err := v.describe(c)
	if err == nil {
		err = v.choose(d.dnn)
	}
	if err != nil {
		d.Fail(fmt.Errorf("%s: convolution of [%d, %d, %d, %d] by [%d, %d, %d, %d], stride %d, padding %d: %w", d.name,
			c.N, c.H, c.W, c.C, c.K, c.R, c.S, c.C, c.Stride, c.Pad, err))
		return nil
	}
	d.convs[c] = v
	return v
}

func (v *conv) describe(c driver.Conv) (err error) {
	if v.x, err = tensor(cudnn.NHWC, c.N, c.C, c.H, c.W); err != nil {
		return err
	}
	if v.y, err = tensor(cudnn.NHWC, c.N, c.K, c.OH(), c.OW()); err != nil {
		return err
	}
	if v.w, err = cudnn.NewFilter(cudnn.Float, cudnn.NHWC, []int{c.K, c.C, c.R, c.S}); err != nil {
		return explain("cudnnSetFilter4dDescriptor", err)
	}
	math := cudnn.FmaMath
	if c.TF32 {
		math = cudnn.DefaultMath // which rounds float32 inputs to TF32 from compute capability 8.0 on
	}
	v.c, err = cudnn.NewConvolution(math, 1, []int{c.Pad, c.Pad}, []int{c.Stride, c.Stride}, []int{1, 1}, cudnn.CrossCorrelation, cudnn.Float)
	return explain("cudnnSetConvolution2dDescriptor", err)
}

// choose takes the first forward algorithm that cuDNN has for the shape, and finds out what the passes need.
func (v *conv) choose(h *cudnn.Context) (err error) {
	for _, a := range forwardAlgorithms() {
		if v.room[convolution.Forward], err = v.forwardScratch(h, a); err == nil {
			v.forward = a
			break
		}
	}
	if err == nil {
		v.room[convolution.Data], err = v.dataScratch(h)
		v.room[convolution.DataAdd] = v.room[convolution.Data]
	}
	if err == nil {
		v.room[convolution.Weight], err = v.weightScratch(h)
	}
	return err
}

// ConvScratch returns the bytes that a pass takes of the scratch memory set by SetScratch.
func (d *Device) ConvScratch(c driver.Conv, p convolution.Pass) int {
	if v := d.conv(c); v != nil {
		return v.room[p]
	}
	return 0
}

// SetScratch gives the convolutions memory to work in.
func (d *Device) SetScratch(p driver.Ptr, bytes int) { d.scratch, d.room = p, bytes }

// prepare returns c's description if its pass can run.
func (d *Device) prepare(c driver.Conv, pass convolution.Pass) *conv {
	v := d.conv(c)
	if v == nil || !d.ready() {
		return nil
	}
	if v.room[pass] > d.room {
		d.Fail(fmt.Errorf("%s: a convolution needs %d bytes of scratch memory and has %d", d.name, v.room[pass], d.room))
		return nil
	}
	return v
}

// ConvForward queues y = x * w.
func (d *Device) ConvForward(c driver.Conv, y, x, w driver.Ptr) {
	if v := d.prepare(c, convolution.Forward); v != nil {
		d.queued("convolution", explain("cudnnConvolutionForward", d.dnn.ConvolutionForward(1, v.x, memory(x), v.w, memory(w), v.c, v.forward,
			memory(d.scratch), uintptr(d.room), 0, v.y, memory(y))))
	}
}

// ConvBackwardData queues dx = beta dx + the gradient of x.
func (d *Device) ConvBackwardData(c driver.Conv, dx, dy, w driver.Ptr, beta float32) {
	if v := d.prepare(c, convolution.Data); v != nil {
		d.queued("convolution", explain("cudnnConvolutionBackwardData", d.dnn.ConvolutionBackwardData(1, v.w, memory(w), v.y, memory(dy), v.c,
			dataAlgorithm, memory(d.scratch), uintptr(d.room), float64(beta), v.x, memory(dx))))
	}
}

// ConvBackwardWeight queues dw += the gradient of w.
func (d *Device) ConvBackwardWeight(c driver.Conv, dw, dy, x driver.Ptr) {
	if v := d.prepare(c, convolution.Weight); v != nil {
		d.queued("convolution", explain("cudnnConvolutionBackwardFilter", d.dnn.ConvolutionBackwardFilter(1, v.x, memory(x), v.y, memory(dy), v.c,
			weightAlgorithm, memory(d.scratch), uintptr(d.room), 1, v.w, memory(dw))))
	}
}
