package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// gatherBatch is the number of rows of a batch to one thread, as in kernels/genotype.cu.
const gatherBatch = 8

// gatherGrid gives 4 features and 8 rows to a thread.
func gatherGrid(y Tensor) driver.Grid {
	quads := (y.Dim(1) + 3) / 4
	return driver.Grid{Blocks: [3]int{(quads + threads - 1) / threads, (y.Dim(0) + gatherBatch - 1) / gatherBatch}, Threads: [3]int{threads}}
}

func decodeArgs(y, packed, index, lut Tensor) *kernels.GenotypesForward {
	return &kernels.GenotypesForward{Y: y.ptr(), Packed: packed.ptr(), Index: index.ptr(), Lut: lut.ptr(),
		Batch: int32(y.Dim(0)), Features: int32(y.Dim(1)), Persons: int32(packed.Dim(0))}
}

func (c *gpu) decodeGenotypes(y, packed, index, lut Tensor) {
	launch(c, "genotypes_forward", y.dtype, gatherGrid(y), decodeArgs(y, packed, index, lut), y)
}

func (c *gpu) decodeBits(y, packed, index, lut Tensor) {
	launch(c, "bits_forward", y.dtype, gatherGrid(y), (*kernels.BitsForward)(decodeArgs(y, packed, index, lut)), y)
}

func (c *gpu) decodeBytes(y, packed, index, lut Tensor) {
	launch(c, "bytes_forward", y.dtype, gatherGrid(y), (*kernels.BytesForward)(decodeArgs(y, packed, index, lut)), y)
}

func (c *gpu) gatherRows(y, table, index, scale, shift Tensor) {
	args := &kernels.GatherrowsForward{Y: y.ptr(), X: table.ptr(), Index: index.ptr(), Scale: scale.ptr(), Shift: shift.ptr(),
		Batch: int32(y.Dim(0)), Features: int32(y.Dim(1)), Persons: int32(table.Dim(0))}
	if table.dtype == U8 {
		launch(c, "gatherbytes_forward", y.dtype, gatherGrid(y), (*kernels.GatherbytesForward)(args), y)
		return
	}
	launch(c, "gatherrows_forward", y.dtype, gatherGrid(y), args, y)
}

// Sizes of kernels/augment.cu.
const (
	augPixels = 1024 // of a block
	augAcross = 32   // pixels of a block of the filter
	augDown   = 8
)

func (c *gpu) augment(y, src, geometry, colour, norm Tensor) {
	n, h, w, side := src.Dim(0), src.Dim(1), src.Dim(2), y.Dim(1)
	blocks := (side*side + augPixels - 1) / augPixels
	sums := aligned(8 * 3 * blocks * n)
	work := c.scratch(sums + src.Len())
	small := uint64(work.Add(sums))
	filter := driver.Grid{Blocks: [3]int{(w + augAcross - 1) / augAcross, (h + augDown - 1) / augDown, n}, Threads: [3]int{threads}}
	launch(c, "augment_shrink", U8, filter, &kernels.AugmentShrink{Small: small, Src: src.ptr(), Geometry: geometry.ptr(), W: int32(w), H: int32(h)}, src)
	parts := driver.Grid{Blocks: [3]int{blocks, n}, Threads: [3]int{threads}}
	launch(c, "augment_sums", U8, parts, &kernels.AugmentSums{Sums: uint64(work), Src: src.ptr(), Small: small, Geometry: geometry.ptr(),
		W: int32(w), H: int32(h), Side: int32(side)}, src)
	launch(c, "augment_forward", y.dtype, parts, &kernels.AugmentForward{Out: y.ptr(), Src: src.ptr(), Small: small, Geometry: geometry.ptr(),
		Factors: colour.ptr(), Norm: norm.ptr(), Sums: uint64(work), W: int32(w), H: int32(h), Side: int32(side), Channels: int32(y.Dim(3))}, y, src)
}
