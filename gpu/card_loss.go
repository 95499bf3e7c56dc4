package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

func (c *card) l2Norm(y, norm, x Tensor, eps float64) {
	launch(c, "l2norm_forward", F32, c.rowGrid(x.Dim(0)), &kernels.L2normForward{Y: y.ptr(), Norm: norm.ptr(), X: x.ptr(),
		Rows: int32(x.Dim(0)), Cols: int32(x.Dim(1)), Eps: eps})
}

func (c *card) l2NormBackward(dx, dy, y, norm Tensor, eps float64) {
	launch(c, "l2norm_backward", F32, c.rowGrid(dx.Dim(0)), &kernels.L2normBackward{Dx: dx.ptr(), Dy: dy.ptr(), Y: y.ptr(), Norm: norm.ptr(),
		Rows: int32(dx.Dim(0)), Cols: int32(dx.Dim(1)), Eps: float32(eps)})
}

// rowGrid gives a warp to each row.
func (c *card) rowGrid(rows int) driver.Grid { return c.grid(32*rows, 1) }

// Sizes of kernels/infonce.cuh.
const (
	nceTile    = 64          // candidates of a tile
	nceStride  = 132         // floats of a row of a tile in shared memory
	nceLine    = nceTile + 4 // floats of a row of logits in shared memory
	nceChunk   = 128         // features in shared memory at a time
	nceDeclare = 4 << 10     // bytes of shared memory that the kernels declare themselves, at most
	nceSingle  = 1 << 10     // rows that the one-launch form takes, at most
	nceWork    = 10          // floats of work for every row
	nceParts   = 2 * 5       // floats of work for every row and part of the tiled form
)

// nce is one call of InfoNCE.
type nce struct {
	loss, du, dv, u, v, present, group, scale Tensor
	n, d, pairs                               int32
	sharpness, lambda                         float32
}

func newNCE(loss, du, dv, u, v, present, group, scale Tensor, spec InfoNCESpec) *nce {
	return &nce{loss, du, dv, u, v, present, group, scale, int32(u.Dim(0)), int32(u.Dim(1)), int32(spec.Pairs),
		float32(1 / spec.Tau), float32(spec.Lambda)}
}

func (c *card) infoNCE(a *nce) {
	if rows := c.nceRows(int(a.n)); rows > 0 {
		c.infoNCESingle(a, rows)
		return
	}
	c.infoNCETiled(a)
}

// nceRows returns how many rows a block of the one-launch form takes, the fewest at which all blocks are resident
// together; 0 where that form does not fit.
func (c *card) nceRows(n int) int {
	info := c.dev.Info()
	for rows := 4; rows <= 32 && n <= nceSingle; rows *= 2 {
		blocks, shared := 2*((n+rows-1)/rows), nceShared(n, rows)+nceDeclare
		if shared <= info.SharedPerBlock && blocks <= info.Multiprocs {
			return rows
		}
	}
	return 0
}

// nceShared is the dynamic shared memory in bytes of the one-launch form: anchors, candidates, logits.
func nceShared(n, rows int) int {
	line := (n + nceTile - 1) / nceTile * nceTile
	return 4 * (rows*nceStride + nceTile*nceStride + rows*line)
}

func (c *card) infoNCESingle(a *nce, rows int) {
	n := int(a.n)
	work := c.scratch(4 * nceWork * n)
	g := driver.Grid{Blocks: [3]int{2 * ((n + rows - 1) / rows)}, Threads: [3]int{threads}, Shared: nceShared(n, rows), Cooperative: true}
	launch(c, "infonce_single", F32, g, &kernels.InfonceSingle{Loss: a.loss.ptr(), Du: a.du.ptr(), Dv: a.dv.ptr(), U: a.u.ptr(), V: a.v.ptr(),
		Present: a.present.ptr(), Group: a.group.ptr(), Scale: a.scale.ptr(), Work: uint64(work), Gate: uint64(c.gate),
		N: a.n, D: a.d, Pairs: a.pairs, Rows: int32(rows), Sharpness: a.sharpness, Lambda: a.lambda})
}

