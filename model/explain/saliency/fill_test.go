package saliency

import (
	"math"
	"slices"
	"testing"
)

// TestSurroundings: a window in a plane of straight slopes is the plane, whatever stood in it; of an image of one colour with a spot nothing stays, at its borders too,
// and over all of it the mean colour does; no other pixel changes.
func TestSurroundings(t *testing.T) {
	const h, w = 7, 9
	slope := func(i int) float64 { return 2*float64(i/colours%w) - float64(i/colours/w) + 10*float64(i%colours) }
	flat := func(i int) float64 { return 3 + float64(i%colours) }
	for _, c := range []struct {
		name           string
		y0, x0, y1, x1 int
		of             func(int) float64
	}{
		{"inside of a slope", 2, 3, 5, 8, slope}, {"one pixel of a slope", 3, 3, 4, 4, slope}, {"corner", 0, 0, 3, 4, flat}, {"other corner", 4, 6, 7, 9, flat}, {"a whole row", 2, 0, 4, 9, flat}, {"a whole column", 0, 2, 7, 5, flat},
	} {
		x := make([]float64, h*w*colours)
		for i := range x {
			x[i] = c.of(i)
		}
		for y := c.y0; y < c.y1; y++ {
			for i := colours * (y*w + c.x0); i < colours*(y*w+c.x1); i++ {
				x[i] = 1000
			}
		}
		Surroundings(x, h, w, c.y0, c.x0, c.y1, c.x1)
		for i, v := range x {
			if math.Abs(v-c.of(i)) > 1e-12 {
				t.Errorf("%s: value %d is %v, want %v", c.name, i, v, c.of(i))
				break
			}
		}
	}
	all := slices.Repeat([]float64{7}, h*w*colours)
	Surroundings(all, h, w, 0, 0, h, w)
	for i, v := range all {
		if v != 0 { // the mean colour: there is nothing around
			t.Fatalf("a window over all of the image: value %d is %v, want 0", i, v)
		}
	}
}
