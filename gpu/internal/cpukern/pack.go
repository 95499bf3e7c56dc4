package cpukern

// rowTable sets tab to where the rows of a chunk of B begin, and returns it.
func (p *product[F]) rowTable(tab []int, ch chunk) []int {
	tab = tab[:0]
	for t := ch.t0; t < ch.t1; t++ {
		for q := ch.c0; q < ch.c1; q++ {
			if k := t*p.cin + q; p.bRow != nil {
				tab = append(tab, p.bRow(k))
			} else {
				tab = append(tab, k*p.ldb)
			}
		}
	}
	return beyond(tab)
}

// beyond appends what packers read past a table.
func beyond(tab []int) []int {
	last := tab[len(tab)-1]
	for range prefetch {
		tab = append(tab, last)
	}
	return tab
}

// packB packs the panels [j0, j1) of a chunk of B: each is rows of as many columns as a tile has, the last
// one filled with zeros. tab has room for the chunk's terms.
func (p *product[F]) packB(dst []F, tab []int, ch chunk, j0, j1 int) {
	if !p.transB {
		tab = p.rowTable(tab, ch)
	}
	size := ch.terms() * p.kernels.cols
	for j := j0; j < j1; j++ {
		d := dst[(j-j0)*size:][:size]
		if p.transB {
			p.packColumns(d, ch, j)
		} else {
			p.packPanel(d, tab, ch.terms(), j)
		}
	}
}

// A piece is columns of a panel that are neighbours in B.
type piece struct{ to, from, count int }

// pieces returns the pieces of panel j: from counts from a row's beginning.
func (p *product[F]) pieces(list []piece, j int) []piece {
	col, end := j*p.kernels.cols, min(p.n, (j+1)*p.kernels.cols)
	if p.piece == 0 {
		return append(list, piece{0, col, end - col})
	}
	for c := col; c < end; {
		i, o := c/p.piece, c%p.piece
		n := min(p.piece-o, end-c)
		list = append(list, piece{c - col, i*p.jump + o, n})
		c += n
	}
	return list
}

// packPanel packs panel j of n rows that begin at tab.
func (p *product[F]) packPanel(dst []F, tab []int, n, j int) {
	cols := p.kernels.cols
	var few [maxCols]piece
	list := p.pieces(few[:0], j)
	if p.packCols != nil && list[0].count == cols {
		p.packCols(n, &tab[0], &p.b[list[0].from], &dst[0])
		return
	}
	filled := min(cols, p.n-j*cols)
	for k, row := range tab[:n] {
		d := dst[k*cols:][:cols]
		for _, c := range list {
			copy(d[c.to:], p.b[row+c.from:][:c.count])
		}
		clear(d[filled:])
	}
}

// packColumns packs panel j of a chunk of B stored as [n,k]: the terms of a chunk are neighbours in it.
func (p *product[F]) packColumns(dst []F, ch chunk, j int) {
	cols, terms, k0 := p.kernels.cols, ch.terms(), ch.t0*p.cin+ch.c0
	n, whole := min(cols, p.n-j*cols), 0
	if p.transpose != nil && terms >= 8 {
		whole = n &^ 7
	}
	for q := 0; q < whole; q += 8 {
		p.transpose(terms/8, &p.b[(j*cols+q)*p.ldb+k0], p.ldb, &dst[q], cols)
	}
	for q := range cols {
		from := 0
		if q < whole {
			from = terms &^ 7
		}
		if q >= n {
			for k := range terms {
				dst[k*cols+q] = 0
			}
			continue
		}
		for k, v := range p.b[(j*cols+q)*p.ldb+k0:][from:terms] {
			dst[(from+k)*cols+q] = v
		}
	}
}

// packTiles packs the rows [i0, i1) of a chunk of A, which is stored as [k,m], into tiles; rows past the last
// are zero.
func (p *product[F]) packTiles(dst []F, tab []int, ch chunk, i0, i1 int) {
	rows, terms := p.rows, ch.terms()
	tab = tab[:0]
	for k := ch.c0; k < ch.c1; k++ {
		tab = append(tab, k*p.lda)
	}
	tab = beyond(tab)
	for i := i0; i < i1; i += rows {
		d, n := dst[(i-i0)*terms:], min(rows, i1-i)
		if p.kernels.packRows != nil && n == rows {
			p.kernels.packRows(terms, &tab[0], &p.a[i], &d[0])
			continue
		}
		for k, at := range tab[:terms] {
			copy(d[k*rows:], p.a[at+i:][:n])
			clear(d[k*rows+n : (k+1)*rows])
		}
	}
}
