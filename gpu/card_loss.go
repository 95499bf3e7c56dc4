package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

func (c *gpu) l2Norm(y, norm uint64, x Tensor, eps float64) {
	launch(c, "l2norm_forward", x.dtype, c.rowGrid(x.Dim(0)), &kernels.L2normForward{Y: y, Norm: norm, X: x.ptr(),
		Rows: int32(x.Dim(0)), Cols: int32(x.Dim(1)), Eps: eps}, x)
}

// l2NormBackward takes all rows, or those present, where count, the number of these, is enough.
func (c *gpu) l2NormBackward(dx Tensor, dy, y, norm, present, count uint64, eps float64) {
	launch(c, "l2norm_backward", dx.dtype, c.rowGrid(dx.Dim(0)), &kernels.L2normBackward{Dx: dx.ptr(), Dy: dy, Y: y, Norm: norm, Present: present, Count: count,
		Rows: int32(dx.Dim(0)), Cols: int32(dx.Dim(1)), Eps: float32(eps)}, dx)
}

// rowGrid gives a warp to each row.
func (c *gpu) rowGrid(rows int) driver.Grid { return c.grid(32*rows, 1) }

// Sizes of kernels/infonce.cuh.
const (
	nceTile    = 64          // candidates of a tile
	nceStride  = 132         // floats of a row of a tile in shared memory
	nceLine    = nceTile + 4 // floats of a row of logits in shared memory
	nceChunk   = 128         // features in shared memory at a time
	nceDeclare = 4 << 10     // bytes of shared memory that the kernels declare themselves, at most
	nceSingle  = 1 << 10     // rows that the one-launch form takes, at most
	nceSums    = 10          // floats of sums for every row
	nceParts   = 2 * 5       // floats of sums for every row and part of the tiled form
)

// nceWork is the floats of work of the one-launch form: unit rows and their gradient on both sides, sums, lengths.
func nceWork(n, d int) int { return (4*d + nceSums + 2) * n }

func (a *nce) sharpness() float32 { return float32(1 / a.spec.Tau) }
func (a *nce) lambda() float32    { return float32(a.spec.Lambda) }

func (c *gpu) infoNCE(a *nce) {
	if rows := c.nceRows(a.z.Dim(0)); rows > 0 {
		c.infoNCESingle(a, rows)
		return
	}
	c.infoNCETiled(a)
}

