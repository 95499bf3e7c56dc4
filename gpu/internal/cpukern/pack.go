package cpukern

// packB packs the panels [j0, j1) of a chunk of B: each is rows of as many columns as a tile has, the last
// one filled with zeros.
func (p *product[F]) packB(dst []F, ch chunk, j0, j1 int) {
	if p.transB {
		for j := j0; j < j1; j++ {
			p.packColumns(dst[(j-j0)*ch.terms()*p.kernels.cols:], ch, j)
		}
		return
	}
	k := 0
	for t := ch.t0; t < ch.t1; t++ {
		for q := ch.c0; q < ch.c1; q++ {
			from := t*p.cin + q
			if p.bRow != nil {
				from = p.bRow(from)
			} else {
				from *= p.ldb
			}
			p.packRow(dst[k*p.kernels.cols:], ch.terms(), from, j0, j1)
			k++
		}
	}
}

// packRow packs one row of B, which begins at from, into the same row of the panels [j0, j1) of terms rows.
func (p *product[F]) packRow(dst []F, terms, from, j0, j1 int) {
	cols := p.kernels.cols
	col, end := j0*cols, min(p.n, j1*cols)
	next := p.n // column where the next piece begins
	if p.piece > 0 {
		i := col / p.piece
		from, next = from+i*(p.jump-p.piece), (i+1)*p.piece
	}
	for j := range j1 - j0 {
		d := dst[j*terms*cols:][:cols]
		stop := min(end, col+cols)
		if stop <= next && stop-col == cols {
			copyWhole(d, p.b[from+col:])
			col = stop
			d = nil
		}
		for len(d) > 0 && col < stop {
			n := copy(d, p.b[from+col:from+min(stop, next)])
			if d, col = d[n:], col+n; col == next && p.piece > 0 {
				from, next = from+p.jump-p.piece, next+p.piece
			}
		}
		if col == next && p.piece > 0 {
			from, next = from+p.jump-p.piece, next+p.piece
		}
		clear(d)
	}
}

// copyWhole copies len(dst) elements, without a call where that is the columns of a tile.
func copyWhole[F Float](dst, src []F) {
	switch {
	case len(dst) == 32 && len(src) >= 32:
		*(*[32]F)(dst) = *(*[32]F)(src)
	case len(dst) == 16 && len(src) >= 16:
		*(*[16]F)(dst) = *(*[16]F)(src)
	default:
		copy(dst, src)
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

// packRows packs the rows [i0, i1) of a chunk of A, which is stored as [k,m], into tiles; rows past the last
// are zero.
func (p *product[F]) packRows(dst []F, ch chunk, i0, i1 int) {
	rows, terms := p.rows, ch.terms()
	for k := range terms {
		src := p.a[(ch.c0+k)*p.lda+i0:][:i1-i0]
		d := dst[k*rows:]
		for len(src) > rows {
			copy12(d[:rows], src)
			src, d = src[rows:], d[terms*rows:]
		}
		clear(d[copy(d[:rows], src):rows])
	}
}

// copy12 copies len(dst) elements: without a call for the longest tile.
func copy12[F Float](dst, src []F) {
	if len(dst) == 12 && len(src) >= 12 {
		*(*[12]F)(dst) = *(*[12]F)(src)
		return
	}
	copy(dst, src)
}
