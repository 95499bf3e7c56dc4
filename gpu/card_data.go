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

func (c *card) decodeGenotypes(y, packed, index, lut Tensor) {
	launch(c, "genotypes_forward", y.dtype, gatherGrid(y), decodeArgs(y, packed, index, lut))
}

func (c *card) decodeBits(y, packed, index, lut Tensor) {
	launch(c, "bits_forward", y.dtype, gatherGrid(y), (*kernels.BitsForward)(decodeArgs(y, packed, index, lut)))
}

func (c *card) gatherRows(y, table, index, scale, shift Tensor) {
	args := &kernels.GatherrowsForward{Y: y.ptr(), X: table.ptr(), Index: index.ptr(), Scale: scale.ptr(), Shift: shift.ptr(),
		Batch: int32(y.Dim(0)), Features: int32(y.Dim(1)), Persons: int32(table.Dim(0))}
	if table.dtype == U8 {
		launch(c, "gatherbytes_forward", y.dtype, gatherGrid(y), (*kernels.GatherbytesForward)(args))
		return
	}
	launch(c, "gatherrows_forward", y.dtype, gatherGrid(y), args)
}
