package model

import (
	"fmt"

	"contig-gpu/model/nn"
)

// An architecture is a ResNet v1.5 (He et al. 2016, table 1, with the stride in the 3 x 3 convolution), with the
// layout and names of torchvision.models.resnet and without the final fc.
type architecture struct {
	blocks     [4]int // per layer
	bottleneck bool
}

// expansion is how many times wider than its inside a bottleneck block comes out.
const expansion = 4

func architectureOf(name string) (architecture, error) {
	switch name {
	case "resnet18":
		return architecture{[4]int{2, 2, 2, 2}, false}, nil
	case "resnet34":
		return architecture{[4]int{3, 4, 6, 3}, false}, nil
	case "resnet50":
		return architecture{[4]int{3, 4, 6, 3}, true}, nil
	case "resnet101":
		return architecture{[4]int{3, 4, 23, 3}, true}, nil
	}
	return architecture{}, fmt.Errorf("encoder %q: want resnet18, resnet34, resnet50 or resnet101", name)
}

// width returns the number of features.
func (a architecture) width() int {
	if a.bottleneck {
		return 512 * expansion
	}
	return 512
}

// trunk builds the encoder, [N, H, W, ImageChannels of their type] to [N, width]; its parameters' names begin with prefix.
func (a architecture) trunk(prefix string) nn.Sequential {
	s := nn.Sequential{
		nn.NewConv(prefix+"conv1", colours, 64, 7, 2, 3).Normed(), nn.NewBatchNorm(prefix+"bn1", 64).WithReLU(), &nn.MaxPool{K: 3, Stride: 2, Pad: 1},
	}
	cin := 64
	for layer, n := range a.blocks {
		width, stride := 64<<layer, 2
		if layer == 0 {
			stride = 1
		}
		for i := range n {
			block, cout := a.block(fmt.Sprintf("%slayer%d.%d.", prefix, layer+1, i), cin, width, stride)
			s, cin, stride = append(s, block), cout, 1
		}
	}
	return append(s, &nn.GlobalAvgPool{})
}

// block returns a residual block and its number of output channels.
func (a architecture) block(name string, cin, width, stride int) (*nn.Residual, int) {
	r, cout := basic(name, cin, width, stride), width
	if a.bottleneck {
		r, cout = bottleneck(name, cin, width, stride), width*expansion
	}
	if stride != 1 || cin != cout {
		r.Shortcut = nn.Sequential{nn.NewConv(name+"downsample.0", cin, cout, 1, stride, 0).Normed(), nn.NewBatchNorm(name+"downsample.1", cout)}
	}
	return r, cout
}

func basic(name string, cin, width, stride int) *nn.Residual {
	return &nn.Residual{
		Body: nn.Sequential{
			nn.NewConv(name+"conv1", cin, width, 3, stride, 1).Normed(), nn.NewBatchNorm(name+"bn1", width).WithReLU(),
			nn.NewConv(name+"conv2", width, width, 3, 1, 1).Normed(),
		},
		Norm: nn.NewBatchNorm(name+"bn2", width).WithReLU(),
	}
}

func bottleneck(name string, cin, width, stride int) *nn.Residual {
	return &nn.Residual{
		Body: nn.Sequential{
			nn.NewConv(name+"conv1", cin, width, 1, 1, 0).Normed(), nn.NewBatchNorm(name+"bn1", width).WithReLU(),
			nn.NewConv(name+"conv2", width, width, 3, stride, 1).Normed(), nn.NewBatchNorm(name+"bn2", width).WithReLU(),
			nn.NewConv(name+"conv3", width, width*expansion, 1, 1, 0).Normed(),
		},
		Norm: nn.NewBatchNorm(name+"bn3", width*expansion).WithReLU(),
	}
}
