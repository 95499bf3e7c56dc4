package explain

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A Tower is a network cut behind its first layer, which is linear: along a straight path of inputs the values behind it lie
// on a straight path too. It shares the network's parameters; ReLUs are layers of their own.
type Tower struct {
	First *nn.Linear
	Rest  nn.Sequential
}

// NewTower cuts a network. It panics unless the first layer is a Linear.
func NewTower(s nn.Sequential) Tower {
	cut := nn.Unfused(s)
	if len(cut) > 0 {
		if first, ok := cut[0].(*nn.Linear); ok {
			return Tower{First: first, Rest: cut[1:]}
		}
	}
	panic(fmt.Sprintf("explain: NewTower: a network of %d layers does not begin with a Linear", len(s)))
}

// Features returns the number of inputs F, and Width that of values behind the first layer H.
func (t Tower) Features() int { return t.First.Weight.Dims[1] }

// Width returns the number of values behind the first layer.
func (t Tower) Width() int { return t.First.Weight.Dims[0] }

// Enter computes h [R, H] of inputs x [R, F].
func (t Tower) Enter(h, x gpu.Tensor) {
	gpu.MatMulBias(h, x, t.First.Weight.Value, false, true, t.First.Bias.Value, false)
}

// Leave computes the gradients dx [R, F] of inputs from those of the values behind the first layer, dh [R, H].
func (t Tower) Leave(dx, dh gpu.Tensor) {
	gpu.MatMul(dx, dh, t.First.Weight.Value, false, false, 0)
}
