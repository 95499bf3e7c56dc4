package trunk

import (
	"fmt"

	"contig-gpu/model/nn"
)

// A resnet is a ResNet v1.5 (He et al. 2016, table 1, with the stride in the 3 x 3 convolution), with the layout and names
// of torchvision.models.resnet and without the final fc.
type resnet struct {
	blocks     [4]int // per layer
	bottleneck bool
}

// expansion is how many times wider than its inside a bottleneck block comes out.
const expansion = 4

// build returns the stem, of stride 2, layers 1 to 4, the first of which begins with the max pooling, and the average
// pooling.
func (a resnet) build(prefix string) ([]Stage, nn.Layer) {
	stages := []Stage{{Name: "stem", Channels: 64, Stride: 2, Layers: nn.Sequential{rectified(convNorm(prefix, "conv1", "bn1", colours, 64, 7, 2))}}}
	cin, stride := 64, 4
	for layer, n := range a.blocks {
		name := fmt.Sprint("layer", layer+1)
		var s nn.Sequential
		if layer == 0 {
			s = nn.Sequential{&nn.MaxPool{K: 3, Stride: 2, Pad: 1}}
		}
		for i := range n {
			step := 1
			if layer > 0 && i == 0 {
				step, stride = 2, 2*stride
			}
			block, cout := a.block(fmt.Sprintf("%s%s.%d.", prefix, name, i), cin, 64<<layer, step)
			s, cin = append(s, block), cout
		}
		stages = append(stages, Stage{Name: name, Channels: cin, Stride: stride, Layers: s})
	}
	return stages, &nn.GlobalAvgPool{}
}

// block returns a residual block of cin channels and the given width inside, and its number of output channels.
func (a resnet) block(name string, cin, width, stride int) (*nn.Residual, int) {
	r, cout := basic(name, cin, width, stride), width
	if a.bottleneck {
		r, cout = bottleneck(name, cin, width, stride), width*expansion
	}
	if stride != 1 || cin != cout {
		r.Shortcut = convNorm(name, "downsample.0", "downsample.1", cin, cout, 1, stride)
	}
	return r, cout
}

func basic(name string, cin, width, stride int) *nn.Residual {
	return &nn.Residual{
		Body: nn.Sequential{rectified(convNorm(name, "conv1", "bn1", cin, width, 3, stride))},
		Last: rectified(convNorm(name, "conv2", "bn2", width, width, 3, 1)),
	}
}

func bottleneck(name string, cin, width, stride int) *nn.Residual {
	return &nn.Residual{
		Body: nn.Sequential{
			rectified(convNorm(name, "conv1", "bn1", cin, width, 1, 1)),
			rectified(convNorm(name, "conv2", "bn2", width, width, 3, stride)),
		},
		Last: rectified(convNorm(name, "conv3", "bn3", width, width*expansion, 1, 1)),
	}
}

// convNorm returns a k x k convolution that keeps the size but for its stride, and its norm.
func convNorm(prefix, conv, norm string, cin, cout, k, stride int) *nn.ConvNorm {
	return &nn.ConvNorm{Conv: nn.NewConv(prefix+conv, cin, cout, k, stride, k/2), Norm: nn.NewBatchNorm(prefix+norm, cout)}
}

// rectified adds a ReLU to the norm.
func rectified(c *nn.ConvNorm) *nn.ConvNorm {
	c.Norm.WithReLU()
	return c
}
