package heldout

import (
	"context"
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/explain/claims"
)

// productRows of the left side are multiplied at a time, and productColumns of the right: the device holds two blocks and their product, the host the
// products of productRows rows. Nothing grows with the square of the features.
const (
	productRows    = 256
	productColumns = 2048
)

// products is a claims.Product on a device, in float32.
func products(ctx context.Context, dev *gpu.Device) claims.Product {
	return func(a, b [][]float32, visit func(int, []float32)) error {
		if len(a) == 0 || len(b) == 0 {
			return ctx.Err()
		}
		n := len(a[0])
		if len(b[0]) != n {
			panic(fmt.Sprintf("heldout: products of rows of %d and of %d values", n, len(b[0])))
		}
		arena := dev.NamedArena("correlations", gpu.Room(func(r *gpu.Arena) { newBlocks(r, n) }))
		defer arena.Close()
		x := newBlocks(arena, n)
		all := make([]float32, productRows*len(b))
		for lo := 0; lo < len(a); lo += productRows {
			rows := a[lo:min(lo+productRows, len(a))]
			pack(x.left, rows)
			for at := 0; at < len(b); at += productColumns {
				if err := ctx.Err(); err != nil {
					return err
				}
				x.multiply(all, b[at:min(at+productColumns, len(b))], at, len(b), len(rows))
			}
			for i := range rows {
				visit(lo+i, all[i*len(b):(i+1)*len(b)])
			}
		}
		return nil
	}
}

// blocks are what is multiplied at a time.
type blocks struct{ left, right, out gpu.Tensor }

func newBlocks(a *gpu.Arena, n int) blocks {
	return blocks{a.New(gpu.F32, productRows, n), a.New(gpu.F32, productColumns, n), a.New(gpu.F32, productRows, productColumns)}
}

// multiply writes the products of the left rows with columns into all [rows, width], from column at on.
func (x blocks) multiply(all []float32, columns [][]float32, at, width, rows int) {
	pack(x.right, columns)
	gpu.MatMul(x.out, x.left, x.right, false, true, 0)
	part := make([]float32, x.out.Len())
	gpu.Read(part, x.out)
	for i := range rows {
		copy(all[i*width+at:], part[i*productColumns:i*productColumns+len(columns)])
	}
}

// pack writes rows into a block, zeros behind them.
func pack(t gpu.Tensor, rows [][]float32) {
	flat := make([]float32, 0, t.Len())
	for _, r := range rows {
		flat = append(flat, r...)
	}
	gpu.Write(t, flat[:t.Len()])
}
