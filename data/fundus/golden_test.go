package fundus

import (
	"math"
	"testing"

	"contig-gpu/gpu/gputest/golden"
)

func TestGoldenImages(t *testing.T) {
	for _, c := range golden.Cases(t, "images") {
		t.Run(c.Label(), func(t *testing.T) {
			var layout string
			if c.Attr(t, "layout", &layout); layout != "HWC" {
				t.Fatalf("layout %q", layout)
			}
			compareImages(t, c.Tensor(t, "input"), c.Tensor(t, "resized"), c.Tensor(t, "normalised"))
		})
	}
}

// compareImages resizes in, which may miss want by one grey level on fewer than 1 % of the values, and normalises want.
func compareImages(t *testing.T, in, want, normalised golden.Tensor) {
	resized := pixels(want)
	got := Resize(&RGB{W: in.Dims[1], H: in.Dims[0], Pix: pixels(in)}, want.Dims[1], want.Dims[0])
	if len(got.Pix) != len(resized) {
		t.Fatalf("%d values, want %d", len(got.Pix), len(resized))
	}
	differ := 0
	for i, v := range got.Pix {
		d := int(v) - int(resized[i])
		if d < -1 || d > 1 {
			t.Fatalf("value %d is %d, want %d", i, v, resized[i])
		}
		differ += d * d
	}
	t.Logf("%d of %d values differ, by 1", differ, len(got.Pix))
	if differ*100 >= len(got.Pix) {
		t.Errorf("%d of %d values differ", differ, len(got.Pix))
	}
	out := make([]float32, len(resized))
	Normalise(out, resized)
	for i, v := range out {
		if w := normalised.Data[i]; math.Abs(float64(v)-w) > 1e-6 {
			t.Fatalf("normalised value %d is %v, want %v", i, v, w)
		}
	}
}

func pixels(x golden.Tensor) []byte {
	b := make([]byte, len(x.Data))
	for i, v := range x.Data {
		b[i] = byte(v)
	}
	return b
}
