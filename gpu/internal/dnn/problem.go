package dnn

import (
	"fmt"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// Op is what a Problem computes.
type Op uint8

const (
	Forward             Op = iota // y = x * w
	BackwardData                  // dx = beta dx + the gradient of x
	BackwardWeight                // dw += the gradient of w, dw float32
	BackwardWeight16              // dw = the gradient of w, dw of the convolution's type
	ForwardStats                  // y = x * w; sum and square [K], float32: the sums over y and its squares
	NormForwardStats              // ForwardStats of relu(scale x + bias); scale and bias [C] per channel, see Problem.vectors
	NormBackwardWeight            // dw = the gradient of NormForwardStats's w, dw of the convolution's type
	NormBackwardData              // d = the gradient of NormForwardStats's relu(), where that let through; sums of d for the norm, see normGradient
	NormBackwardDataAdd           // the same of relu(norm + add), with another gradient added before the ReLU
	NormForwardAddStats           // NormForwardStats of z = relu(scale x + bias + add), which is written too
)

// Ops returns every operation.
func Ops() []Op {
	return []Op{Forward, BackwardData, BackwardWeight, BackwardWeight16, ForwardStats, NormForwardStats, NormBackwardWeight,
		NormBackwardData, NormBackwardDataAdd, NormForwardAddStats}
}

func (o Op) String() string {
	return [...]string{"forward", "backward data", "backward weight", "backward weight, unsummed", "forward + statistics", "scale-bias-ReLU, forward + statistics",
		"scale-bias-ReLU, backward weight, unsummed", "backward data + ReLU, sums of the norm", "backward data + add + ReLU, sums of the norm + add",
		"scale-bias-add-ReLU, forward + statistics"}[o]
}

// A Problem is one operation at one shape, type and precision.
type Problem struct {
	Op   Op
	Conv driver.Conv
	Beta float32 // of BackwardData
}

func (p Problem) String() string {
	c, t := p.Conv, p.Conv.Type.String()
	if c.Type == driver.F32 && c.TF32 {
		t = "tf32"
	}
	s := fmt.Sprintf("%s of x [%d, %d, %d, %d] and w [%d, %d, %d, %d], stride %d, pad %d, %s", p.Op, c.N, c.H, c.W, c.C, c.K, c.R, c.S, c.C, c.Stride, c.Pad, t)
	if p.Beta != 0 {
		s += fmt.Sprintf(", beta %g", p.Beta)
	}
	return s
}

// check refuses what is no convolution, before the library sees it.
func (p Problem) check() error {
	c := p.Conv
	for _, n := range []int{c.N, c.H, c.W, c.C, c.K, c.R, c.S, c.Stride} {
		if n < 1 {
			return fmt.Errorf("cuDNN: %s: every extent and the stride are at least 1", p)
		}
	}
	if c.Pad < 0 || c.H+2*c.Pad < c.R || c.W+2*c.Pad < c.S {
		return fmt.Errorf("cuDNN: %s: the window does not fit into the padded image", p)
	}
	if p.Beta != 0 && p.Op != BackwardData {
		return fmt.Errorf("cuDNN: %s: beta is for backward data", p)
	}
	return nil
}

// Problems returns what a device asks of the library for a pass of a convolution: what runs, and what it is timed against.
func Problems(c driver.Conv, p convolution.Pass) []Problem {
	q := func(op Op) Problem { return Problem{Op: op, Conv: c} }
	added := Problem{Op: BackwardData, Conv: c, Beta: 1}
	weights := []Problem{q(BackwardWeight)}
	if c.Type != driver.F32 {
		weights = append(weights, q(BackwardWeight16))
	}
	switch p {
	case convolution.ForwardStats:
		return []Problem{q(ForwardStats), q(Forward)}
	case convolution.NormForward:
		return []Problem{q(NormForwardStats), q(ForwardStats), q(Forward)}
	case convolution.NormAddForward:
		return []Problem{q(NormForwardAddStats), q(ForwardStats), q(Forward)}
	case convolution.Data:
		return []Problem{q(BackwardData)}
	case convolution.DataAdd:
		return []Problem{added}
	case convolution.NormData:
		return []Problem{q(NormBackwardData), q(BackwardData)}
	case convolution.NormDataAdd:
		return []Problem{q(NormBackwardDataAdd), added}
	case convolution.Weight:
		return weights
	case convolution.NormWeight:
		return append(weights, q(NormBackwardWeight))
	}
	return []Problem{q(Forward)}
}

// A role is a tensor's part in a Problem, and its id in the library's graph.
type role int64

const (
	roleX        role = 1 + iota // x or dx
	roleW                        // w or dw
	roleY                        // y or dy
	roleSum                      // of y per channel
	roleSquare                   // sum of squares
	roleScale                    // per channel of x
	roleBias                     //
	roleAdd                      // what is added: a tensor like dx, or dw as it was
	roleInput                    // of the norm before the convolution, like x
	roleInputAdd                 // what is added to the norm, like x
	roleApplied                  // what comes of both, like x
	roleMean                     // per channel of that
	roleRstd                     //
	roleGamma                    //
	roleBeta                     //
	roleDgamma                   //
	roleDbeta                    //
	roleByD                      // the gradient of the norm's input is a line: by d, by the input,
	roleByInput                  //
	roleShift                    // and a constant
	roleInner                    // the first of those that stay inside the graph
)

// roles returns the tensors of an operation that lie in memory, in the order in which run takes their addresses.
func (o Op) roles() []role {
	switch o {
	case BackwardWeight:
		return []role{roleX, roleW, roleY, roleAdd}
	case ForwardStats:
		return []role{roleX, roleW, roleY, roleSum, roleSquare}
	case NormBackwardWeight:
		return []role{roleX, roleW, roleY, roleScale, roleBias}
	case NormBackwardData:
		return []role{roleX, roleW, roleY, roleInput, roleMean, roleRstd, roleGamma, roleBeta, roleDgamma, roleDbeta, roleByD, roleByInput, roleShift}
	case NormForwardAddStats:
		return append(NormForwardStats.roles(), roleInputAdd, roleApplied)
	case NormBackwardDataAdd:
		return append(NormBackwardData.roles(), roleAdd, roleInputAdd)
	case NormForwardStats:
		return []role{roleX, roleW, roleY, roleScale, roleBias, roleSum, roleSquare}
	}
	return []role{roleX, roleW, roleY}
}

// tensors returns the roles of what lies in memory. In float32 the weight's gradient is added to by beta.
func (p Problem) tensors() []role {
	r := p.Op.roles()
	if p.Op == BackwardWeight && p.Conv.Type == driver.F32 {
		return r[:3]
	}
	return r
}
