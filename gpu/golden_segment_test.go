package gpu_test

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestGoldenSegment holds transposed convolutions and the loss of masks to PyTorch. Whole U-Nets are model/unet's.
func TestGoldenSegment(t *testing.T) {
	ops, found := map[string]func(*bench){"conv_transpose2d": goldenConvTranspose, "segmentation_loss": goldenDiceBCE}, map[string]bool{}
	forEach(t, "segment", func(b *bench) {
		op := b.string("op")
		f, ok := ops[op]
		if ok {
			found[op] = true
			f(b)
		} else if op != "unet" {
			b.Errorf("the operation %q is not known", op)
		}
	})
	if len(found) != len(ops) && !t.Failed() {
		t.Errorf("of the operations only %v have cases", found)
	}
}

func goldenConvTranspose(b *bench) {
	x, w, dy := b.get("x"), b.get("w"), b.get("dy") // [in, out, 2, 2] becomes [in, 2, 2, out]
	bias := gputest.Put(b.a, b.d, b.c.Tensor(b.T, "bias").Data, w.Dim(3))
	if s := b.int("stride"); s != w.Dim(1) {
		b.Fatalf("stride %d of squares of %d", s, w.Dim(1))
	}
	y, dx, dw, dbias := b.like(dy), b.like(x), b.zeros(w), b.zeros(bias)
	gpu.ConvTranspose(y, x, w, bias)
	gpu.ConvTransposeBackwardData(dx, dy, w)
	gpu.ConvTransposeBackwardWeight(dw, dbias, dy, x)
	b.same("y", y)
	b.same("dx", dx)
	b.same("dw", dw)
	b.same("dbias", dbias)
}

func goldenDiceBCE(b *bench) {
	x, m := b.get("logits"), b.c.Tensor(b.T, "mask").NHWC()
	mask, known := gputest.Put(b.a, b.d, m.Data, m.Dims...), b.a.New(gpu.U8, m.Dims...)
	gpu.Fill(known, 1)
	out, dx, scale := b.a.New(b.d, 4), b.like(x), gputest.Put(b.a, b.d, []float64{1}, 1)
	gpu.DiceBCE(out, dx, x, mask, known, scale, gpu.DiceBCESpec{BCE: .2, Dice: .8, Smooth: 1})
	for i, want := range []float64{b.float("loss"), b.float("bce"), b.float("dice"), float64(x.Dim(0))} {
		gputest.Close(b.T, fmt.Sprintf("out[%d]", i), gputest.Values(out)[i:i+1], []float64{want}, gputest.GoldenTol(b.d, true))
	}
	b.same("dlogits", dx)
}
