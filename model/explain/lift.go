package explain

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// DeepLift's rule ends at the embedding. Above it f enters by its mean gradient on the straight path between the two embeddings,
// over liftNodes. f is smooth there, but sharp where the path passes near the origin: where these nodes do not give the
// difference of f within liftGap of it, liftMore do.
const (
	liftNodes = 50
	liftMore  = 400
	liftGap   = 1e-7
)

// A difference is f at the end of a path and at its start.
type difference struct{ end, start float64 }

// deepLift leaves in the rows of sums the multipliers behind the first layer, of all paths, whose differences are given.
func (g *Genetics) deepLift(sums []float64, fs []difference) {
	half := g.rows / 2
	for lo := 0; lo < len(fs); lo += half {
		var paths []int32
		for r := lo; r < min(len(fs), lo+half); r++ {
			paths = append(paths, int32(r))
		}
		g.liftSome(sums, paths, half, fs)
	}
}

func (g *Genetics) liftSome(sums []float64, paths []int32, slots int, fs []difference) {
	p, h := g.pass(nn.OfInputs, nn.Rescale), g.tower.Width()
	on := g.slots(paths, slots)
	both := g.ends(p, slots)
	e := g.tower.Rest.Forward(p, both.View(2*slots, h))
	mean := g.meanGradient(e, slots, on, liftNodes)
	g.improve(mean, e, slots, on, paths, fs)
	dh := g.tower.Rest.Backward(p, mean)
	keep(sums, paths, dh, h, false)
	p.Free(dh)
	p.Free(both)
	p.Finish()
}

// improve takes more nodes for the rows of mean that do not give their differences.
func (g *Genetics) improve(mean, e gpu.Tensor, slots int, on Partners, paths []int32, fs []difference) {
	d := e.Dim(1)
	rows, ends, short := make([]float64, mean.Len()), make([]float64, e.Len()), []int(nil)
	gpu.Read(rows, mean)
	gpu.Read(ends, e)
	for i, r := range paths {
		got, want := 0.0, fs[r].end-fs[r].start
		for j, v := range rows[i*d : (i+1)*d] {
			got += v * (ends[i*d+j] - ends[(slots+i)*d+j])
		}
		if !(math.Abs(got-want) <= g.allowed(liftGap, fs[r].end, fs[r].start)) {
			short = append(short, i)
		}
	}
	if len(short) == 0 && g.dev.Name() != "plan" {
		return
	}
	p := g.pass(0, nn.Gradient)
	more := g.meanGradient(e, slots, on, liftMore)
	for _, i := range short {
		gpu.Copy(mean.Slice(i*d, (i+1)*d), more.Slice(i*d, (i+1)*d))
	}
	p.Free(more)
}

// meanGradient returns the mean gradient of f, over n nodes, between the embeddings e [2 slots, D], the ends before the starts.
func (g *Genetics) meanGradient(e gpu.Tensor, slots int, on Partners, n int) gpu.Tensor {
	p, d, groups := g.pass(0, nn.Gradient), e.Dim(1), gaussLegendre(n).groups(mostTogether)
	size := len(groups[0].at)
	mean, between, weight := p.Temp(slots, d), p.Temp(size, 2), p.Temp(1, size)
	for i, q := range groups {
		gpu.Write(between, q.between())
		gpu.Write(weight, q.weight)
		points := p.Temp(size, slots*d)
		gpu.MatMul(points, between, e.View(2, slots*d), false, false, 0)
		de := g.f.Gradients(p, points.View(size*slots, d), on)
		gpu.MatMul(mean.View(1, slots*d), weight, de.View(size, slots*d), false, false, float64(min(i, 1)))
		p.Free(de)
		p.Free(points)
	}
	p.Free(between)
	p.Free(weight)
	return mean
}
