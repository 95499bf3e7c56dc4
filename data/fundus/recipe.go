package fundus

import (
	"fmt"
	"math"
)

// Streams of Rand that are in use, so that no two purposes share draws.
const (
	StreamAugment uint32 = 1 // of one image in one epoch
	StreamOrder   uint32 = 2 // of the images of an epoch
)

// A Recipe says how an image is fitted into the square and how it is varied in training. The zero ranges
// leave a variation out.
type Recipe struct {
	Name       string
	Fit        Fit
	MinScale   float64 // least area of the random crop, as a share of the image; 0: no crop
	Ratio      float64 // the crop's aspect lies in 1/Ratio..Ratio
	Flip       float64 // probability of mirroring left and right
	Rotation   float64 // degrees to either side
	Brightness float64 // factors lie in 1-x..1+x, this and the next two
	Contrast   float64
	Saturation float64
}

// NamedRecipe returns the recipe "default" or "paper" (Taleb et al., CVPR 2022: resize, rotation, flip).
func NamedRecipe(name string) (Recipe, error) {
	switch name {
	case "", "default":
		return Recipe{Name: "default", MinScale: .5, Ratio: 4. / 3, Flip: .5, Rotation: 20, Brightness: .2, Contrast: .2, Saturation: .2}, nil
	case "paper":
		return Recipe{Name: "paper", Fit: Stretch, Flip: .5, Rotation: 20}, nil
	}
	return Recipe{}, fmt.Errorf("fundus: recipe %q is neither default nor paper", name)
}

// WorkSize returns the side in pixels at which images are best kept for augmentation to size: a quarter
// more where parts of them will be enlarged.
func (r Recipe) WorkSize(size int) int {
	if r.MinScale > 0 {
		return size + size/4
	}
	return size
}

// A variation is what was drawn for one image in one epoch.
type variation struct {
	cx, cy, cw, ch float64 // crop: centre and sides as shares of the image
	mirror         bool
	angle          float64 // radians
	brightness     float64
	contrast       float64
	saturation     float64
}

func (r Recipe) draw(g *Rand) variation {
	v := variation{cx: .5, cy: .5, cw: 1, ch: 1}
	if r.MinScale > 0 {
		v.cx, v.cy, v.cw, v.ch = r.crop(g)
	}
	v.mirror = g.Uniform(0, 1) < r.Flip
	v.angle = g.Uniform(-r.Rotation, r.Rotation) * math.Pi / 180
	v.brightness = g.Uniform(1-r.Brightness, 1+r.Brightness)
	v.contrast = g.Uniform(1-r.Contrast, 1+r.Contrast)
	v.saturation = g.Uniform(1-r.Saturation, 1+r.Saturation)
	return v
}

// crop draws as torchvision's RandomResizedCrop: area uniform, aspect log-uniform, ten attempts, then all.
func (r Recipe) crop(g *Rand) (cx, cy, cw, ch float64) {
	edge := math.Log(r.Ratio)
	for range 10 {
		area, aspect := g.Uniform(r.MinScale, 1), math.Exp(g.Uniform(-edge, edge))
		w, h := math.Sqrt(area*aspect), math.Sqrt(area/aspect)
		if w <= 1 && h <= 1 {
			return g.Uniform(w/2, 1-w/2), g.Uniform(h/2, 1-h/2), w, h
		}
	}
	return .5, .5, 1, 1
}
