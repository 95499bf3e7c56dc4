//go:build linux && cgo

package gpu_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
)

// TestConformanceRanksNorm: GPUs that share a batch normalise it as one does that has all of its rows; the largest has more parts than
// are added up at a time.
func TestConformanceRanksNorm(t *testing.T) { emulatedRanks(t, sharedRows) }

func sharedRows(d *gpu.Device, _ *world.World) error {
	var errs []error
	for _, size := range [][2]int{{5, 3}, {6, 72}, {2400, 3}} {
		for _, name := range presenceNames() {
			n := newSharedNorm(gpu.F32, d.Ranks(), size[0], size[1], presences()[name])
			if err := besideWhole(d, n); err != nil {
				errs = append(errs, fmt.Errorf("%s, %v: %w", name, size, err))
			}
		}
	}
	return errors.Join(errs...)
}

func presenceNames() []string {
	var names []string
	for name := range presences() {
		names = append(names, name)
	}
	slices.Sort(names) // all ranks do the same in the same order
	return names
}

// besideWhole compares this rank's part with the same rows of one device that has all, and the sums of the parameters' gradients.
func besideWhole(d *gpu.Device, n *sharedNorm) error {
	lo, hi := d.Rank()*n.own, (d.Rank()+1)*n.own
	whole, part := n.run(d, 0, n.ranks*n.own, false), n.run(d, lo, hi, true)
	a := d.NewArena(1 << 16)
	defer a.Close()
	sums := a.New(gpu.F32, 2, n.c)
	gpu.Write(sums, append(slices.Clone(part.dgamma), part.dbeta...))
	gpu.AllReduce(sums)
	averages, all := a.New(gpu.F32, 2, n.c), a.New(gpu.F32, 2*n.ranks, n.c)
	gpu.Write(averages, append(slices.Clone(part.runMean), part.runVr...))
	gpu.AllGather(all, averages)
	everybody := gputest.Values(all)
	for i, v := range everybody {
		if v != everybody[i%(2*n.c)] {
			return errors.New("ranks have other running averages")
		}
	}
	return errors.Join(d.Sync(), near("y", part.y, whole.y[lo*n.c:hi*n.c], 2e-4), near("dx", part.dx, whole.dx[lo*n.c:hi*n.c], 2e-4),
		near("the running mean", part.runMean, whole.runMean, 1e-5), near("the running variance", part.runVr, whole.runVr, 1e-5),
		near("dgamma and dbeta", gputest.Values(sums), append(slices.Clone(whole.dgamma), whole.dbeta...), 1e-3))
}

func near(what string, got, want []float64, tol float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*max(1, math.Abs(want[i]))) {
			return fmt.Errorf("%s[%d] is %.9g, want %.9g", what, i, got[i], want[i])
		}
	}
	return nil
}

// images are what networks of images in 16 bits normalise: two norms that are added and rectified, as masks.
type images struct {
	a           *gpu.Arena
	y, mask, dx gpu.Tensor
	dy, dadd    gpu.Tensor
	one, two    gpu.Normed
}

// newImages takes n of all 6 images, from lo on.
func newImages(d *gpu.Device, lo, n int, shared bool) *images {
	const c = 16
	m := &images{a: d.NewArena(1 << 20)}
	like := func() gpu.Tensor { return m.a.New(gpu.BF16, n, 3, 2, c) }
	r := rand.New(rand.NewPCG(3, 4))
	values := func(scale float64) []float64 {
		v := make([]float64, 6*3*2*c)
		for i := range v {
			v[i] = scale * (float64(i%c) + r.NormFloat64())
		}
		return v[lo*3*2*c : (lo+n)*3*2*c]
	}
	norm := func(scale float64) gpu.Normed {
		vec := func(fill float64) gpu.Tensor {
			v := m.a.New(gpu.F32, c)
			gpu.Fill(v, fill)
			return v
		}
		x := like()
		gpu.Write(x, values(scale))
		return gpu.Normed{X: x, Mean: vec(0), Rstd: vec(0), Gamma: vec(1.5), Beta: vec(0.25), RunMean: vec(0.5), RunVar: vec(2), Shared: shared, Dgamma: vec(0), Dbeta: vec(0)}
	}
	m.one, m.two = norm(1), norm(3)
	m.y, m.dx, m.dy, m.dadd, m.mask = like(), like(), like(), like(), m.a.New(gpu.U8, gpu.PassedLen(n*3*2*c))
	gpu.Write(m.dy, values(1))
	return m
}

// pass normalises both and goes back, and then one of them alone with the other's result added.
func (m *images) pass() {
	bn := gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1}
	gpu.BatchNormTrainBoth(m.y, m.mask, m.one, m.two, bn)
	gpu.Copy(m.dadd, m.dy)
	gpu.BatchNormBothBackward(m.dx, m.dadd, m.mask, m.one, m.two)
	one := m.one
	one.Add, one.ReLU = m.dadd, true
	gpu.BatchNormTrain(m.y, m.mask, one, bn)
	gpu.BatchNormBackward(m.dx, m.dadd, m.dx, m.mask, one)
}

func (m *images) results() [][]float64 {
	var all [][]float64
	for _, x := range []gpu.Tensor{m.y, m.dx, m.dadd, m.one.RunMean, m.one.RunVar, m.two.RunMean, m.two.RunVar, m.one.Dgamma, m.one.Dbeta, m.two.Dgamma, m.two.Dbeta} {
		all = append(all, gputest.Values(x))
	}
	return all
}

// TestConformanceRanksNormOfImages: the same in 16 bits, by the forms of networks of images, told and recorded: a replay leaves what the pass
// left.
func TestConformanceRanksNormOfImages(t *testing.T) { emulatedRanks(t, sharedImages) }

func sharedImages(d *gpu.Device, _ *world.World) error {
	own := 6 / d.Ranks()
	whole, part, again := newImages(d, 0, 6, false), newImages(d, d.Rank()*own, own, true), newImages(d, d.Rank()*own, own, true)
	whole.pass()
	part.pass()
	r, err := d.Record(again.pass)
	if err != nil {
		return err
	}
	r.Replay()
	got, want := part.results(), whole.results()
	for i, v := range again.results() {
		if !slices.Equal(v, got[i]) {
			return fmt.Errorf("result %d is another one replayed", i)
		}
	}
	size := len(got[0])
	for i := range got[:3] { // of the rows
		if err := near(fmt.Sprintf("result %d", i), got[i], want[i][d.Rank()*size:(d.Rank()+1)*size], 0.06); err != nil {
			return err
		}
	}
	for i := 3; i < 7; i++ { // running averages
		if err := near(fmt.Sprintf("result %d", i), got[i], want[i], 1e-4); err != nil {
			return err
		}
	}
	for i, x := range []gpu.Tensor{part.one.Dgamma, part.one.Dbeta, part.two.Dgamma, part.two.Dbeta} {
		gpu.AllReduce(x)
		if err := near(fmt.Sprintf("gradient %d", i), gputest.Values(x), want[7+i], 0.06); err != nil {
			return err
		}
	}
	return nil
}
