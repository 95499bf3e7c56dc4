package train

import (
	"slices"

	"contig-gpu/data"
)

// padded returns b with n rows in all: its last one again and again, without any modality. A GPU's libraries plan for one
// number of rows, and the last batch of an evaluation has fewer.
func padded(b *data.Batch, n int) *data.Batch {
	p := *b
	p.N, p.Present = n, nil
	for _, x := range b.Present {
		p.Present = append(p.Present, append(slices.Clip(x[:b.N]), make([]uint8, n-b.N)...))
	}
	p.Person, p.Group, p.Index = again(b.Person, b.N, n), again(b.Group, b.N, n), again(b.Index, b.N, n)
	p.Pixels, p.Geometry, p.Colour = again(b.Pixels, b.N, n), again(b.Geometry, b.N, n), again(b.Colour, b.N, n)
	return &p
}

// again returns s, which has the given number of rows, with its last one repeated until there are n.
func again[T any](s []T, rows, n int) []T {
	width := len(s) / rows
	return append(slices.Clip(s), slices.Repeat(s[(rows-1)*width:], n-rows)...)
}
