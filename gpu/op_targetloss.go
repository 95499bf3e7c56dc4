package gpu

import (
	"math"

	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// TargetKind says what is predicted, and by which loss it is compared.
type TargetKind uint8

const (
	TargetClass  TargetKind = iota // one of K: softmax cross-entropy, mean over rows
	TargetLabels                   // any of K: binary cross-entropy of each logit, mean over what is known
	TargetValues                   // K numbers: of each the mean square over what is known of it, summed
)

// TargetLoss compares predictions z [N, K] with targets y [N, K] of the vector type, of which known [N, K] (U8) says which there
// are: loss [4] = {loss, 0, 0, values counted}. dz (of z's type; optional, with scale) is the gradient of the loss times scale [1].
// What is not known changes nothing, whatever y holds; where nothing is, loss and gradient are 0. Sums are in float64, on a GPU
// within a row in float32.
//
//	TargetClass   mean over rows of log sum_k e^z_k - z_c, c the first column whose y is not 0; a row counts where known[row, 0] is 1
//	              and there is such a column
//	TargetLabels  mean over the known of log(1 + e^z) - y z, y in 0..1
//	TargetValues  sum over columns of the mean over the known of (z - y)²
//
// As torch.nn.functional.cross_entropy, binary_cross_entropy_with_logits and mse_loss.
func TargetLoss(loss, dz, z, y, known, scale Tensor, kind TargetKind) {
	const op = "TargetLoss"
	wantFloat(op, "z", z, 2)
	n, k := z.Dim(0), z.Dim(1)
	want(op, "loss", loss, z, vectorType(z), 4)
	want(op, "y", y, z, vectorType(z), n, k)
	want(op, "known", known, z, U8, n, k)
	wantOptional(op, "dz", dz, z)
	if dz.Ok() {
		want(op, "scale", scale, z, vectorType(z), 1)
	}
	if z.Len() == 0 {
		Fill(loss, 0)
		return
	}
	a := &targets{loss, dz, z, y, known, scale, kind}
	compute(z, func() { targetLoss[float32](a) }, func() { targetLoss[float64](a) }, func(c *gpu) { c.targetLoss(a) })
}

// targets is one call of TargetLoss.
type targets struct {
	loss, dz, z, y, known, scale Tensor
	kind                         TargetKind
}

func targetLoss[F Float](a *targets) {
	z, y, dz, known, k := host[F](a.z), host[F](a.y), host[F](a.dz), host[uint8](a.known), a.z.Dim(1)
	each, counted := a.counts()
	scale := 0.0
	if dz != nil {
		scale = float64(host[F](a.scale)[0])
	}
	losses := make([]float64, a.z.Dim(0))
	cut(a.z.dev, len(losses), rowsPer(k), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			from, to := r*k, (r+1)*k
			row := targetRow[F]{part(dz, from, to), z[from:to], y[from:to], known[from:to], scale}
			switch a.kind {
			case TargetClass:
				losses[r] = row.class(counted)
			case TargetLabels:
				losses[r] = row.labels(counted)
			default:
				losses[r] = row.values(each)
			}
		}
	})
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	loss := host[F](a.loss)
	loss[0], loss[1], loss[2], loss[3] = F(sum), 0, 0, F(counted)
}

// counts returns how many values are known of each column, and how many of all count.
func (a *targets) counts() (each []float64, counted float64) {
	known, k := host[uint8](a.known), a.z.Dim(1)
	each = make([]float64, k)
	for i, one := range known {
		each[i%k] += float64(one)
	}
	if a.kind == TargetClass {
		return each, each[0]
	}
	for _, n := range each {
		counted += n
	}
	return each, counted
}

// A targetRow is one row: dz is nil where no gradient is wanted.
type targetRow[F Float] struct {
	dz, z, y []F
	known    []uint8
	scale    float64
}

func (r targetRow[F]) class(rows float64) float64 {
	label := -1
	for c, v := range r.y {
		if v != 0 && r.known[0] != 0 {
			label = c
			break
		}
	}
	if label < 0 {
		clear(r.dz)
		return 0
	}
	return softmaxCERow(r.dz, r.z, label, r.scale/rows) / rows
}

func (r targetRow[F]) labels(all float64) (loss float64) {
	for c, v := range r.z {
		if r.known[c] == 0 {
			r.write(c, 0)
			continue
		}
		z, y := float64(v), float64(r.y[c])
		e := math.Exp(-math.Abs(z))
		loss += math.Max(z, 0) - y*z + math.Log1p(e)
		above, below := 1/(1+e), e/(1+e) // of the two the one that is the share of 1
		if z < 0 {
			above, below = below, above
		}
		r.write(c, ((1-y)*above-y*below)/all)
	}
	return loss / max(1, all) // where nothing is known at all
}

func (r targetRow[F]) values(each []float64) (loss float64) {
	for c, v := range r.z {
		if r.known[c] == 0 {
			r.write(c, 0)
			continue
		}
		d := float64(v) - float64(r.y[c])
		loss += d * d / each[c]
		r.write(c, 2*d/each[c])
	}
	return loss
}

func (r targetRow[F]) write(c int, g float64) {
	if r.dz != nil {
		r.dz[c] = F(r.scale * g)
	}
}

// targetLoss counts what is known of each column, gives a warp to each row, and sums the rows' losses in one block.
func (c *gpu) targetLoss(a *targets) {
	n, k := a.z.Dim(0), a.z.Dim(1)
	counts := aligned(4 * k)
	work := c.scratch(counts + 8*n)
	losses := uint64(work.Add(counts))
	columns := driver.Grid{Blocks: [3]int{k}, Threads: [3]int{threads}}
	launch(c, "targetloss_count", F32, columns, &kernels.TargetlossCount{Counts: uint64(work), Known: a.known.ptr(), N: int32(n), K: int32(k)})
	moved := []Tensor{a.z}
	if a.dz.Ok() {
		moved = append(moved, a.dz)
	}
	launch(c, "targetloss_rows", a.z.dtype, c.rowGrid(n), &kernels.TargetlossRows{Losses: losses, Dz: a.dz.ptr(), Z: a.z.ptr(), Y: a.y.ptr(), Known: a.known.ptr(),
		Counts: uint64(work), Scale: a.scale.ptr(), N: int32(n), K: int32(k), Kind: int32(a.kind)}, moved...)
	launch(c, "targetloss_finish", F32, oneBlock(), &kernels.TargetlossFinish{Loss: a.loss.ptr(), Losses: losses, Counts: uint64(work), N: int32(n), K: int32(k), Kind: int32(a.kind)})
}
