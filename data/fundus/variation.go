package fundus

import (
	"math"

	"contig-gpu/data"
)

// Streams of Rand that are in use, so that no two purposes share draws.
const (
	StreamAugment uint32 = 1       // of one image in one epoch
	StreamOrder   uint32 = 2       // of the images of an epoch
	StreamReplace uint32 = 3       // of what takes the place of an image that cannot be decoded
	StreamViews   uint32 = 1 << 16 // + v, of view v of one image in one epoch; the first view has StreamAugment
)

// What is drawn beyond crop, mirror, angle and colour has sections of the stream of its own (Rand.Section), so that no
// probability shifts another's draws.
const (
	sectionFlip uint32 = 1 + iota
	sectionBlur
	sectionGrey
)

// cropRatio bounds the aspect of the random crop, to 1/cropRatio..cropRatio, as in torchvision's RandomResizedCrop.
const cropRatio = 4. / 3

// WorkSize returns the side in pixels at which images are best kept for augmentation to size: a quarter
// more where parts of them will be enlarged.
func WorkSize(a data.Augmentation, size int) int {
	if a.Crops() {
		return size + size/4
	}
	return size
}

// A variation is what was drawn for one image in one epoch.
type variation struct {
	cx, cy, cw, ch float64 // crop: centre and sides as shares of the image
	mirror, flip   bool    // left and right, top and bottom
	angle          float64 // radians
	brightness     float64
	contrast       float64
	saturation     float64 // 0: grey
	sigma          float64 // of the blur, pixels; 0: none
}

// drawn returns the variation of an image that belongs to (seed, epoch, index).
func (a *Augmenter) drawn(seed uint64, epoch, index int) variation {
	stream := StreamAugment
	if a.View > 0 {
		stream = StreamViews + uint32(a.View)
	}
	return draw(a.how, NewRand(seed, stream, uint32(epoch), uint32(index)))
}

func draw(a data.Augmentation, g *Rand) variation {
	v := variation{cx: .5, cy: .5, cw: 1, ch: 1}
	if a.Crops() {
		v.cx, v.cy, v.cw, v.ch = crop(a.CropScale, g)
	}
	v.mirror = g.Uniform(0, 1) < a.FlipHorizontal
	v.angle = g.Uniform(-a.Rotation, a.Rotation) * math.Pi / 180
	v.brightness = g.Uniform(1-a.Brightness, 1+a.Brightness)
	v.contrast = g.Uniform(1-a.Contrast, 1+a.Contrast)
	v.saturation = g.Uniform(1-a.Saturation, 1+a.Saturation)
	v.flip = g.Section(sectionFlip).Uniform(0, 1) < a.FlipVertical
	if g.Section(sectionGrey).Uniform(0, 1) < a.Greyscale {
		v.saturation = 0 // of an image that was saturated before it is grey all the same: the weights of grey add up to 1
	}
	if b := g.Section(sectionBlur); b.Uniform(0, 1) < a.Blur {
		v.sigma = b.Uniform(data.LeastBlur, a.BlurSigma)
	}
	return v
}

// crop draws as torchvision's RandomResizedCrop: area uniform, aspect log-uniform, ten attempts, then all.
func crop(least float64, g *Rand) (cx, cy, cw, ch float64) {
	edge := math.Log(cropRatio)
	for range 10 {
		area, aspect := g.Uniform(least, 1), math.Exp(g.Uniform(-edge, edge))
		w, h := math.Sqrt(area*aspect), math.Sqrt(area/aspect)
		if w <= 1 && h <= 1 {
			return g.Uniform(w/2, 1-w/2), g.Uniform(h/2, 1-h/2), w, h
		}
	}
	return .5, .5, 1, 1
}
