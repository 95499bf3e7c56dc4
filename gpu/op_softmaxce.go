package gpu

import (
	"contig-gpu/kernels"
	"math"
)

// SoftmaxCrossEntropy computes the mean over rows of -log softmax(x)[label] for logits x [N, K] and labels [N] (I32):
// loss [2] = {mean, number of rows counted}. Rows whose label is -1 do not count; with none the loss is 0. Any other
// label outside [0, K) makes the loss NaN and its row's gradient 0. dx (of x's type; optional, with scale) is the
// gradient of the mean times scale [1]. loss and scale are of the vector type, sums in float32 on a GPU, float64 else.
// As torch.nn.functional.cross_entropy with ignore_index -1.
func SoftmaxCrossEntropy(loss, dx, x, labels, scale Tensor) {
	wantFloat("SoftmaxCrossEntropy", "x", x, 2)
	want("SoftmaxCrossEntropy", "loss", loss, x, vectorType(x), 2)
	want("SoftmaxCrossEntropy", "labels", labels, x, I32, x.Dim(0))
	wantOptional("SoftmaxCrossEntropy", "dx", dx, x)
	if dx.Ok() {
		want("SoftmaxCrossEntropy", "scale", scale, x, vectorType(x), 1)
	}
	compute(x, func() { softmaxCE[float32](loss, dx, x, labels, scale) }, func() { softmaxCE[float64](loss, dx, x, labels, scale) },
		func(c *gpu) { c.softmaxCrossEntropy(loss, dx, x, labels, scale) })
}

func softmaxCE[F Float](tl, tdx, tx, labels, scale Tensor) {
	x, dx, label, k := host[F](tx), host[F](tdx), host[int32](labels), tx.Dim(1)
	losses, counted := make([]float64, len(label)), 0
	for _, l := range label {
		if l != -1 {
			counted++
		}
	}
	share := 0.0
	if dx != nil && counted > 0 {
		share = float64(host[F](scale)[0]) / float64(counted)
	}
	cut(tx.dev, len(label), rowsPer(k), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			losses[r] = softmaxCERow(part(dx, r*k, (r+1)*k), x[r*k:(r+1)*k], int(label[r]), share)
		}
	})
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	loss := host[F](tl)
	loss[0], loss[1] = F(sum/float64(max(1, counted))), F(counted)
}

// softmaxCERow returns a row's loss and writes its gradient times share. The label's gradient is minus the share of all
// others, which keeps its digits where the softmax is near 1.
func softmaxCERow[F Float](dx, x []F, label int, share float64) float64 {
	if label < 0 || label >= len(x) {
		clear(dx)
		if label == -1 {
			return 0
		}
		return math.NaN()
	}
	top, rest := math.Inf(-1), 0.0
	for _, v := range x {
		top = math.Max(top, float64(v))
	}
	for c, v := range x {
		if c != label {
			rest += math.Exp(float64(v) - top)
		}
	}
	own := float64(x[label]) - top
	sum := rest + math.Exp(own)
	for c := range dx {
		dx[c] = F(share * math.Exp(float64(x[c])-top) / sum)
	}
	if dx != nil {
		dx[label] = F(-share * rest / sum)
	}
	return math.Log(sum) - own
}

func (c *gpu) softmaxCrossEntropy(loss, dx, x, labels, scale Tensor) {
	n, k := x.Dim(0), x.Dim(1)
	rows := aligned(16 * n)
	work := c.scratch(rows + 4*n)
	launch(c, "softmaxce_forward", x.dtype, c.rowGrid(n), &kernels.SoftmaxceForward{Rows: uint64(work), Losses: uint64(work.Add(rows)),
		X: x.ptr(), Labels: labels.ptr(), N: int32(n), K: int32(k)}, x)
	launch(c, "softmaxce_finish", F32, oneBlock(), &kernels.SoftmaxceFinish{Loss: loss.ptr(), Losses: uint64(work.Add(rows)), Labels: labels.ptr(), N: int32(n)})
	if dx.Ok() {
		launch(c, "softmaxce_backward", x.dtype, c.rowGrid(n), &kernels.SoftmaxceBackward{Dx: dx.ptr(), X: x.ptr(), Rows: uint64(work),
			Loss: loss.ptr(), Scale: scale.ptr(), N: int32(n), K: int32(k)}, dx, x)
	}
}
