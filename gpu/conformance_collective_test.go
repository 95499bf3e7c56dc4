package gpu_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/worldtest"
)

// asRanks runs f on the CPU as each of n ranks.
func asRanks(t *testing.T, n int, f func(d *gpu.Device) error) error {
	t.Helper()
	return worldtest.Together(n, func(w *world.World) error {
		d, err := gpu.Open("cpu", gpu.Options{Threads: 1})
		if err != nil {
			return err
		}
		defer d.Close()
		if err := d.Join(w); err != nil {
			return err
		}
		return errors.Join(f(d), d.Sync())
	})
}

// TestCollectives: sums, gathered rows and broadcasts are the same on all ranks, and one rank alone keeps what it has.
func TestCollectives(t *testing.T) {
	for n := 1; n <= 4; n++ {
		err := asRanks(t, n, func(d *gpu.Device) error {
			a := d.NewArena(1 << 12)
			for _, dtype := range []gpu.DType{gpu.F32, gpu.F64} {
				x, rows, all := a.New(dtype, 3), a.New(dtype, 2, 3), a.New(dtype, 2*n, 3)
				mine := float64(d.Rank() + 1)
				gpu.Write(x, []float64{1, mine, -mine})
				gpu.Fill(rows, mine)
				means := a.New(dtype, 3)
				gpu.Copy(means, x)
				gpu.AllMean(means)
				gpu.AllReduceBeside(x)
				d.Rejoin()
				gpu.AllGather(all, rows)
				gpu.Broadcast(rows)
				total := float64(n*(n+1)) / 2
				if got := gputest.Values(x); !slices.Equal(got, []float64{float64(n), total, -total}) {
					return fmt.Errorf("%v: the sum of %d ranks is %v", dtype, n, got)
				}
				if got := gputest.Values(means); !slices.Equal(got, []float64{1, total / float64(n), -total / float64(n)}) {
					return fmt.Errorf("%v: the mean of %d ranks is %v", dtype, n, got)
				}
				for i, v := range gputest.Values(all) {
					if v != float64(i/6+1) {
						return fmt.Errorf("%v: row %d of what was gathered is %g", dtype, i/3, v)
					}
				}
				if got := gputest.Values(rows); got[0] != 1 {
					return fmt.Errorf("%v: the broadcast is %v", dtype, got)
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%d ranks: %v", n, err)
		}
	}
}

// TestCollectivesFail: an exchange that fails is what Sync returns, whatever is done after it; a planning device exchanges nothing.
func TestCollectivesFail(t *testing.T) {
	err := asRanks(t, 2, func(d *gpu.Device) error {
		p := d.Plan()
		gpu.AllReduce(p.NewArena(0).New(gpu.F32, 5)) // nobody else plans
		if d.Rank() == 1 {
			return errors.New("rank 1 leaves")
		}
		a := d.NewArena(1 << 10)
		x, all := a.New(gpu.F32, 1, 4), a.New(gpu.F32, 2, 4)
		gpu.AllReduce(x)
		gpu.AllGather(all, x)
		return nil
	})
	if !world.Gone(err) || !strings.Contains(err.Error(), "rank 1 leaves") {
		t.Errorf("error %v", err)
	}
}

// sharedNorm is a batch normalisation of rows that ranks share: rank r has rows [r*own, (r+1)*own).
type sharedNorm struct {
	dtype          gpu.DType
	ranks, own, c  int
	x, dy          []float64
	present        []uint8
	y, dx          []float64
	dgamma, dbeta  []float64
	runMean, runVr []float64
}

// run normalises rows [lo, hi) on d, shared or not, and keeps what comes of it.
func (n *sharedNorm) run(d *gpu.Device, lo, hi int, shared bool) sharedNorm {
	a, got := d.NewArena(1<<19), *n
	vec := func(fill float64) gpu.Tensor {
		v := a.New(n.dtype, n.c)
		gpu.Fill(v, fill)
		return v
	}
	x, y, dy, present := a.New(n.dtype, hi-lo, n.c), a.New(n.dtype, hi-lo, n.c), a.New(n.dtype, hi-lo, n.c), a.New(gpu.U8, hi-lo)
	gpu.Write(x, n.x[lo*n.c:hi*n.c])
	gpu.Write(dy, n.dy[lo*n.c:hi*n.c])
	gpu.Write(present, n.present[lo:hi])
	s := gpu.Normed{X: x, Mean: vec(0), Rstd: vec(0), Gamma: vec(1.5), Beta: vec(-0.25), RunMean: vec(0.5), RunVar: vec(2), Present: present, ReLU: true, Shared: shared,
		Dgamma: vec(0), Dbeta: vec(0)}
	gpu.BatchNormTrain(y, gpu.Tensor{}, s, gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1})
	gpu.BatchNormBackward(dy, gpu.Tensor{}, dy, y, s)
	got.y, got.dx, got.dgamma, got.dbeta = gputest.Values(y), gputest.Values(dy), gputest.Values(s.Dgamma), gputest.Values(s.Dbeta)
	got.runMean, got.runVr = gputest.Values(s.RunMean), gputest.Values(s.RunVar)
	return got
}

// TestSharedNorm: ranks that share a batch normalise it as one rank does that has all of its rows, also where the present ones are few, on few ranks, or
// one on each; the gradients of the parameters add up.
func TestSharedNorm(t *testing.T) {
	for name, here := range presences() {
		for _, dtype := range []gpu.DType{gpu.F64, gpu.F32} {
			for ranks := 1; ranks <= 3; ranks++ {
				checkSharedNorm(t, fmt.Sprintf("%s, %d ranks, %v", name, ranks, dtype), newSharedNorm(dtype, ranks, 5, 3, here))
			}
		}
	}
}

// presences say by name which rows are present, where a rank has so many.
func presences() map[string]func(row, own int) bool {
	return map[string]func(row, own int) bool{
		"all":               func(int, int) bool { return true },
		"none":              func(int, int) bool { return false },
		"one":               func(row, _ int) bool { return row == 1 },
		"one on each":       func(row, own int) bool { return row%own == own-1 },
		"two, of two ranks": func(row, own int) bool { return row == 0 || row == own },
		"first rank none":   func(row, own int) bool { return row >= own },
		"ragged":            func(row, _ int) bool { return row%3 != 1 },
	}
}

func newSharedNorm(dtype gpu.DType, ranks, own, c int, here func(row, own int) bool) *sharedNorm {
	r := rand.New(rand.NewPCG(1, 2))
	n := &sharedNorm{dtype: dtype, ranks: ranks, own: own, c: c}
	for i := range ranks * own * c {
		n.x, n.dy = append(n.x, 100*float64(i%c%3)+r.NormFloat64()), append(n.dy, r.NormFloat64())
	}
	for i := range ranks * own {
		n.present = append(n.present, map[bool]uint8{true: 1}[here(i, own)])
	}
	return n
}

func checkSharedNorm(t *testing.T, name string, n *sharedNorm) {
	t.Helper()
	d, err := gpu.Open("cpu", gpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	whole, parts := n.run(d, 0, n.ranks*n.own, false), make([]sharedNorm, n.ranks)
	err = asRanks(t, n.ranks, func(d *gpu.Device) error {
		parts[d.Rank()] = n.run(d, d.Rank()*n.own, (d.Rank()+1)*n.own, true)
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	tol := 1e-12
	if n.dtype == gpu.F32 {
		tol = 2e-4 // of gradients that are differences
	}
	near := func(what string, got, want []float64) {
		for i := range want {
			if !(math.Abs(got[i]-want[i]) <= tol*max(1, math.Abs(want[i]))) {
				t.Errorf("%s: %s[%d] is %.15g, want %.15g", name, what, i, got[i], want[i])
				return
			}
		}
	}
	dgamma, dbeta := make([]float64, n.c), make([]float64, n.c)
	for r, p := range parts {
		span := func(v []float64) []float64 { return v[r*n.own*n.c : (r+1)*n.own*n.c] }
		near(fmt.Sprintf("y of rank %d", r), p.y, span(whole.y))
		near(fmt.Sprintf("dx of rank %d", r), p.dx, span(whole.dx))
		near("the running mean", p.runMean, whole.runMean)
		near("the running variance", p.runVr, whole.runVr)
		if !slices.Equal(p.runMean, parts[0].runMean) || !slices.Equal(p.runVr, parts[0].runVr) {
			t.Errorf("%s: rank %d has other running averages than rank 0", name, r)
		}
		for j := range dgamma {
			dgamma[j], dbeta[j] = dgamma[j]+p.dgamma[j], dbeta[j]+p.dbeta[j]
		}
	}
	near("dgamma", dgamma, whole.dgamma)
	near("dbeta", dbeta, whole.dbeta)
}
