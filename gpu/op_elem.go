package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
)

// Fill sets every element of t to v, converted to its type.
func Fill(t Tensor, v float64) {
	switch {
	case t.dev.gpu != nil:
		t.dev.gpu.fill(t, v)
		return
	case t.dev.kind == plan:
		return
	}
	switch t.dtype {
	case F32:
		fill(t, float32(v))
	case F64:
		fill(t, v)
	case I32:
		fill(t, int32(v))
	case U8:
		fill(t, uint8(v))
	case BF16, F16:
		for i, h := 0, halfOf(t.dtype, v); i < t.Len(); i++ {
			t.halves()[i] = h
		}
	}
}

func fill[E Element](t Tensor, v E) {
	x := host[E](t)
	blocks(t.dev, len(x), func(lo, hi int) {
		x := x[lo:hi]
		if v == 0 {
			clear(x) // the library's own, at the speed of memory
			return
		}
		for i := range x {
			x[i] = v
		}
	})
}

// Copy copies src into dst, of the same type and shape.
func Copy(dst, src Tensor) {
	wantLike("Copy", "src", src, dst)
	switch {
	case dst.dev.gpu != nil:
		dst.dev.gpu.tally.add("copy", 0, dst, src)
		dst.dev.gpu.dev.Copy(dst.at, src.at, dst.Bytes())
		return
	case dst.dev.kind == plan:
		return
	}
	d, s := bytesOf(dst), bytesOf(src)
	cut(dst.dev, len(d), 8*blockLen, func(lo, hi int) { copy(d[lo:hi], s[lo:hi]) })
}

func bytesOf(t Tensor) []byte {
	return host[byte](Tensor{dev: t.dev, rank: 1, dims: [4]int{t.Bytes()}, mem: t.mem})
}

// Add computes y = a + b; y may be a or b.
func Add(y, a, b Tensor) {
	wantFloat("Add", "y", y)
	wantLike("Add", "a", a, y)
	wantLike("Add", "b", b, y)
	compute(y, func() { add[float32](y, a, b) }, func() { add[float64](y, a, b) }, func(c *gpu) { c.add(y, a, b) })
}

func add[F Float](ty, ta, tb Tensor) {
	y, a, b, p := host[F](ty), host[F](ta), host[F](tb), ty.dev.pool
	blocks(ty.dev, len(y), func(lo, hi int) { cpukern.Add(p, y[lo:hi], a[lo:hi], b[lo:hi]) })
}

// ReLU computes y = max(x, 0); y may be x.
func ReLU(y, x Tensor) {
	wantFloat("ReLU", "y", y)
	wantLike("ReLU", "x", x, y)
	compute(y, func() { relu[float32](y, x) }, func() { relu[float64](y, x) }, func(c *gpu) { c.relu(y, x) })
}

func relu[F Float](ty, tx Tensor) {
	y, x, p := host[F](ty), host[F](tx), ty.dev.pool
	blocks(ty.dev, len(y), func(lo, hi int) { cpukern.ReLU(p, y[lo:hi], x[lo:hi]) })
}

// ReLUBackward computes dx = dy where y > 0, else 0; dx may be dy.
func ReLUBackward(dx, dy, y Tensor) {
	wantFloat("ReLUBackward", "dx", dx)
	wantLike("ReLUBackward", "dy", dy, dx)
	wantLike("ReLUBackward", "y", y, dx)
	compute(dx, func() { reluBackward[float32](dx, dy, y) }, func() { reluBackward[float64](dx, dy, y) }, func(c *gpu) { c.reluBackward(dx, dy, y) })
}

func reluBackward[F Float](tdx, tdy, ty Tensor) {
	dx, dy, y, p := host[F](tdx), host[F](tdy), host[F](ty), tdx.dev.pool
	blocks(tdx.dev, len(dx), func(lo, hi int) { cpukern.ReLUBackward(p, dx[lo:hi], dy[lo:hi], y[lo:hi]) })
}

