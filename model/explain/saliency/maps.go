package saliency

import (
	"context"

	"contig-gpu/gpu"
)

// A Map has a value for each place of a grid over an image.
type Map struct {
	Height, Width int
	V             []float64 // [Height, Width]
}

// NewMap returns a map of zeros.
func NewMap(height, width int) *Map { return &Map{height, width, make([]float64, height*width)} }

// Resize returns the map at another size, by bilinear interpolation between the centres of its places.
func (m *Map) Resize(height, width int) *Map {
	out := NewMap(height, width)
	for y := range height {
		y0, y1, fy := between(y, height, m.Height)
		for x := range width {
			x0, x1, fx := between(x, width, m.Width)
			top := (1-fx)*m.at(y0, x0) + fx*m.at(y0, x1)
			bottom := (1-fx)*m.at(y1, x0) + fx*m.at(y1, x1)
			out.V[y*width+x] = (1-fy)*top + fy*bottom
		}
	}
	return out
}

func (m *Map) at(y, x int) float64 { return m.V[y*m.Width+x] }

// between returns the places of a side of n that the centre of place i of a side of size lies between, and its share of the
// second. Beyond the outer centres it is the outer place's.
func between(i, size, n int) (lo, hi int, share float64) {
	at := max(0, (float64(i)+.5)*float64(n)/float64(size)-.5)
	lo = min(int(at), n-1)
	return lo, min(lo+1, n-1), at - float64(lo)
}

// A CAM is a map of a stage's places.
type CAM struct {
	*Map
	Value float64 // the score of the image
}

// GradCAM returns, for each place of a stage's feature map, the sum over channels of activation times the channel's mean
// gradient (Selvaraju et al. 2017), of sign times the score: with sign -1, of what makes a loss smaller. Positive returns
// what speaks for it.
func (m *Images) GradCAM(image []float64, s Score, stage int, sign float64) (*CAM, error) {
	gpu.Write(m.rows(1), image)
	value, maps, dmaps := m.split(stage, s)
	act, grad := read(maps), read(dmaps)
	if err := m.o.Device.Sync(); err != nil {
		return nil, err
	}
	out := &CAM{NewMap(maps.Dim(1), maps.Dim(2)), value[0]}
	channels := maps.Dim(3)
	for c := range channels {
		mean := 0.0
		for i := range out.V {
			mean += grad[i*channels+c]
		}
		mean *= sign / float64(len(out.V))
		for i := range out.V {
			out.V[i] += mean * act[i*channels+c]
		}
	}
	return out, nil
}

func read(t gpu.Tensor) []float64 {
	v := make([]float64, t.Len())
	gpu.Read(v, t)
	return v
}

// Positive returns the map with 0 in place of what is negative.
func (m *Map) Positive() *Map {
	out := NewMap(m.Height, m.Width)
	for i, v := range m.V {
		out.V[i] = max(0, v)
	}
	return out
}

// A Window covers a square of size x size pixels. Windows stand stride pixels apart, the last of a row or column reaching the
// border or beyond it, where it is cut off.
type Window struct{ Size, Stride int }

// places returns how many windows stand along a side.
func (w Window) places(side int) int { return max(0, (side-w.Size+w.Stride-1)/w.Stride) + 1 }

// span returns the pixels that window i covers of a side.
func (w Window) span(i, side int) (lo, hi int) { return i * w.Stride, min(i*w.Stride+w.Size, side) }

// A Filling writes what a window's pixels [y0, y1) x [x0, x1) become to an image [height, width, 3].
type Filling func(image []float64, height, width, y0, x0, y1, x1 int)

// Value fills with one value of all colours: 0 is the mean colour of all images that the network was made for.
func Value(v float64) Filling {
	return func(image []float64, _, width, y0, x0, y1, x1 int) {
		for y := y0; y < y1; y++ {
			for i := colours * (y*width + x0); i < colours*(y*width+x1); i++ {
				image[i] = v
			}
		}
	}
}

// Surroundings fills with what lies around the window: half the straight line from the pixel left of it to the one right of it, half that from above to below.
// A window beside the border goes on with the pixel that it has. So what stood in the window is gone, and no edge comes that the image does not have,
// which a network would see as well as what is gone.
func Surroundings(image []float64, height, width, y0, x0, y1, x1 int) {
	line := func(lo, hi float64, hasLo, hasHi bool, share float64) float64 {
		switch {
		case hasLo && hasHi:
			return lo + share*(hi-lo)
		case hasHi:
			return hi
		}
		return lo
	}
	at := func(y, x, c int) float64 { return image[colours*(y*width+x)+c] }
	left, right, above, below := x0 > 0, x1 < width, y0 > 0, y1 < height
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			for c := range colours {
				sum, n := 0.0, 0.0
				if left || right {
					sum, n = sum+line(at(y, max(0, x0-1), c), at(y, min(width-1, x1), c), left, right, float64(x-x0+1)/float64(x1-x0+1)), n+1
				}
				if above || below {
					sum, n = sum+line(at(max(0, y0-1), x, c), at(min(height-1, y1), x, c), above, below, float64(y-y0+1)/float64(y1-y0+1)), n+1
				}
				image[colours*(y*width+x)+c] = sum / max(1, n)
			}
		}
	}
}

// Occlusion returns, for each place of a window, by how much the score falls when the window is filled: positive where the pixels
// raise the score.
func (m *Images) Occlusion(ctx context.Context, image []float64, s Score, w Window, fill Filling) (*CAM, error) {
	whole, err := m.scores(ctx, s, [][]float64{image})
	if err != nil {
		return nil, err
	}
	height, width := m.o.Height, m.o.Width
	out := &CAM{NewMap(w.places(height), w.places(width)), whole[0]}
	cover := func(i int, x []float64) {
		copy(x, image)
		y0, y1 := w.span(i/out.Width, height)
		x0, x1 := w.span(i%out.Width, width)
		fill(x, height, width, y0, x0, y1, x1)
	}
	err = m.sweep(ctx, s, len(out.V), false, cover, func(i int, v float64, _ []float64) { out.V[i] = whole[0] - v })
	return out, err
}

// each calls f with every pixel that window i, of those that stand across in a row, covers.
func (w Window) each(i, across, height, width int, f func(pixel int)) {
	y0, y1 := w.span(i/across, height)
	x0, x1 := w.span(i%across, width)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			f(y*width + x)
		}
	}
}

// Pixels returns a map by pixel of one by windows: the mean over the windows that cover a pixel.
func (w Window) Pixels(m *Map, height, width int) *Map {
	out, count := NewMap(height, width), make([]float64, height*width)
	for i, v := range m.V {
		w.each(i, m.Width, height, width, func(pixel int) {
			out.V[pixel] += v
			count[pixel]++
		})
	}
	for i, n := range count {
		out.V[i] /= n
	}
	return out
}
