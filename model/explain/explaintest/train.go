package explaintest

import (
	"math/rand/v2"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"
)

const (
	// Tau is the temperature that networks are trained with.
	Tau    = 0.1
	lambda = 0.75
	batch  = 256
	epochs = 8
)

// A Network is a trained genetics tower.
type Network struct {
	Device  *gpu.Device
	Tower   nn.Sequential
	weights *nn.Weights
}

// Train trains a tower of table to the images of persons: a Linear, or with hidden above 0 Linear, ReLU, BatchNorm, Linear. begin
// may change the initial weights of the first layer; nil leaves them.
func Train(t testing.TB, seed uint64, c *Cohort, table data.Table, persons []int, hidden int, begin func(*nn.Linear)) *Network {
	t.Helper()
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	f := table.Stats().Width()
	n := &Network{Device: dev, Tower: nn.Sequential{nn.NewLinear("first", f, c.Dim)}}
	if hidden > 0 {
		n.Tower = nn.Sequential{nn.NewLinear("first", f, hidden).WithReLU(), nn.NewBatchNorm("norm", hidden), nn.NewLinear("last", hidden, c.Dim)}
	}
	n.weights = nn.NewWeights(n.Tower)
	if err := n.weights.Place(dev, gpu.F32); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	n.weights.Init(seed)
	if begin != nil {
		begin(n.Tower[0].(*nn.Linear))
	}
	n.fit(seed, c, table, persons)
	return n
}

// Close gives memory and device back; it may be called again.
func (n *Network) Close() {
	if n.Device != nil {
		n.weights.Close()
		n.Device.Close()
		n.Device = nil
	}
}

func (n *Network) fit(seed uint64, c *Cohort, table data.Table, persons []int) {
	values, grads, decayed := n.weights.Flat()
	opt := optim.New(optim.Config{Name: optim.AdamWName, LR: 3e-3, WeightDecay: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, values, grads, decayed)
	f := table.Stats().Width()
	a := n.Device.NewArena(64 << 20)
	defer a.Close()
	r := rand.New(rand.NewPCG(seed, 5))
	for range epochs {
		order := r.Perm(len(persons))
		for lo := 0; lo+batch <= len(order); lo += batch {
			x, z := make([]float32, batch*f), make([]float32, batch*c.Dim)
			for i, k := range order[lo : lo+batch] {
				table.Row(persons[k], x[i*f:(i+1)*f])
				copy(z[i*c.Dim:], c.Image[persons[k]])
			}
			n.step(a, x, z, f, c.Dim)
			opt.Step(3e-3, gpu.Tensor{})
		}
	}
}

func (n *Network) step(a *gpu.Arena, x, z []float32, f, dim int) {
	p := nn.Training(a, gpu.F32)
	xt, zt := a.New(gpu.F32, batch, f), a.New(gpu.F32, batch, dim)
	gpu.Write(xt, x)
	gpu.Write(zt, z)
	w := n.Tower.Forward(p, xt)
	present, group, scale := a.New(gpu.U8, batch), a.New(gpu.I32, batch), a.New(gpu.F32, 1)
	gpu.Fill(present, 1)
	gpu.Write(group, groups())
	gpu.Fill(scale, 1)
	term, dz, dw := a.New(gpu.F32, 4), p.Temp(batch, dim), p.Temp(batch, dim)
	gpu.InfoNCE(term, dz, dw, zt, w, present, group, scale, gpu.InfoNCESpec{Tau: Tau, Lambda: lambda, Pairs: gpu.AvoidPairs})
	n.weights.ZeroGrad()
	nn.BackwardInput(p, n.Tower, dw)
	p.Finish()
	a.Reset()
}

// groups are the persons of a batch, all different.
func groups() []int32 {
	g := make([]int32, batch)
	for i := range g {
		g[i] = int32(i)
	}
	return g
}

// Embed returns the genetics embeddings of persons.
func (n *Network) Embed(table data.Table, persons []int) [][]float32 {
	f := table.Stats().Width()
	x := make([]float32, len(persons)*f)
	for i, p := range persons {
		table.Row(p, x[i*f:(i+1)*f])
	}
	a := n.Device.NewArena(64<<20 + 8*len(x))
	defer a.Close()
	xt := a.New(gpu.F32, len(persons), f)
	gpu.Write(xt, x)
	p := nn.Evaluation(a, gpu.F32)
	e := n.Tower.Forward(p, xt)
	flat := make([]float32, e.Len())
	gpu.Read(flat, e)
	p.Finish()
	dim := len(flat) / max(1, len(persons))
	var rows [][]float32
	for i := range persons {
		rows = append(rows, flat[i*dim:(i+1)*dim])
	}
	return rows
}
