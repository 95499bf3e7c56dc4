package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// targetLoss counts what is known of each column, gives a warp to each row, and sums the rows' losses in one block.
func (c *card) targetLoss(a *targets) {
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
