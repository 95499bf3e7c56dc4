package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
)

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

// biasBlocks is the number of blocks to a multiprocessor.
const biasBlocks = 4

func (c *gpu) addBias(y, x, bias Tensor, relu bool) {
	s := columnsOf("AddBias", y, x)
	launch(c, "bias_forward", y.dtype, s.grid(c, kernels.BiasRows, biasBlocks), &kernels.BiasForward{Y: y.ptr(), X: x.ptr(), Bias: bias.ptr(),
		Rows: int32(s.rows), C: int32(s.c), Relu: flag(relu)}, y, x)
}

func (c *gpu) sumRows(db, dy Tensor) {
	s := columnsOf("SumRows", dy)
	g := s.grid(c, kernels.BiasRows, biasBlocks)
	part := c.scratch(4 * parts(g) * s.c)
	launch(c, "sumrows_forward", dy.dtype, g, &kernels.SumrowsForward{Db: db.ptr(), Part: uint64(part), Tickets: c.partTickets(g), Dy: dy.ptr(),
		Rows: int32(s.rows), C: int32(s.c)}, dy)
}
