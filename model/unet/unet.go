// Package unet segments images: a U-Net (Ronneberger et al. 2015) whose way down is an image encoder.
//
// The feature maps of the encoder's stages and the image itself are the skip connections. A bridge of two convolutions follows the last stage; each step up doubles the sides and halves the channels, and the last one's
// pixels are those of the image. There is a logit for each class, and classes may overlap. Weights are called trunk.*, bridge.*, up.*, out.*.
package unet

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// A Net maps images [N, H, W, channels] to logits [N, H, W, classes]. It is an nn.Layer; Backward returns the gradient of the image if the pass wants it. The sides of images are multiples of Side.
type Net struct {
	trunk  *trunk.Trunk
	frozen bool
	bridge nn.Sequential
	ups    []*nn.Up
	out    nn.PerPixel
	down   *nn.Pass // of the trunk, in the pass under way
}

// colours is the number of an image's own channels.
const colours = 3

// NewNet builds a U-Net on an encoder, as trunk.New takes it, for so many classes, without memory for its weights.
func NewNet(encoder string, classes int) (*Net, error) {
	if classes < 1 {
		return nil, fmt.Errorf("%d classes: want at least 1", classes)
	}
	t, err := trunk.New(encoder, model.TrunkPrefix)
	if err != nil {
		return nil, err
	}
	c := t.Width
	n := &Net{trunk: t, bridge: block("bridge", c, c)}
	for k := range t.Stages {
		skip := colours
		if below := len(t.Stages) - 2 - k; below >= 0 {
			skip = t.Stages[below].Channels
		}
		name := fmt.Sprintf("up.%d.", k)
		n.ups = append(n.ups, &nn.Up{Enlarge: nn.NewConvTranspose(name+"up", c, c/2, 2), Block: block(name+"block", c/2+skip, c/2)})
		c /= 2
	}
	n.out = nn.PerPixel{Linear: nn.NewLinear("out", c, classes)}
	return n, nil
}

// block returns two convolutions of 3 x 3, each with its norm and a ReLU.
func block(name string, cin, cout int) nn.Sequential {
	var s nn.Sequential
	for i := range 2 {
		at := fmt.Sprintf("%s.%d.", name, i)
		s = append(s, &nn.ConvNorm{Conv: nn.NewConv(at+"conv", cin, cout, 3, 1, 1), Norm: nn.NewBatchNorm(at+"bn", cout).WithReLU()})
		cin = cout
	}
	return s
}

// Side returns what the sides of images must be a multiple of.
func (n *Net) Side() int { return n.trunk.Stages[len(n.trunk.Stages)-1].Stride }

// Classes returns how many classes there are.
func (n *Net) Classes() int { return n.out.Weight.Dims[0] }

// Forward returns the logits. They live until the pass ends.
func (n *Net) Forward(p *nn.Pass, image gpu.Tensor) gpu.Tensor {
	logits, _ := n.forward(p, image)
	return logits
}

// forward returns the logits, and the last map of the trunk.
func (n *Net) forward(p *nn.Pass, image gpu.Tensor) (logits, last gpu.Tensor) {
	image = trunk.InPassType(p, image)
	n.down = p.Branch()
	if n.frozen {
		n.down.Stats, n.down.Move, n.down.Want = nn.RunningStats, false, 0
	}
	maps := n.trunk.Maps(n.down, image)
	skips := append([]gpu.Tensor{image}, maps[:len(maps)-1]...)
	last = maps[len(maps)-1]
	x := n.bridge.Forward(p, last)
	for k, up := range n.ups {
		x = up.Forward(p, x, skips[len(skips)-1-k])
	}
	return n.out.Forward(p, x), last
}

// Backward runs the way up and the bridge backward, and the trunk unless it is frozen.
func (n *Net) Backward(p *nn.Pass, dy gpu.Tensor) gpu.Tensor {
	dy = n.out.Backward(p, dy)
	dmaps := make([]gpu.Tensor, len(n.ups)) // of the skip connections, the image's first
	for k := len(n.ups) - 1; k >= 0; k-- {
		dy, dmaps[len(n.ups)-1-k] = n.ups[k].Backward(p, dy)
	}
	dimage, dmaps := dmaps[0], append(dmaps[1:], n.bridge.Backward(p, dy))
	if n.frozen {
		for _, d := range append(dmaps, dimage) {
			p.Free(d)
		}
		return gpu.Tensor{}
	}
	dx := n.trunk.BackwardMaps(n.down, dmaps)
	if !dx.Ok() {
		p.Free(dimage)
		return dx
	}
	gpu.Add(dx, dx, dimage)
	p.Free(dimage)
	return dx
}

// Params returns the trunk's, the bridge's, those of the way up, and the last layer's.
func (n *Net) Params() []*nn.Param {
	ps := append(n.trunk.Params(), n.bridge.Params()...)
	for _, u := range n.ups {
		ps = append(ps, u.Params()...)
	}
	return append(ps, n.out.Params()...)
}

// Buffers returns the running averages in the same order.
func (n *Net) Buffers() []*nn.Buffer {
	bs := append(n.trunk.Buffers(), n.bridge.Buffers()...)
	for _, u := range n.ups {
		bs = append(bs, u.Buffers()...)
	}
	return bs
}

// Loss returns the weights of the loss: .2 of the mean cross-entropy, .8 of Dice, smoothed by 1 (Taleb et al. 2022, section 5).
func Loss() gpu.DiceBCESpec { return gpu.DiceBCESpec{BCE: .2, Dice: .8, Smooth: 1} }
