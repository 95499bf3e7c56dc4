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
	cols, terms := p.kernels.cols, ch.terms()
	k := 0
	for t := ch.t0; t < ch.t1; t++ {
		for q := ch.c0; q < ch.c1; q++ {
			at := t*p.cin + q
			if p.bRow != nil {
				at = p.bRow(at)
			} else {
				at *= p.ldb
			}
			src := p.b[at+j0*cols : at+min(p.n, j1*cols)]
			d := dst[k*cols:]
			for ; len(src) >= cols; src = src[cols:] {
				copy(d[:cols], src)
				if len(src) > cols {
					d = d[terms*cols:]
				}
			}
			if len(src) > 0 {
				if j1-j0 > 1 {
					d = dst[((j1-j0-1)*terms+k)*cols:]
				}
				clear(d[copy(d[:cols], src):cols])
			}
			k++
		}
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
