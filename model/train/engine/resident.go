package engine

import (
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A residentTable is one modality of all persons.
type residentTable struct {
	*data.Packed
	rows gpu.Tensor // [Rows, Stride], U8 or of the parameters' type
	lut  gpu.Tensor // [Features, 2^Bits]; the zero Tensor where features are no codes: of 8 bits, where they are whole numbers
}

// layTables deals the tensors of what stays on a device for as long as batches come out of a: the tables of all persons,
// packed, and what normalises pixels.
func layTables(a *gpu.Arena, dtype gpu.DType, packed []*data.Packed) (norm gpu.Tensor, tables []residentTable) {
	dtype = nn.Master(dtype)
	norm = a.New(dtype, len(data.Dims{}.Norm))
	for _, p := range packed {
		t := residentTable{Packed: p}
		switch {
		case p.Bits == 32:
			t.rows = a.New(dtype, p.Rows(), p.Stride())
		case p.LUT == nil:
			t.rows = a.New(gpu.U8, p.Rows(), p.Stride())
		default:
			t.rows, t.lut = a.New(gpu.U8, p.Rows(), p.Stride()), a.New(dtype, p.Features, 1<<p.Bits)
		}
		tables = append(tables, t)
	}
	return norm, tables
}

// fillBytes is what rows are packed in at a time on their way to the device: a few hundred persons of two-bit codes.
const fillBytes = 1 << 20

// fill packs the rows and copies them to the device, some at a time, so that the host never holds a second table.
func (t residentTable) fill() {
	if t.lut.Ok() {
		gpu.Write(t.lut, t.LUT)
	}
	if t.Bits == 32 {
		fillRows(t.rows, t.Packed.Values)
		return
	}
	fillRows(t.rows, t.Packed.Codes)
}

// fillRows copies to rows [N, S] what read gives of them.
func fillRows[E gpu.Element](rows gpu.Tensor, read func(dst []E, lo, hi int)) {
	n, stride := rows.Dim(0), rows.Dim(1)
	step := max(1, min(n, fillBytes/(stride*rows.DType().Size())))
	part := make([]E, step*stride)
	for lo := 0; lo < n; lo += step {
		hi := min(n, lo+step)
		read(part, lo, hi)
		gpu.Write(rows.Slice(lo*stride, hi*stride), part[:(hi-lo)*stride])
	}
}

// gather queues y [N, F] = the features of rows index [N], zeros where it is -1.
func (t residentTable) gather(y, index gpu.Tensor) {
	switch {
	case t.Bits == 1:
		gpu.DecodeBits(y, t.rows, index, t.lut)
	case t.Bits == 2:
		gpu.DecodeGenotypes(y, t.rows, index, t.lut)
	case t.LUT != nil:
		gpu.DecodeBytes(y, t.rows, index, t.lut)
	default:
		gpu.GatherRows(y, t.rows, index, gpu.Tensor{}, gpu.Tensor{})
	}
}
