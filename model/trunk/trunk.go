// Package trunk has the image encoders: networks of stages that turn images into features.
//
//	t, err := trunk.New("resnet50", "trunk.")
//	features := t.Forward(p, image) // [N, t.Width]
//
// A new encoder is one file that builds its stages, and one line in encoders.
package trunk

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A Trunk is an image encoder: the stem, further stages, and a pooling of the last feature map. It is an nn.Layer that maps
// images [N, H, W, Channels of their type], of the pass's type or of the parameters', to features [N, Width]. Its
// parameters carry torchvision's names behind a prefix.
type Trunk struct {
	Stages []Stage
	Pool   nn.Layer // of the last feature map to features
	Width  int      // of the features
}

// A Stage is a part of a trunk whose output is a feature map.
type Stage struct {
	Name     string // stem, layer1, ...
	Channels int    // of its feature map
	Stride   int    // pixels of the image that one of its feature map spans, in height and in width
	Layers   nn.Sequential
}

// encoders are all image encoders, by name, in the order that they are listed in.
func encoders() []encoder {
	return []encoder{
		{"resnet18", resnet{blocks: [4]int{2, 2, 2, 2}}.build},
		{"resnet34", resnet{blocks: [4]int{3, 4, 6, 3}}.build},
		{"resnet50", resnet{blocks: [4]int{3, 4, 6, 3}, bottleneck: true}.build},
		{"resnet101", resnet{blocks: [4]int{3, 4, 23, 3}, bottleneck: true}.build},
	}
}

// An encoder builds the stages of a trunk, whose parameters' names begin with prefix, and what pools the last feature map.
type encoder struct {
	name  string
	build func(prefix string) (stages []Stage, pool nn.Layer)
}

// Names lists the image encoders.
func Names() []string {
	var names []string
	for _, e := range encoders() {
		names = append(names, e.name)
	}
	return names
}

// New builds the image encoder called name, without memory for its weights.
func New(name, prefix string) (*Trunk, error) {
	all := encoders()
	i := slices.IndexFunc(all, func(e encoder) bool { return e.name == name })
	if i < 0 {
		return nil, fmt.Errorf("encoder %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	stages, pool := all[i].build(prefix)
	return &Trunk{Stages: stages, Pool: pool, Width: stages[len(stages)-1].Channels}, nil
}

// layers returns all stages and the pooling.
func (t *Trunk) layers() nn.Sequential {
	var all nn.Sequential
	for _, s := range t.Stages {
		all = append(all, s.Layers)
	}
	return append(all, t.Pool)
}

// Forward returns the features. They live until the pass is reset or finished.
func (t *Trunk) Forward(p *nn.Pass, image gpu.Tensor) gpu.Tensor {
	return t.layers().Forward(p, InPassType(p, image))
}

// Backward returns the gradient of the image, in the pass's type, if the pass wants it.
func (t *Trunk) Backward(p *nn.Pass, dy gpu.Tensor) gpu.Tensor {
	return nn.BackwardInput(p, t.layers(), dy)
}

// Params returns those of all stages.
func (t *Trunk) Params() []*nn.Param { return t.layers().Params() }

// Buffers returns those of all stages.
func (t *Trunk) Buffers() []*nn.Buffer { return t.layers().Buffers() }

// Maps is Forward up to the last stage: the feature maps of all stages [N, H / Stride, W / Stride, Channels], rounded up.
// They live until the pass is reset or, where it keeps, until BackwardMaps.
func (t *Trunk) Maps(p *nn.Pass, image gpu.Tensor) []gpu.Tensor {
	x := InPassType(p, image)
	var maps []gpu.Tensor
	for _, s := range t.Stages {
		x = s.Layers.Forward(p, x)
		maps = append(maps, x)
	}
	return maps
}

// BackwardMaps is Backward of Maps: dmaps are the gradients of what reads each map, the zero Tensor where nothing does, but
// of the last. It frees them, and returns the gradient of the image as Backward does.
func (t *Trunk) BackwardMaps(p *nn.Pass, dmaps []gpu.Tensor) gpu.Tensor {
	last := len(t.Stages) - 1
	dy := dmaps[last]
	for i := last; i > 0; i-- {
		dy = t.Stages[i].Layers.Backward(p, dy)
		if dmaps[i-1].Ok() {
			gpu.Add(dy, dy, dmaps[i-1])
			p.Free(dmaps[i-1])
		}
	}
	return nn.BackwardInput(p, t.Stages[0].Layers, dy)
}

// colours is the number of an image's own channels: red, green, blue.
const colours = 3

// Channels returns how many channels images of type dtype have: in 16 bits as many as convolutions want, those
// beyond three being zero.
func Channels(dtype gpu.DType) int {
	if dtype == nn.Master(dtype) {
		return colours
	}
	return gpu.ConvChannels(colours)
}

// InPassType returns images in the pass's type.
func InPassType(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	if x.DType() == p.DType {
		return x
	}
	y := p.New(x.Dim(0), x.Dim(1), x.Dim(2), Channels(p.DType))
	gpu.PadChannels(y, x)
	return y
}
