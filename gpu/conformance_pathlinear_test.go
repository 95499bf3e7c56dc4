package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"slices"
	"testing"
)

// TestConformancePathLinear has paths of ragged shapes on the devices that compute them, with and without the second ReLU.
func TestConformancePathLinear(t *testing.T) {
	targets := slices.DeleteFunc(gputest.Targets(), func(g gputest.Target) bool { return !g.Open(t).Paths() })
	conformOn(t, targets, func(l *gputest.Lab) {
		for i, n := range gputest.Ragged() {
			for _, s := range [][3]int{{1, 1, 7}, {5, 3, 1}, {50, 2, 40}} {
				x := newPaths(l, s[0], s[1], s[2], n)
				relu := i%2 == 0
				l.Run(func(of of) {
					gpu.PathLinear(of(x.y), x.path(of), of(x.bias), relu)
					gpu.PathLinearBackward(of(x.du), of(x.dy), of(x.y), of(x.weight), x.path(of), relu)
				})
				what := fmt.Sprintf("%d nodes of %d lines, %d units to %d: ", s[0], s[1], s[2], n)
				l.Same(what+"y", x.y, 2*s[2], 4)
				l.Same(what+"du", x.du, s[0]*n, 4)
			}
		}
	})
}

// paths are the tensors of a PathLinear.
type paths struct{ start, step, at, w, bias, weight, y, dy, du gputest.Twin }

func newPaths(l *gputest.Lab, nodes, lines, h, n int) *paths {
	at := golden.Fill("at", nodes, 0, 1)
	slices.Sort(at)
	v := l.Type
	return &paths{start: l.InVec("start", -1, 1, lines, h), step: l.InVec("step", -2, 2, lines, h), at: l.Put(v, at, nodes),
		w: l.Put(v, gpu.PathWeights(golden.Fill("w", h*n, -1, 1), n), gpu.PathDims(h, n)...), bias: l.InVec("bias", -1, 1, n),
		weight: l.InVec("weight", 0, 1, nodes), y: l.Vec(nodes, lines, n), dy: l.InVec("dy", -1, 1, nodes, lines, n), du: l.Vec(lines, h)}
}

func (x *paths) path(of of) gpu.Path {
	return gpu.Path{Start: of(x.start), Step: of(x.step), At: of(x.at), W: of(x.w)}
}

// TestGradPathLinear: du is the derivative of the weighted sum over the nodes by where the paths start.
func TestGradPathLinear(t *testing.T) {
	for _, relu := range []bool{false, true} {
		l := newLab(t)
		const nodes, lines, h, n = 6, 2, 9, 5
		p := gpu.Path{Start: l.fill("start", lines, h), Step: l.fill("step", lines, h), At: l.fill("at", nodes),
			W: gputest.Put(l.a, gpu.F64, gpu.PathWeights(golden.Fill("w", h*n, -1, 1), n), gpu.PathDims(h, n)...)}
		at := gputest.Values(p.At)
		slices.Sort(at)
		gpu.Write(p.At, at)
		bias, y, dy, du := l.fill("bias", n), l.zeros(nodes, lines, n), l.fill("dy", nodes, lines, n), l.zeros(lines, h)
		weight := l.fill("weight", nodes)
		forward := func() { gpu.PathLinear(y, p, bias, relu) }
		forward()
		gpu.PathLinearBackward(du, dy, y, weight, p, relu)
		weighted := gputest.Values(dy)
		for i := range weighted {
			weighted[i] *= gputest.Values(weight)[i/(lines*n)]
		}
		gpu.Write(dy, weighted)
		l.grad("start", p.Start, du, y, dy, forward)
	}
}

// emptyPaths are of no line.
func emptyPaths(l *gputest.Lab) []emptyCase {
	if !l.New(gpu.F32, 1).On.Device().Paths() {
		return nil
	}
	x := newPaths(l, 2, 0, 3, 4)
	return []emptyCase{{name: "paths", run: func(of of) {
		gpu.PathLinear(of(x.y), x.path(of), of(x.bias), true)
		gpu.PathLinearBackward(of(x.du), of(x.dy), of(x.y), of(x.weight), x.path(of), true)
	}, zeros: []gputest.Twin{x.du, x.y}}}
}