// MaskRows copies the rows of x [N, ...] whose present [N] (U8) is not 0 and writes 0 into the others, whatever
// x holds there; y may be x.
func MaskRows(y, x, present Tensor) {
	wantFloat("MaskRows", "y", y)
	wantLike("MaskRows", "x", x, y)
	want("MaskRows", "present", present, y, U8, y.Dim(0))
	compute(y, func() { maskRows[float32](y, x, present) }, func() { maskRows[float64](y, x, present) },
		func(c *gpu) { c.maskRows(y, x, present) })
}

func maskRows[F Float](ty, tx, tp Tensor) {
	y, x, present := host[F](ty), host[F](tx), host[uint8](tp)
	c := len(y) / max(1, len(present))
	cut(ty.dev, len(present), rowsPer(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			if present[r] == 0 {
				clear(y[r*c : (r+1)*c])
				continue
			}
			copy(y[r*c:(r+1)*c], x[r*c:(r+1)*c])
		}
	})
}

// AddBias computes y = x + bias for x [..., F] and bias [F]; y may be x.
func AddBias(y, x, bias Tensor) { biased("AddBias", y, x, bias, false) }

// AddBiasReLU computes y = max(x + bias, 0) for x [..., F] and bias [F]; y may be x.
func AddBiasReLU(y, x, bias Tensor) { biased("AddBiasReLU", y, x, bias, true) }

func biased(op string, y, x, bias Tensor, relu bool) {
	wantFloat(op, "y", y)
	wantLike(op, "x", x, y)
	want(op, "bias", bias, y, vectorType(y), y.Dim(y.Rank()-1))
	compute(y, func() { addBias[float32](y, x, bias, relu) }, func() { addBias[float64](y, x, bias, relu) },
		func(c *gpu) { c.addBias(y, x, bias, relu) })
}

func addBias[F Float](ty, tx, tb Tensor, relu bool) {
	y, x, bias, p := host[F](ty), host[F](tx), host[F](tb), ty.dev.pool
	c := len(bias)
	cut(ty.dev, len(y)/max(1, c), rowsPer(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := y[r*c : (r+1)*c]
			cpukern.Add(p, row, x[r*c:(r+1)*c], bias)
			if relu {
				cpukern.ReLU(p, row, row)
			}
		}
	})
}

// SumRows adds the sum of the rows of dy [..., F] to db [F]: the gradient of a bias.
func SumRows(db, dy Tensor) {
	wantFloat("SumRows", "dy", dy)
	want("SumRows", "db", db, dy, vectorType(dy), dy.Dim(dy.Rank()-1))
	compute(dy, func() { sumRows[float32](db, dy) }, func() { sumRows[float64](db, dy) }, func(c *gpu) { c.sumRows(db, dy) })
}

func sumRows[F Float](tdb, tdy Tensor) {
	db, dy, p := host[F](tdb), host[F](tdy), tdb.dev.pool
	c := len(db)
	r := rowCut(len(dy)/max(1, c), c, tdy.dtype.Size())
	part := make([]float64, r.units*c)
	p.Run(r.units, func(_, u int) {
		cpukern.ColSum(p, part[u*c:(u+1)*c], dy[u*r.perUnit*c:min(r.rows, (u+1)*r.perUnit)*c])
	})
	for j := range db {
		s := 0.0
		for u := range r.units {
			s += part[u*c+j]
		}
		db[j] += F(s)
	}
}

func addTo[F Float](sum []float64, acc []F) {
	for j, v := range acc {
		sum[j] += float64(v)
	}
}

// rowUnits cuts rows into at most 64 units, and each into blocks that stay in the second-level cache and whose
// sums are short enough for float32. It depends on the shape only.
type rowUnits struct{ rows, units, perUnit, perBlock int }

func rowCut(rows, c, size int) rowUnits {
	const blockBytes, maxUnits, maxBlock = 128 << 10, 64, 256
	block := min(maxBlock, max(4, blockBytes/max(1, c*size)))
	per := max(block, (rows+maxUnits-1)/maxUnits)
	return rowUnits{rows: rows, units: (rows + per - 1) / per, perUnit: per, perBlock: block}
}

// each calls f for every block of unit u.
func (r rowUnits) each(u int, f func(lo, hi int)) {
	end := min(r.rows, (u+1)*r.perUnit)
	for lo := u * r.perUnit; lo < end; lo += r.perBlock {
		f(lo, min(end, lo+r.perBlock))
	}
}