// nceAreas returns how many areas the rows, and the columns, are cut into: about two areas to a multiprocessor; and the
// tiles on a side of an area.
func (c *card) nceAreas(n int) (parts, per int) {
	tiles, side := (n+nceTile-1)/nceTile, 1
	for side*side < 2*c.dev.Info().Multiprocs {
		side++
	}
	per = (tiles + side - 1) / side
	return (tiles + per - 1) / per, per
}

// nceTiledScratch returns where the partial sums begin in the scratch memory of the tiled form, and its bytes.
func (c *card) nceTiledScratch(n int) (sums, bytes int) {
	parts, _ := c.nceAreas(n)
	sums = align(4 * nceWork * n)
	return sums, sums + 4*nceParts*parts*n
}

func (c *card) infoNCETiled(a *nce) {
	n := int(a.n)
	parts, per := c.nceAreas(n)
	sums, bytes := c.nceTiledScratch(n)
	work := c.scratch(bytes)
	shared := 4 * (2*nceTile*nceStride + nceTile*nceLine)
	area := driver.Grid{Blocks: [3]int{parts, parts}, Threads: [3]int{threads}, Shared: shared}
	launch(c, "infonce_partial", F32, area, &kernels.InfoncePartial{Partial: uint64(work.Add(sums)), U: a.u.ptr(), V: a.v.ptr(),
		Present: a.present.ptr(), Group: a.group.ptr(), N: a.n, D: a.d, Pairs: a.pairs, Per: int32(per), Sharpness: a.sharpness})
	launch(c, "infonce_merge", F32, c.grid(2*n, 1), &kernels.InfonceMerge{Work: uint64(work), Partial: uint64(work.Add(sums)),
		Present: a.present.ptr(), N: a.n, Parts: int32(parts)})
	launch(c, "infonce_finish", F32, oneBlock(), &kernels.InfonceFinish{Loss: a.loss.ptr(), Work: uint64(work), Present: a.present.ptr(), N: a.n, Lambda: a.lambda})
	if !a.du.Ok() {
		return
	}
	strips := driver.Grid{Blocks: [3]int{(n + nceTile - 1) / nceTile, (int(a.d) + nceChunk - 1) / nceChunk, 2}, Threads: [3]int{threads}, Shared: shared}
	launch(c, "infonce_backward", F32, strips, &kernels.InfonceBackward{Du: a.du.ptr(), Dv: a.dv.ptr(), U: a.u.ptr(), V: a.v.ptr(),
		Present: a.present.ptr(), Group: a.group.ptr(), Scale: a.scale.ptr(), Loss: a.loss.ptr(), Work: uint64(work),
		N: a.n, D: a.d, Pairs: a.pairs, Sharpness: a.sharpness, Lambda: a.lambda})
}

// oneBlock is a grid of one block.
func oneBlock() driver.Grid { return driver.Grid{Blocks: [3]int{1}, Threads: [3]int{threads}} }

// align rounds bytes up to where the next part of the scratch memory begins.
func align(bytes int) int { return (bytes + arenaAlign - 1) / arenaAlign * arenaAlign }

func (c *card) softmaxCrossEntropy(loss, dx, x, labels, scale Tensor) {
	n, k := x.Dim(0), x.Dim(1)
	rows := align(16 * n)
	work := c.scratch(rows + 4*n)
	launch(c, "softmaxce_forward", x.dtype, c.rowGrid(n), &kernels.SoftmaxceForward{Rows: uint64(work), Losses: uint64(work.Add(rows)),
		X: x.ptr(), Labels: labels.ptr(), N: int32(n), K: int32(k)})
	launch(c, "softmaxce_finish", F32, oneBlock(), &kernels.SoftmaxceFinish{Loss: loss.ptr(), Losses: uint64(work.Add(rows)), Labels: labels.ptr(), N: int32(n)})
	if dx.Ok() {
		launch(c, "softmaxce_backward", x.dtype, c.rowGrid(n), &kernels.SoftmaxceBackward{Dx: dx.ptr(), X: x.ptr(), Rows: uint64(work),
			Loss: loss.ptr(), Scale: scale.ptr(), N: int32(n), K: int32(k)})
	}
}
