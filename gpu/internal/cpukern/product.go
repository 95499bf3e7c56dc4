package cpukern

import "slices"

// A product is c (+)= A B with A [m,k], B [k,n], k = taps*cin. Element (i, t*cin+q) of A is
// a[row(i) + t*tapStep + q*step], so that a convolution's patches need not be gathered.
type product[F Float] struct {
	kernels[F]
	m, n, taps, cin int

	a             []F
	row           func(i int) int // nil: i*lda
	lda           int
	tapStep, step int
	packA         bool // the rows are neighbours (row(i) = i): pack them, terms are lda apart

	b      []F
	bRow   func(k int) int // nil: k*ldb
	ldb    int
	piece  int  // columns of B that are neighbours; 0: all
	jump   int  // from the beginning of a piece to the next one's
	transB bool // b is stored as [n,k], rows ldb apart

	c      []F
	cRow   func(i int) int // nil: i*ldc
	ldc    int
	add    bool
	transC bool // c is stored as [n,m], rows ldc apart

	depth  int // terms of a block of B
	splits int // parts that the terms are cut into, summed in order
}

const (
	blockDepth  = 256      // terms of a block: 32 columns of float32 are 32 KB, in the first-level cache
	blockRows   = 240      // rows of a unit: a multiple of every tile's
	blockColumn = 256      // columns of a unit: with blockDepth 256 KB, in the second-level cache
	manyUnits   = 48       // units that keep many threads busy
	leastRows   = 48       // rows that repay the packing of a block
	leastFlops  = 1 << 20  // below this a unit costs more than it does
	splitTerms  = 1024     // terms that repay the summing of a part
	splitMost   = 32       // parts of a sum
	splitMemory = 16 << 20 // elements of all parts together
)

// grid is how a product is cut into units: by its shape alone.
type grid struct{ rows, cols, rowBlocks, colBlocks int }

func (g grid) units() int { return g.rowBlocks * g.colBlocks }

func ceil(a, b int) int { return (a + b - 1) / b }

// up rounds a up to a multiple of b.
func up(a, b int) int { return ceil(a, b) * b }

func (p *product[F]) grid() grid {
	g := grid{rows: blockRows, cols: up(blockColumn, p.kernels.cols)}
	if 2*p.m <= blockRows {
		g.cols *= 2
	}
	for {
		g.rowBlocks, g.colBlocks = ceil(p.m, g.rows), ceil(p.n, g.cols)
		if g.units()*p.split(g) >= manyUnits || 2*p.m*p.n*p.taps*p.cin/g.units() < leastFlops {
			return g
		}
		switch {
		case g.rows > leastRows && p.m > leastRows && g.rows >= g.cols/2:
			g.rows = up(g.rows/2, p.rows)
		case g.cols > 2*p.kernels.cols && p.n > 2*p.kernels.cols:
			g.cols = up(g.cols/2, p.kernels.cols)
		default:
			return g
		}
	}
}

// chunk is the terms [c0, c1) of the taps [t0, t1).
type chunk struct{ t0, t1, c0, c1 int }

func (c chunk) terms() int { return (c.t1 - c.t0) * (c.c1 - c.c0) }

// chunks cuts the terms into blocks of at most depth; part i of n of them if there is one tap.
func (p *product[F]) chunks(i, n int) []chunk {
	var list []chunk
	if p.cin < p.depth && p.taps > 1 {
		parts := ceil(p.taps, p.depth/p.cin)
		for q := range parts {
			list = append(list, chunk{q * p.taps / parts, (q + 1) * p.taps / parts, 0, p.cin})
		}
		return list
	}
	from, to := i*p.cin/n, (i+1)*p.cin/n
	parts := ceil(to-from, p.depth)
	for t := range p.taps {
		for q := range parts {
			list = append(list, chunk{t, t + 1, from + q*(to-from)/parts, from + (q+1)*(to-from)/parts})
		}
	}
	return list
}

// run computes the product on pool, which nothing else uses.
func (p *product[F]) run(pool *Pool) {
	if p.m == 0 || p.n == 0 {
		return
	}
	if p.cin == 0 {
		p.taps = 0 // one kind of a product of no terms, which is 0
	}
	if p.depth == 0 {
		p.depth = blockDepth
	}
	g := p.grid()
	p.reserve(pool, g)
	if p.splits = p.split(g); p.splits > 1 {
		p.runSplit(pool, g)
		return
	}
	list := p.chunks(0, 1)
	_, packed := p.packShared(pool, g, list, 0)
	pool.Run(g.units(), func(worker, u int) {
		p.unit(pool, worker, g, u, list, packed, p.c)
	})
}

