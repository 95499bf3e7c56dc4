package cpukern

// A block is the part of c that a unit computes, and where it keeps what it packs.
type block[F Float] struct {
	i0, i1, j0, j1 int   // rows and panels of columns
	tab            []int // where the rows of A begin
	rows           []int // where the terms begin of what is being packed
	a, b           []F
	tile, sums     []F // a tile that is not whole, and the micro's scratch
}

// unit computes one block of the grid into c, from what is packed for all units and what it packs itself.
func (p *product[F]) unit(pool *Pool, worker int, g grid, u int, list []chunk, packed packs[F], c []F) {
	bl := p.block(pool, worker, g, u)
	ownA, ownB := bl.a, bl.b
	for n, ch := range list {
		if packed.b != nil {
			bl.b = p.panel(packed.b, ch, bl.j0)
		} else {
			bl.b = ownB
			p.packB(bl.b, bl.rows, ch, bl.j0, bl.j1)
		}
		switch {
		case packed.a != nil:
			bl.a = p.tilesOf(packed.a, ch, bl.i0)
		case p.packA:
			bl.a = ownA
			p.packTiles(bl.a, bl.rows, ch, bl.i0, bl.i1)
		}
		p.tiles(&bl, ch, c, n > 0 || p.add)
	}
	if len(list) == 0 && !p.add {
		p.clear(&bl, c)
	}
}

// needs are the elements of a unit's memory: packed B and A, where the rows of A and the terms begin.
type needs struct{ b, a, tab, rows int }

func (p *product[F]) needs(g grid) needs {
	depth, rows := min(max(p.depth, 1), p.taps*p.cin), up(g.rows, p.rows)
	n := needs{b: up(depth*g.cols, 64), a: up(depth*rows, 64), tab: rows, rows: depth + prefetch}
	if !p.packA {
		n.a = 0
	}
	return n
}

// reserve gives every worker the memory of a unit, so that how much there is does not depend on who computes.
func (p *product[F]) reserve(pool *Pool, g grid) {
	n := p.needs(g)
	for i := range pool.private {
		take[F](pool, &pool.private[i].numbers, n.b+n.a+2*maxTile)
		take[int](pool, &pool.private[i].ints, n.tab+n.rows)
	}
}

// block cuts the worker's memory to the needs of unit u.
func (p *product[F]) block(pool *Pool, worker int, g grid, u int) block[F] {
	cols, n, m := p.kernels.cols, p.needs(g), &pool.private[worker]
	i, j := u/g.colBlocks, u%g.colBlocks
	b := block[F]{i0: i * g.rows, i1: min(p.m, (i+1)*g.rows), j0: j * g.cols / cols, j1: min(ceil(p.n, cols), (j+1)*g.cols/cols)}
	all := take[F](pool, &m.numbers, n.b+n.a+2*maxTile)
	b.b, b.a, b.tile, b.sums = all[:n.b], all[n.b:n.b+n.a], all[n.b+n.a:][:maxTile], all[n.b+n.a+maxTile:]
	ints := take[int](pool, &m.ints, n.tab+n.rows)
	b.tab, b.rows = ints[:n.tab], ints[n.tab:]
	for r := range b.tab {
		b.tab[r] = p.offset(min(b.i0+r, b.i1-1), r)
	}
	return b
}

// offset returns where row i of A begins, the r-th of its block.
func (p *product[F]) offset(i, r int) int {
	switch {
	case p.packA:
		return r % p.rows
	case p.row != nil:
		return p.row(i)
	}
	return i * p.lda
}

// tiles computes all tiles of a block for one chunk.
func (p *product[F]) tiles(bl *block[F], ch chunk, c []F, add bool) {
	const shallow = 64 // terms: below it c's traffic rules, so walk along its rows
	rows := p.rows
	if ch.terms() > shallow {
		for j := bl.j0; j < bl.j1; j++ {
			for i := bl.i0; i < bl.i1; i += rows {
				p.tile(bl, ch, i, j, c, add)
			}
		}
		return
	}
	for i := bl.i0; i < bl.i1; i += rows {
		for j := bl.j0; j < bl.j1; j++ {
			p.tile(bl, ch, i, j, c, add)
		}
	}
}

// tile computes the tile at row i and panel j.
func (p *product[F]) tile(bl *block[F], ch chunk, i, j int, c []F, add bool) {
	cols, terms := p.kernels.cols, ch.terms()
	bp := &bl.b[(j-bl.j0)*terms*cols]
	tab := &bl.tab[i-bl.i0]
	a, taps, tapStep, cin, step := &p.a[0], ch.t1-ch.t0, p.tapStep, ch.c1-ch.c0, p.step
	if p.packA {
		a, step = &bl.a[(i-bl.i0)*terms], p.rows
	} else if o := ch.t0*p.tapStep + ch.c0*p.step; o > 0 {
		a = &p.a[o]
	}
	m, n := min(p.rows, bl.i1-i), min(cols, p.n-j*cols)
	if m == p.rows && n == cols && p.cRow == nil && !p.transC {
		sum := 0
		if add {
			sum = 1
		}
		p.micro(a, tab, taps, tapStep, cin, step, bp, &c[i*p.ldc+j*cols], p.ldc, sum, &bl.sums[0])
		return
	}
	p.micro(a, tab, taps, tapStep, cin, step, bp, &bl.tile[0], cols, 0, &bl.sums[0])
	if p.transC {
		p.scatterTransposed(bl.tile, c, i, j*cols, m, n, add)
		return
	}
	for r := range m {
		put(c[p.out(i+r)+j*cols:][:n], bl.tile[r*cols:], add)
	}
}

// out returns where row i of c begins.
func (p *product[F]) out(i int) int {
	if p.cRow != nil {
		return p.cRow(i)
	}
	return i * p.ldc
}

// put copies or adds x to c.
func put[F Float](c, x []F, add bool) {
	if !add {
		copy(c, x)
		return
	}
	for j, v := range x[:len(c)] {
		c[j] += v
	}
}

// scatterTransposed puts m rows of n of a tile into c as columns.
func (p *product[F]) scatterTransposed(tile, c []F, i, j, m, n int, add bool) {
	cols := p.kernels.cols
	for q := range n {
		row := c[(j+q)*p.ldc+i:][:m]
		for r := range row {
			if add {
				row[r] += tile[r*cols+q]
			} else {
				row[r] = tile[r*cols+q]
			}
		}
	}
}

// clear writes the zeros of a product without terms.
func (p *product[F]) clear(bl *block[F], c []F) {
	cols := p.kernels.cols
	for i := bl.i0; i < bl.i1; i++ {
		clear(c[p.out(i)+bl.j0*cols : p.out(i)+min(p.n, bl.j1*cols)])
	}
}
