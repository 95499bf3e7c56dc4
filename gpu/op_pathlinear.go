package gpu

import (
	"fmt"
	"math"
	"slices"

	"contig-gpu/gpu/internal/cpukern"
)

// A Path is P straight lines of inputs of H ReLUs, and the places on them that count, its nodes: at node k those of line p are
// Start[p] + At[k] Step[p]. Behind the ReLUs lies a linear layer of N columns.
type Path struct {
	Start, Step Tensor // [P, H]
	At          Tensor // [K], ascending
	W           Tensor // PathDims(H, N): see PathWeights
}

// Paths reports whether the device computes PathLinear and PathLinearBackward: the CPU does. Their work hardly depends on the
// number of nodes, where that of a MatMul of all nodes' rows is in proportion to it.
func (d *Device) Paths() bool { return d.threads() > 0 }

// PathDims returns the dims of Path.W for weights [H, N], and PathWeights its elements: tiles of columns, zeros behind the last.
func PathDims(h, n int) []int {
	return []int{(n + cpukern.PathCols - 1) / cpukern.PathCols, h, cpukern.PathCols}
}

// PathWeights returns the elements of Path.W for weights [H, N].
func PathWeights(w []float64, n int) []float64 {
	const cols = cpukern.PathCols
	h := len(w) / n
	tiles := make([]float64, (n+cols-1)/cols*h*cols)
	for i, v := range w {
		j, c := i/n, i%n
		tiles[(c/cols*h+j)*cols+c%cols] = v
	}
	return tiles
}

// PathLinear computes y [K, P, N] = relu(Start + At Step) W + bias [N], and the ReLU of that if asked for. All are float32, or
// float64, on a device that Paths says does. A unit passes 0 once at most on its way, so that c and d of
//
//	sum over the units that are on at node k of (Start_j + At_k Step_j) W_j = c + At_k d
//
// change by the rows W_j of the few units that switch before the node, and all nodes take two rows of W for every unit at most.
func PathLinear(y Tensor, p Path, bias Tensor, relu bool) {
	const op = "PathLinear"
	p.check(op, y)
	want(op, "bias", bias, y, y.dtype, y.Dim(2))
	computeCounted(y, func() { pathLinear[float32](y, p, bias, relu) }, func() { pathLinear[float64](y, p, bias, relu) }, nil)
}

// PathLinearBackward computes du [P, H] of dy [K, P, N]: the gradients by the inputs of the ReLUs at all nodes, summed by weight
// [K]; dy counts where y > 0 if y is PathLinear's with its ReLU, everywhere if not. As a unit is on from a node on or up to one,
//
//	du_j = W_j . (sum over the nodes where j is on of weight_k dy_k)
//
// takes one of the sums from the first node, or to the last, and one row of W for every unit.
func PathLinearBackward(du, dy, y, weight Tensor, p Path, relu bool) {
	const op = "PathLinearBackward"
	p.check(op, dy)
	wantLike(op, "y", y, dy)
	want(op, "weight", weight, dy, dy.dtype, dy.Dim(0))
	wantLike(op, "du", du, p.Start)
	computeCounted(dy, func() { pathLinearBackward[float32](du, dy, y, weight, p, relu) },
		func() { pathLinearBackward[float64](du, dy, y, weight, p, relu) }, nil)
}

// check panics unless p leads to y.
func (p Path) check(op string, y Tensor) {
	wantFloat(op, "y or dy", y, 3)
	if !y.dev.Paths() || y.dtype != vectorType(y) {
		panic(fmt.Sprintf("gpu: %s of %v on %s, which has none", op, y.dtype, y.dev.Name()))
	}
	wantRank(op, "Start", p.Start, 2)
	nodes, lines, n, h := y.Dim(0), y.Dim(1), y.Dim(2), p.Start.Dim(1)
	want(op, "Start", p.Start, y, y.dtype, lines, h)
	want(op, "Step", p.Step, y, y.dtype, lines, h)
	want(op, "At", p.At, y, y.dtype, nodes)
	want(op, "W", p.W, y, y.dtype, PathDims(h, n)...)
	if nodes*h*n == 0 {
		panic(fmt.Sprintf("gpu: %s: %d nodes, %d units, %d columns: want some", op, nodes, h, n))
	}
}

func pathOf[F Float](p Path, y Tensor) *cpukern.Path[F] {
	if !slices.IsSorted(host[F](p.At)) {
		panic(fmt.Sprintf("gpu: PathLinear: %d nodes that do not ascend", y.Dim(0)))
	}
	return &cpukern.Path[F]{P: y.Dim(1), H: p.Start.Dim(1), K: y.Dim(0), N: y.Dim(2),
		Start: host[F](p.Start), Step: host[F](p.Step), At: host[F](p.At), W: host[F](p.W)}
}

// floor is the least value of a layer with or without a ReLU.
func floor[F Float](relu bool) F {
	if relu {
		return 0
	}
	return F(math.Inf(-1))
}

func pathLinear[F Float](y Tensor, p Path, bias Tensor, relu bool) {
	pathOf[F](p, y).Forward(y.dev.pool, host[F](y), host[F](bias), floor[F](relu))
}

func pathLinearBackward[F Float](du, dy, y, weight Tensor, p Path, relu bool) {
	pathOf[F](p, dy).Backward(dy.dev.pool, host[F](du), host[F](dy), host[F](y), host[F](weight), floor[F](relu))
}
