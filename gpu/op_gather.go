package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"fmt"
	"math"
)

// Genetics of all persons stay on the device, packed; a batch names its persons. In the operations here index [B] (I32)
// has the rows to take; -1 is a person without the data, whose row becomes zeros, and any other index outside the table
// gives NaN.

// DecodeGenotypes writes lut[f][code] for the genotypes of persons: y [B, F]; packed [P, (F+3)/4] (U8) has a person's
// codes of 2 bits, low bits first, as PLINK's .bed has those of a variant, but a row to a person: a batch then reads
// whole rows, where the .bed's order would touch every variant's row for each person. lut [F, 4] says what each code
// means: imputation and scaling are in it. y may be of any float type, lut is of the vector type.
func DecodeGenotypes(y, packed, index, lut Tensor) {
	wantPacked("DecodeGenotypes", y, packed, index, lut, 2)
	compute(y, func() { decodeCodes[float32](y, packed, index, lut, 2) }, func() { decodeCodes[float64](y, packed, index, lut, 2) },
		func(c *gpu) { c.decodeGenotypes(y, packed, index, lut) })
}

// DecodeBits is DecodeGenotypes for tables of 1 bit, carriers of burdens: packed [P, (F+7)/8], lut [F, 2].
func DecodeBits(y, packed, index, lut Tensor) {
	wantPacked("DecodeBits", y, packed, index, lut, 1)
	compute(y, func() { decodeCodes[float32](y, packed, index, lut, 1) }, func() { decodeCodes[float64](y, packed, index, lut, 1) },
		func(c *gpu) { c.decodeBits(y, packed, index, lut) })
}

// DecodeBytes is DecodeGenotypes for tables of 8 bits, dosages of at most 256 values a feature: packed [P, F], lut [F, 256].
func DecodeBytes(y, packed, index, lut Tensor) {
	wantPacked("DecodeBytes", y, packed, index, lut, 8)
	compute(y, func() { decodeCodes[float32](y, packed, index, lut, 8) }, func() { decodeCodes[float64](y, packed, index, lut, 8) },
		func(c *gpu) { c.decodeBytes(y, packed, index, lut) })
}

func wantPacked(op string, y, packed, index, lut Tensor, bits int) {
	wantFloat(op, "y", y, 2)
	if packed.Rank() != 2 {
		panic(fmt.Sprintf("gpu: %s: packed is %s, want rank [2]", op, shape(packed.dims[:packed.rank])))
	}
	want(op, "packed", packed, y, U8, packed.Dim(0), (y.Dim(1)*bits+7)/8)
	want(op, "index", index, y, I32, y.Dim(0))
	want(op, "lut", lut, y, vectorType(y), y.Dim(1), 1<<bits)
}

func decodeCodes[F Float](ty, packed, index, tlut Tensor, bits int) {
	bytes, lut, stride, codes := host[uint8](packed), host[F](tlut), packed.Dim(1), 1<<bits
	eachPerson(ty, index, packed.Dim(0), func(row []F, person int) {
		own := bytes[person*stride : (person+1)*stride]
		for f := range row {
			at := f * bits
			row[f] = lut[f*codes+int(own[at>>3]>>(at&7))&(codes-1)]
		}
	})
}

// eachPerson calls fill for each row of the batch whose person is in the table, and writes zeros or NaN to the others.
func eachPerson[F Float](ty, index Tensor, persons int, fill func(row []F, person int)) {
	y, at, features := host[F](ty), host[int32](index), ty.Dim(1)
	cut(ty.dev, len(at), rowsPer(features), func(lo, hi int) {
		for b := lo; b < hi; b++ {
			row, person := y[b*features:(b+1)*features], int(at[b])
			switch {
			case person >= 0 && person < persons:
				fill(row, person)
			case person == -1:
				clear(row)
			default:
				for f := range row {
					row[f] = F(math.NaN())
				}
			}
		}
	})
}

// GatherRows writes scale * x + shift of rows x of table [P, F], which is U8 (counts) or of the vector type: y [B, F].
// scale and shift [F], of the vector type, may each be left out. y may be of any float type.
func GatherRows(y, table, index, scale, shift Tensor) {
	wantFloat("GatherRows", "y", y, 2)
	if v := vectorType(y); table.dtype != v && table.dtype != U8 || table.Rank() != 2 {
		panic(fmt.Sprintf("gpu: GatherRows: table is %v %s, want %v or u8 of rank [2]", table.dtype, shape(table.dims[:table.rank]), v))
	}
	want("GatherRows", "table", table, y, table.dtype, table.Dim(0), y.Dim(1))
	want("GatherRows", "index", index, y, I32, y.Dim(0))
	for name, t := range map[string]Tensor{"scale": scale, "shift": shift} {
		if t.Ok() {
			want("GatherRows", name, t, y, vectorType(y), y.Dim(1))
		}
	}
	compute(y, func() { gatherTable[float32](y, table, index, scale, shift) }, func() { gatherTable[float64](y, table, index, scale, shift) },
		func(c *gpu) { c.gatherRows(y, table, index, scale, shift) })
}

func gatherTable[F Float](y, table, index, scale, shift Tensor) {
	if table.dtype == U8 {
		gatherOf[F, uint8](y, table, index, scale, shift)
		return
	}
	gatherOf[F, F](y, table, index, scale, shift)
}

func gatherOf[F Float, X uint8 | float32 | float64](ty, table, index, tk, ts Tensor) {
	x, scale, shift, features := host[X](table), host[F](tk), host[F](ts), ty.Dim(1)
	eachPerson(ty, index, table.Dim(0), func(row []F, person int) {
		own := x[person*features : (person+1)*features]
		for f := range row {
			v := F(own[f])
			if scale != nil {
				v *= scale[f]
			}
			if shift != nil {
				v += shift[f]
			}
			row[f] = v
		}
	})
}

// gatherGrid gives 4 features and 8 rows to a thread.
func gatherGrid(y Tensor) driver.Grid {
	quads := (y.Dim(1) + 3) / 4
	return driver.Grid{Blocks: [3]int{(quads + threads - 1) / threads, (y.Dim(0) + kernels.GatherRows - 1) / kernels.GatherRows}, Threads: [3]int{threads}}
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
