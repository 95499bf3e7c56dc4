package cpukern

import "unsafe"

// The portable twins of the kernels of Path.

const pathColsGo = 16

func pathForwardGo[F Float](y *F, ldy int, w, bias *F, order *int, parts *F, counts *int, place *F, nodes int, floor *F) {
	c, d := *(*[pathColsGo]F)(unsafe.Pointer(bias)), [pathColsGo]F{}
	i := 0
	for k := range nodes {
		for range *at2(counts, k) {
			row := (*[pathColsGo]F)(unsafe.Add(unsafe.Pointer(w), *at2(order, i)))
			a, b := *at(parts, 2*i), *at(parts, 2*i+1)
			for j, v := range row {
				c[j] += a * v
				d[j] += b * v
			}
			i++
		}
		to, x := (*[pathColsGo]F)(unsafe.Pointer(at(y, k*ldy))), *at(place, k)
		for j := range to {
			v := c[j] + x*d[j]
			if v < *floor {
				v = *floor
			}
			to[j] = v
		}
	}
}

func pathTableGo[F Float](table, dy, y *F, ld int, weight *F, nodes int, floor *F) {
	row := func(p *F, i int) *[pathColsGo]F { return (*[pathColsGo]F)(unsafe.Pointer(at(p, i))) }
	add := func(to, sum *[pathColsGo]F, k int) {
		d, v, w := row(dy, k*ld), row(y, k*ld), *at(weight, k)
		for j := range to {
			g := F(0)
			if v[j] > *floor {
				g = w * d[j]
			}
			to[j] = sum[j] + g
		}
	}
	*row(table, 0) = [pathColsGo]F{}
	for k := range nodes {
		add(row(table, (k+1)*pathColsGo), row(table, k*pathColsGo), k)
	}
	last := [pathColsGo]F{}
	for k := nodes - 1; k >= 0; k-- {
		add(row(table, (nodes+1+k)*pathColsGo), &last, k)
		last = *row(table, (nodes+1+k)*pathColsGo)
	}
}

func pathBackwardGo[F Float](sums, w, table *F, which *int, groups int) {
	for j := range groups {
		*at(sums, j) += pathDot(at(w, j*PathCols), table, *at2(which, j), pathColsGo)
	}
}

// pathDot is one unit's product with the row of table that lies offset bytes on.
func pathDot[F Float](w, table *F, offset, cols int) F {
	row, s := unsafe.Slice((*F)(unsafe.Add(unsafe.Pointer(table), offset)), cols), F(0)
	for i, v := range unsafe.Slice(w, cols) {
		s += v * row[i]
	}
	return s
}

func at2(p *int, i int) *int { return (*int)(unsafe.Add(unsafe.Pointer(p), i*int(unsafe.Sizeof(*p)))) }
