package gpu

import "fmt"

// Pairs says what the loss does with other pairs of one group (one person, or twins).
type Pairs uint8

const (
	AvoidPairs    Pairs = iota // nothing: the sampler keeps them out of the batch
	MaskPairs                  // they leave the denominators
	PositivePairs              // they are positives too: the mean over all positives
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
// rows, beyond that eight, with memory O(N D).
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
func InfoNCEScratch(d *Device, n, dim int) int {
	switch {
	case d.kind == cpu:
		return 8 * contrastWork(n, dim)
	case d.gpu == nil:
		return 0
	case d.gpu.nceRows(n) > 0:
		return 4 * nceWork(n, dim)
	}
	return d.gpu.nceTiledScratch(n, dim).bytes
}
