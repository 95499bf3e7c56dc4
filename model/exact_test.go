package model

import (
	"fmt"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// A comparison compares float32 gradients with those of a float64 run whose ReLUs were made to give what the float32
// run's gave: a ReLU whose input rounds to the other side of zero changes a whole path of the gradient, in PyTorch
// as here, and where PyTorch's happened not to, the reference says nothing about ours.
type comparison struct {
	flips, relus int // ReLUs that let pass in one type and not in the other
	errs         []string
}

// exactErrors fails the test for every error. Float32 gradients that the reference allows more than gradBound32, or that
// have errors, must agree within gradBound32 with a float64 run on the same side of zero; if they do and ReLUs have
// flipped, their errors are explained. Float64 itself is held to the reference.
func exactErrors(t *testing.T, dtype gpu.DType, bound float64, errs []string, exact func() comparison) {
	t.Helper()
	if dtype == gpu.F32 && (bound > gradBound32 || len(errs) > 0) {
		j := exact()
		t.Logf("%d of %d ReLUs round to the other side of zero, %d gradients are further off than %.3g", j.flips, j.relus, len(errs), bound)
		if j.flips > 0 {
			errs = nil
		}
		errs = append(errs, j.errs...)
	}
	for _, e := range errs {
		t.Errorf("gradients: %s", e)
	}
}

// compare adds an error if got is further from want than the reference allows of float32 gradients.
func (j *comparison) compare(name string, got, want []float64) {
	if e := gputest.RelError(got, want); !(e <= gradBound32) {
		j.errs = append(j.errs, fmt.Sprintf("%s is off by %.3g from float64 on the same side of zero, bound %.3g", name, e, gradBound32))
	}
}

func (j *comparison) compareParams(got, want []*nn.Param) {
	for i, p := range got {
		j.compare(p.Name, gputest.Values(p.Grad), gputest.Values(want[i].Grad))
	}
}

// exactTrunk compares the gradients that r, the trunk's float32 run on x in p, has left, and dx.
func exactTrunk(t *testing.T, c resnetCase, net *trunk.Trunk, p *nn.Pass, x gpu.Tensor, dx []float64) comparison {
	dev := open(t, "cpu")
	exact, in := c.trunk(t, dev, gpu.F64), dev.NewArena(1<<25)
	q := nn.Training(dev.NewArena(1<<31), gpu.F64)
	wide := in.New(gpu.F64, x.Dims()...)
	gpu.Write(wide, gputest.Values(x))
	var j comparison
	q.Want |= nn.OfInputs
	y := j.force(q, exact, wide, rectified(p, net, x))
	dy := q.Temp(y.Dims()...)
	gpu.Write(dy, golden.Fill(fmt.Sprintf("%s/%s/dy", c.Seed, c.Name), y.Len(), -1, 1))
	j.compare("dx", dx, torchLayout(exact.Backward(q, dy)))
	j.compareParams(net.Params(), exact.Params())
	return j
}

// exactStep compares the gradients that r's first step in float32 has left; heads are of tapHeads.
func exactStep(t *testing.T, c contigCase, r *rig, heads [][][]float64) comparison {
	var j comparison
	free := exactly(t, c, r)
	own := tapHeads(free.m)
	free.m.Step(free.p, free.b, free.losses)
	for i := range own {
		for k := range own[i] {
			j.count(own[i][k], heads[i][k])
		}
	}
	exact := exactly(t, c, r)
	for i, ys := range heads {
		tap(exact.m.towers[i], func(y gpu.Tensor) {
			gpu.Write(y, ys[0])
			ys = ys[1:]
		})
	}
	features := j.force(exact.p, exact.m.trunk, exact.b.Image, rectified(r.p, r.m.trunk, r.b.Image))
	e := exact.m.embedFrom(exact.p, features, exact.b)
	dz, dw := exact.compare(e, 0, 0)
	exact.m.Backward(exact.p, e, dz, dw)
	j.compareParams(r.m.Weights().Params(), exact.m.Weights().Params())
	return j
}

// exactly returns a float64 rig with r's batch and the case's parameters.
func exactly(t *testing.T, c contigCase, r *rig) *rig {
	exact := newRig(t, "cpu", r.m.Config(), gpu.F64, c.Batch, c.Size)
	fillModel(exact.m, c.FillPrefix)
	for to, from := range map[*gpu.Tensor]gpu.Tensor{&exact.b.Image: r.b.Image, &exact.b.Scale: r.b.Scale} {
		gpu.Write(*to, gputest.Values(from))
	}
	for i := range r.b.Tables {
		gpu.Write(exact.b.Tables[i], gputest.Values(r.b.Tables[i]))
		gpu.Write(exact.b.Present[i], gputest.Values(r.b.Present[i]))
	}
	return exact
}

// A tapped is a layer whose output is visited before anybody else sees it.
type tapped struct {
	*nn.Linear
	visit func(y gpu.Tensor)
}

func (l tapped) Forward(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	y := l.Linear.Forward(p, x)
	l.visit(y)
	return y
}

// tap visits what comes out of every ReLU of a tower.
func tap(t *towers, visit func(y gpu.Tensor)) {
	for _, s := range []nn.Sequential{t.image, t.genetics} {
		for i, l := range s {
			if linear, ok := l.(*nn.Linear); ok && rectifies(s, i) {
				s[i] = tapped{linear, visit}
			}
		}
	}
}

// rectifies reports whether layer i of a tower is followed by a ReLU: the first layer of a head, and what a norm follows.
func rectifies(s nn.Sequential, i int) bool {
	if i+1 == len(s) {
		return false
	}
	_, norm := s[i+1].(*nn.BatchNorm)
	return norm || !strings.HasPrefix(s[i].Params()[0].Name, "encoder.")
}

// tapHeads keeps what comes out of every ReLU of a model's towers from now on.
func tapHeads(m *Model) (heads [][][]float64) {
	heads = make([][][]float64, len(m.towers))
	for i, t := range m.towers {
		tap(t, func(y gpu.Tensor) { heads[i] = append(heads[i], gputest.Values(y)) })
	}
	return heads
}

// rectified returns what comes out of every ReLU of a trunk. It puts the running averages back.
func rectified(p *nn.Pass, net *trunk.Trunk, x gpu.Tensor) (ys [][]float64) {
	var kept [][]float64
	for _, b := range net.Buffers() {
		kept = append(kept, gputest.Values(b.Value))
	}
	walkTrunk(p, net, x, func(y gpu.Tensor) { ys = append(ys, gputest.Values(y)) })
	p.Reset()
	for i, b := range net.Buffers() {
		gpu.Write(b.Value, kept[i])
	}
	return ys
}

// force runs a float64 trunk forward and puts ys in the place of what comes out of its ReLUs. Before, it counts the
// ReLUs that come out on another side of zero when left alone.
func (j *comparison) force(p *nn.Pass, net *trunk.Trunk, x gpu.Tensor, ys [][]float64) gpu.Tensor {
	for k, own := range rectified(p, net, x) {
		j.count(own, ys[k])
	}
	return walkTrunk(p, net, x, func(y gpu.Tensor) {
		gpu.Write(y, ys[0])
		ys = ys[1:]
	})
}

// count counts the ReLUs that let pass in one of two runs only.
func (j *comparison) count(a, b []float64) {
	for i, v := range a {
		if j.relus++; (v > 0) != (b[i] > 0) {
			j.flips++
		}
	}
}

// walkTrunk runs a trunk forward and visits what comes out of every ReLU.
func walkTrunk(p *nn.Pass, t *trunk.Trunk, x gpu.Tensor, visit func(gpu.Tensor)) gpu.Tensor {
	for _, s := range t.Stages {
		for _, l := range s.Layers {
			x = visited(l, visit).Forward(p, x)
		}
	}
	return t.Pool.Forward(p, x)
}

// A visitedNorm is a ConvNorm with a ReLU whose output is visited before anybody else sees it; a visitedBlock a Residual.
type visitedNorm struct {
	*nn.ConvNorm
	visit func(y gpu.Tensor)
}

func (l visitedNorm) Forward(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	y := l.ConvNorm.Forward(p, x)
	l.visit(y)
	return y
}

type visitedBlock struct {
	*nn.Residual
	visit func(y gpu.Tensor)
}

func (l visitedBlock) Forward(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	y := l.Residual.Forward(p, x)
	l.visit(y)
	return y
}

// visited returns a layer of a trunk, and of its block's body, whose ReLUs are visited. Backward may run on l itself.
func visited(l nn.Layer, visit func(gpu.Tensor)) nn.Layer {
	switch l := l.(type) {
	case *nn.Residual:
		var body nn.Sequential
		for _, b := range l.Body {
			body = append(body, visited(b, visit))
		}
		return visitedBlock{&nn.Residual{Body: body, Last: l.Last, Shortcut: l.Shortcut}, visit}
	case *nn.ConvNorm:
		return visitedNorm{l, visit}
	}
	return l
}
