package gpu

import "fmt"

// ConvTranspose computes y [N, k H, k W, K] of x [N, H, W, C] and w [C, k, k, K]: each pixel of x becomes a square of k x k, which do not overlap, and bias [K] is added.
//
//	y[n, k h + i, k w + j, o] = bias[o] + sum over c of x[n, h, w, c] w[c, i, j, o]
//
// As torch.nn.ConvTranspose2d with stride k and weights [C, K, k, k], whose order of elements here is that of a convolution from y to x: this is the gradient of its input, and so it is computed.
func ConvTranspose(y, x, w, bias Tensor) {
	s := transposed("ConvTranspose", y, x, w, x.DType())
	want("ConvTranspose", "bias", bias, x, vectorType(x), y.Dim(3))
	ConvBackwardData(y, x, w, s)
	AddBias(y, y, bias)
}

// ConvTransposeBackwardData computes dx, the gradient of ConvTranspose's x.
func ConvTransposeBackwardData(dx, dy, w Tensor) {
	Conv(dx, dy, w, transposed("ConvTransposeBackwardData", dy, dx, w, dx.DType()))
}

// ConvTransposeBackwardWeight adds the gradients of ConvTranspose's w and bias to dw and dbias, which are float32 where x and dy have 16 bits.
func ConvTransposeBackwardWeight(dw, dbias, dy, x Tensor) {
	s := transposed("ConvTransposeBackwardWeight", dy, x, dw, vectorType(x))
	want("ConvTransposeBackwardWeight", "dbias", dbias, x, vectorType(x), dy.Dim(3))
	ConvBackwardWeight(dw, x, dy, s)
	SumRows(dbias, dy)
}

// transposed checks shapes, and returns how the window of the convolution moves that this is the gradient of.
func transposed(op string, y, x, w Tensor, wType DType) ConvSpec {
	wantFloat(op, "x", x, 4)
	wantFloat(op, "y", y, 4)
	wantRank(op, "w", w, 4)
	k := w.Dim(1)
	if k < 1 {
		panic(fmt.Sprintf("gpu: %s: w is %s, want squares of at least 1", op, shape(w.Dims())))
	}
	want(op, "w", w, x, wType, x.Dim(3), k, k, w.Dim(3))
	want(op, "y", y, x, x.dtype, x.Dim(0), k*x.Dim(1), k*x.Dim(2), w.Dim(3))
	return ConvSpec{Stride: k}
}
