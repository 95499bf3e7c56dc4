package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"fmt"
)

// Pairs says what the loss does with other pairs of one group (one person, or twins).
type Pairs uint8

const (
	AvoidPairs    Pairs = 0                   // nothing: the sampler keeps them out of the batch
	MaskPairs     Pairs = kernels.NceMask     // they leave the denominators
	PositivePairs Pairs = kernels.NcePositive // they are positives too: the mean over all positives
)

// InfoNCESpec has the constants of the contrastive loss.
type InfoNCESpec struct {
	Tau    float64 // temperature
	Lambda float64 // weight of image to genetics; 1 - Lambda of genetics to image
	Pairs  Pairs
	Lo, Hi int // the anchors [Lo, Hi) alone; both 0: all rows
}

// nceFloor is the least length that a row is divided by (method: max(|z|, 1e-12)).
const nceFloor = 1e-12

// nce is one call of InfoNCE.
type nce struct {
	loss, dz, dw, z, w, present, group, scale Tensor
	spec                                      InfoNCESpec
}

// InfoNCE computes the contrastive loss of embeddings z, w [N, D], whose rows are scaled to unit length (method of ContIG,
// Taleb et al. 2022, eq. 1-3): loss [4] = {L, image to genetics, genetics to image, number of rows present}, and dz, dw =
// the gradients of L times scale [1]. Rows whose present [N] (U8) is 0 take no part, whatever they hold, and have
// gradient 0; with fewer than 2 rows all is 0. group [N] (I32) may be left out where Pairs is AvoidPairs; dz and dw
// may be left out together, with scale. All between z and dz is float32 at least. On a GPU it is one launch for up to 1,024
// rows, beyond that eight, with memory O(N D) and products on tensor cores that are as exact as float32's (kernels/tensorcore.cuh).
//
// Of the anchors [spec.Lo, spec.Hi), images and genetics, it computes their share: the terms in which they look for their
// partners among all rows, divided as ever by the number of all rows present, and the gradients of these terms, which
// reach every row. Over a partition of [0, N) the four losses, the last of which then is the number of anchors present, and
// the gradients add up to those of the whole.
func InfoNCE(loss, dz, dw, z, w, present, group, scale Tensor, spec InfoNCESpec) {
	a := &nce{loss, dz, dw, z, w, present, group, scale, spec}
	a.check()
	if z.Dim(0) == 0 {
		Fill(loss, 0)
		return
	}
	computeCounted(z, func() { infoNCE[float32](a) }, func() { infoNCE[float64](a) }, func(c *gpu) { c.infoNCE(a) })
}

func (a *nce) dims() (n, d int) { return a.z.Dim(0), a.z.Dim(1) }

// anchors returns the range of the rows that ask.
func (a *nce) anchors() (lo, hi int) {
	if a.spec.Lo == 0 && a.spec.Hi == 0 {
		return 0, a.z.Dim(0)
	}
	return a.spec.Lo, a.spec.Hi
}

func (a *nce) check() {
	z, spec := a.z, a.spec
	wantFloat("InfoNCE", "z", z, 2)
	wantLike("InfoNCE", "w", a.w, z)
	wantOptional("InfoNCE", "dz", a.dz, z)
	wantOptional("InfoNCE", "dw", a.dw, z)
	want("InfoNCE", "loss", a.loss, z, vectorType(z), 4)
	want("InfoNCE", "present", a.present, z, U8, z.Dim(0))
	if a.group.Ok() || spec.Pairs != AvoidPairs {
		want("InfoNCE", "group", a.group, z, I32, z.Dim(0))
	}
	if a.dz.Ok() != a.dw.Ok() {
		panic("gpu: InfoNCE: of dz and dw one is left out, want both or none")
	}
	if a.dz.Ok() {
		want("InfoNCE", "scale", a.scale, z, vectorType(z), 1)
	}
	if spec.Lo < 0 || spec.Hi < spec.Lo || spec.Hi > z.Dim(0) {
		panic(fmt.Sprintf("gpu: InfoNCE: anchors are [%d, %d), want a part of [0, %d)", spec.Lo, spec.Hi, z.Dim(0)))
	}
	if !(spec.Tau > 0) {
		panic(fmt.Sprintf("gpu: InfoNCE: tau is %g, want > 0", spec.Tau))
	}
}

// InfoNCEScratch returns the bytes that InfoNCE takes on d for n rows of dim float32 elements beside its arguments: on a
// GPU a few times those of the rows, on the CPU, which writes the logits out, 16 n^2 beside.
func InfoNCEScratch(d *Device, n, dim int) (bytes int) {
	host := func() { bytes = 8 * contrastWork(n, dim) }
	d.compute(F32, forms{host, host, func(c *gpu) {
		if bytes = c.nceTiledScratch(n, dim).bytes; c.nceRows(n) > 0 {
			bytes = 4 * nceWork(n, dim)
		}
	}})
	return bytes
}

// Sizes of the loss beside those of kernels/infonce.cuh.
const (
	nceDeclare = 4 << 10 // bytes of shared memory that the kernels declare themselves, at most
	nceSingle  = 1 << 10 // rows that the one-launch form takes, at most
	nceSums    = 10      // floats of sums for every row
	nceParts   = 2 * 5   // floats of sums for every row and part of the tiled form
)

// nceWork is the floats of work of the one-launch form: unit rows and their gradient on both sides, sums, lengths.
func nceWork(n, d int) int { return (4*d + nceSums + 2) * n }

func (a *nce) sharpness() float32 { return float32(1 / a.spec.Tau) }

func (a *nce) lambda() float32 { return float32(a.spec.Lambda) }

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
	line := (n + kernels.NceTile - 1) / kernels.NceTile * kernels.NceTile
	return 4 * (rows*kernels.NceStride + kernels.NceTile*kernels.NceStride + rows*line)
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

// nceAreas returns how many areas the rows, and the columns, are cut into: at most two areas to a multiprocessor, which holds as many
// at a time; and the tiles on a side of an area.
func (c *gpu) nceAreas(n int) (parts, per int) {
	tiles, side := (n+kernels.NceTile-1)/kernels.NceTile, 1
	for (side+1)*(side+1) <= 2*c.dev.Info().Multiprocs {
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
	shared := 4 * (2*kernels.NceTile*kernels.NceChunk + kernels.NceTile*kernels.NceTile)
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
	strips := driver.Grid{Blocks: [3]int{(n + kernels.NceTile - 1) / kernels.NceTile, (d + kernels.NceChunk - 1) / kernels.NceChunk, 2}, Threads: [3]int{threads}, Shared: shared}
	launch(c, "infonce_backward", F32, strips, &kernels.InfonceBackward{Du: on(s.pull[0]), Dv: on(s.pull[1]), U: u, V: v,
		Present: a.present.ptr(), Group: a.group.ptr(), Scale: a.scale.ptr(), Count: on(s.count), Work: uint64(work),
		N: int32(n), D: int32(d), Lo: int32(lo), Hi: int32(hi), Pairs: int32(a.spec.Pairs), Sharpness: a.sharpness(), Lambda: a.lambda()}, a.z, a.w, a.dz, a.dw)
	for side, dx := range []Tensor{a.dz, a.dw} {
		c.l2NormBackward(dx, on(s.pull[side]), on(s.unit[side]), on(s.norms[side]), a.present.ptr(), on(s.count), nceFloor)
	}
}