// nceRows returns how many rows a block of the one-launch form takes, the fewest at which all blocks are resident
// together; 0 where that form does not fit.
func (c *gpu) nceRows(n int) int {
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

func (c *gpu) infoNCESingle(a *nce, rows int) {
	n, d := a.dims()
	work := c.scratch(4 * nceWork(n, d)) // where the gate is too
	lo, hi := a.anchors()
	g := driver.Grid{Blocks: [3]int{2 * ((n + rows - 1) / rows)}, Threads: [3]int{threads}, Shared: nceShared(n, rows), Cooperative: true}
	launch(c, "infonce_single", a.z.dtype, g, &kernels.InfonceSingle{Loss: a.loss.ptr(), Dz: a.dz.ptr(), Dw: a.dw.ptr(), Z: a.z.ptr(), W: a.w.ptr(),
		Present: a.present.ptr(), Group: a.group.ptr(), Scale: a.scale.ptr(), Work: uint64(work), Gate: uint64(c.gate),
		N: int32(n), D: int32(d), Lo: int32(lo), Hi: int32(hi), Pairs: int32(a.spec.Pairs), Rows: int32(rows), Sharpness: a.sharpness(), Lambda: a.lambda(), Least: nceFloor}, a.z, a.w, a.dz, a.dw)
}

// nceAreas returns how many areas the rows, and the columns, are cut into: about two areas to a multiprocessor; and the
// tiles on a side of an area.
func (c *gpu) nceAreas(n int) (parts, per int) {
	tiles, side := (n+nceTile-1)/nceTile, 1
	for side*side < 2*c.dev.Info().Multiprocs {
		side++
	}
	per = (tiles + side - 1) / side
	return (tiles + per - 1) / per, per
}

// nceTiled is the scratch memory of the tiled form, by offsets in bytes: sums of the rows and of parts of them, the number
// of rows present, then for either side the unit rows, their lengths and their gradient.
type nceTiled struct {
	partial, count    int
	unit, norms, pull [2]int
	bytes             int
}

func (c *gpu) nceTiledScratch(n, d int) nceTiled {
	parts, _ := c.nceAreas(n)
	var t nceTiled
	take := func(floats int) int {
		at := t.bytes
		t.bytes += aligned(4 * floats)
		return at
	}
	take(nceSums * n)
	t.partial, t.count = take(nceParts*parts*n), take(1)
	for side := range 2 {
		t.unit[side], t.norms[side], t.pull[side] = take(n*d), take(n), take(n*d)
	}
	return t
}

func (c *gpu) infoNCETiled(a *nce) {
	n, d := a.dims()
	parts, per := c.nceAreas(n)
	lo, hi := a.anchors()
	s := c.nceTiledScratch(n, d)
	work := c.scratch(s.bytes)
	on := func(offset int) uint64 { return uint64(work.Add(offset)) }
	u, v := on(s.unit[0]), on(s.unit[1])
	for side, x := range []Tensor{a.z, a.w} {
		c.l2Norm(on(s.unit[side]), on(s.norms[side]), x, nceFloor)
	}
	shared := 4 * (2*nceTile*nceStride + nceTile*nceLine)
	area := driver.Grid{Blocks: [3]int{parts, parts}, Threads: [3]int{threads}, Shared: shared}
	launch(c, "infonce_partial", F32, area, &kernels.InfoncePartial{Partial: on(s.partial), U: u, V: v,
		Present: a.present.ptr(), Group: a.group.ptr(), N: int32(n), D: int32(d), Lo: int32(lo), Hi: int32(hi), Pairs: int32(a.spec.Pairs), Per: int32(per), Sharpness: a.sharpness()}, a.z, a.w)
	launch(c, "infonce_merge", F32, c.grid(2*n, 1), &kernels.InfonceMerge{Work: uint64(work), Partial: on(s.partial),
		Present: a.present.ptr(), N: int32(n), Lo: int32(lo), Hi: int32(hi), Parts: int32(parts)})
	launch(c, "infonce_finish", F32, oneBlock(), &kernels.InfonceFinish{Loss: a.loss.ptr(), Count: on(s.count), Work: uint64(work),
		Present: a.present.ptr(), N: int32(n), Lo: int32(lo), Hi: int32(hi), Lambda: a.lambda()})
	if !a.dz.Ok() {
		return
	}
	strips := driver.Grid{Blocks: [3]int{(n + nceTile - 1) / nceTile, (d + nceChunk - 1) / nceChunk, 2}, Threads: [3]int{threads}, Shared: shared}
	launch(c, "infonce_backward", F32, strips, &kernels.InfonceBackward{Du: on(s.pull[0]), Dv: on(s.pull[1]), U: u, V: v,
		Present: a.present.ptr(), Group: a.group.ptr(), Scale: a.scale.ptr(), Count: on(s.count), Work: uint64(work),
		N: int32(n), D: int32(d), Lo: int32(lo), Hi: int32(hi), Pairs: int32(a.spec.Pairs), Sharpness: a.sharpness(), Lambda: a.lambda()}, a.z, a.w, a.dz, a.dw)
	for side, dx := range []Tensor{a.dz, a.dw} {
		c.l2NormBackward(dx, on(s.pull[side]), on(s.unit[side]), on(s.norms[side]), a.present.ptr(), on(s.count), nceFloor)
	}
}

// oneBlock is a grid of one block.
func oneBlock() driver.Grid { return driver.Grid{Blocks: [3]int{1}, Threads: [3]int{threads}} }

func (c *gpu) softmaxCrossEntropy(loss, dx, x, labels, scale Tensor) {
	n, k := x.Dim(0), x.Dim(1)
	rows := aligned(16 * n)
	work := c.scratch(rows + 4*n)
	launch(c, "softmaxce_forward", x.dtype, c.rowGrid(n), &kernels.SoftmaxceForward{Rows: uint64(work), Losses: uint64(work.Add(rows)),
		X: x.ptr(), Labels: labels.ptr(), N: int32(n), K: int32(k)}, x)
	launch(c, "softmaxce_finish", F32, oneBlock(), &kernels.SoftmaxceFinish{Loss: loss.ptr(), Losses: uint64(work.Add(rows)), Labels: labels.ptr(), N: int32(n)})
	if dx.Ok() {
		launch(c, "softmaxce_backward", x.dtype, c.rowGrid(n), &kernels.SoftmaxceBackward{Dx: dx.ptr(), X: x.ptr(), Rows: uint64(work),
			Loss: loss.ptr(), Scale: scale.ptr(), N: int32(n), K: int32(k)}, dx, x)
	}
}

// infoNCEPair gives a warp to each row.
func (c *gpu) infoNCEPair(a *ncePair) {
	rows, d, n := a.unit.Dim(0), a.unit.Dim(1), a.across.Dim(1)
	launch(c, "infonce_pair", F32, c.rowGrid(rows), &kernels.InfoncePair{Value: a.value.ptr(), Dunit: a.dunit.ptr(), Across: a.across.ptr(),
		Unit: a.unit.ptr(), Partner: a.partner.ptr(), Lse: a.lse.ptr(), Fixed: a.fixed.ptr(), Rows: int32(rows), N: int32(n), D: int32(d),
		Pairs: int32(a.partner.Dim(0)), Asked: a.spec.Asked, Asks: a.spec.Asks, Own: a.spec.Own, Base: a.spec.Base}, a.across, a.unit, a.dunit)
}
