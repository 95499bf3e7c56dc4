package gpu

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