// split returns the parts to cut the terms into: more than one where there are few units and many terms.
func (p *product[F]) split(g grid) int {
	if p.taps > 1 || p.transC || p.cRow != nil {
		return 1
	}
	return max(1, min(ceil(manyUnits, g.units()), p.cin/splitTerms, splitMost, splitMemory/(p.m*p.n)))
}

// runSplit computes parts of the sums side by side, and adds them in order.
func (p *product[F]) runSplit(pool *Pool, g grid) {
	part := *p
	part.ldc, part.add = p.n, false
	lists := make([][]chunk, p.splits)
	for i := range lists {
		lists[i] = p.chunks(i, p.splits)
	}
	sums, packed := part.packShared(pool, g, slices.Concat(lists...), p.splits*p.m*p.n)
	pool.Run(g.units()*p.splits, func(worker, u int) {
		i := u / g.units()
		part.unit(pool, worker, g, u%g.units(), lists[i], packed, sums[i*p.m*p.n:])
	})
	const rows = 8 // of a unit
	pool.Run(ceil(p.m, rows), func(_, u int) {
		for r := u * rows; r < min(p.m, (u+1)*rows); r++ {
			p.sumRow(r, sums)
		}
	})
}

// sumRow adds the parts of one row of c.
func (p *product[F]) sumRow(r int, sums []F) {
	c := p.c[r*p.ldc:][:p.n]
	if !p.add {
		clear(c)
	}
	for i := range p.splits {
		for j, v := range sums[(i*p.m+r)*p.n:][:p.n] {
			c[j] += v
		}
	}
}

// packs are A and B packed for all units; nil: each unit packs what it needs.
type packs[F Float] struct{ a, b []F }

// packShared packs A and B, each if several units need the same of it, and returns more elements beside them. list is
// all chunks.
func (p *product[F]) packShared(pool *Pool, g grid, list []chunk, more int) ([]F, packs[F]) {
	terms, sizeA, sizeB := p.taps*p.cin, 0, 0
	if p.packA && g.colBlocks > 1 {
		sizeA = terms * up(p.m, p.rows)
	}
	if g.rowBlocks > 1 {
		sizeB = terms * up(p.n, p.kernels.cols)
	}
	more, sizeA = up(more, 64), up(sizeA, 64) // each at a cache line
	all := take[F](pool, &pool.shared, more+sizeA+sizeB)
	if pool.counts {
		return nil, packs[F]{}
	}
	packed := packs[F]{}
	if sizeA > 0 {
		packed.a = all[more:][:sizeA]
		p.packAllA(pool, packed.a, list)
	}
	if sizeB > 0 {
		packed.b = all[more+sizeA:][:sizeB]
		p.packAllB(pool, packed.b, list)
	}
	return all[:more], packed
}

func (p *product[F]) packAllA(pool *Pool, packed []F, list []chunk) {
	const group = 16 // tiles of a unit
	groups := ceil(p.m, group*p.rows)
	pool.Run(len(list)*groups, func(worker, u int) {
		c, i := list[u/groups], u%groups*group*p.rows
		p.packTiles(p.tilesOf(packed, c, i), p.termTable(pool, worker, c), c, i, min(p.m, i+group*p.rows))
	})
}

func (p *product[F]) packAllB(pool *Pool, packed []F, list []chunk) {
	const group = 4 // panels of a unit
	panels := ceil(p.n, p.kernels.cols)
	groups := ceil(panels, group)
	pool.Run(len(list)*groups, func(worker, u int) {
		c, j := list[u/groups], u%groups*group
		p.packB(p.panel(packed, c, j), p.termTable(pool, worker, c), c, j, min(panels, j+group))
	})
}

// termTable returns room for where a chunk's terms begin.
func (p *product[F]) termTable(pool *Pool, worker int, c chunk) []int {
	return take[int](pool, &pool.private[worker].ints, c.terms()+prefetch)
}

// panel returns the shared packed panels of a chunk of B from the j-th.
func (p *product[F]) panel(packed []F, c chunk, j int) []F {
	cols := p.kernels.cols
	return packed[((c.t0*p.cin+c.c0*(c.t1-c.t0))*ceil(p.n, cols)+j*c.terms())*cols:]
}

// tilesOf returns the shared packed tiles of a chunk of A from that of row i; A is packed where there is one tap.
func (p *product[F]) tilesOf(packed []F, c chunk, i int) []F {
	return packed[c.c0*up(p.m, p.rows)+i*c.terms():]
}
