package cpukern

// PathCols is the columns of a tile of a Path's weights.
const PathCols = 64

// A Path is a linear layer behind H ReLUs whose inputs move on P straight lines: at node k those of line p are
// Start[p] + At[k] Step[p]. A unit's input is straight, so that it passes 0 once at most, and which units are on changes by few of
// them from node to node. So all nodes of a line cost about two products of one row, however many there are:
//
//	sum over units j that are on of (Start_j + At_k Step_j) W_j = c + At_k d
//
// where c and d, the sums of Start_j W_j and of Step_j W_j, change by the units that switch between two nodes.
type Path[F Float] struct {
	P, H, K, N  int
	Start, Step []F // [P, H]
	At          []F // [K], ascending
	W           []F // [tiles, H, PathCols]: tiles of columns, zeros behind the N-th
}

// pathKernels are those of one instruction set for one element type. They take cols of a tile's columns.
type pathKernels[F Float] struct {
	cols, rows int
	// forward walks one line: order has the bytes from w to the rows of units that switch, counts how many do before each node,
	// parts their (Start, Step), with the sign of what they do. y, ldy elements a node, becomes c + At d, at least floor.
	forward func(y *F, ldy int, w, bias *F, order *int, parts *F, counts *int, at *F, nodes int, floor *F)
	// table writes the sums of weight dy over the nodes before each, [nodes+1, cols] from 0 on, and behind them those from each
	// on, [nodes, cols]; dy counts where y > floor.
	table func(table, dy, y *F, ld int, weight *F, nodes int, floor *F)
	// backward adds to rows sums at a time the products of rows of w with the rows of table that which, in bytes, names.
	backward func(sums, w, table *F, which *int, groups int)
}

func pickPath[F Float](p *Pool) pathKernels[F] {
	var k pathKernels[F]
	switch k := any(&k).(type) {
	case *pathKernels[float32]:
		*k = pathKernels32(p.isa)
	case *pathKernels[float64]:
		*k = pathKernels64(p.isa)
	}
	return k
}

func portablePath[F Float]() pathKernels[F] {
	return pathKernels[F]{16, 1, pathForwardGo[F], pathTableGo[F], pathBackwardGo[F]}
}

func (s *Path[F]) tiles() int { return ceil(s.N, PathCols) }

// together returns the lines of a unit of so many parts: enough units to keep many threads busy, but a tile of weights is not
// fetched for a few lines.
func (s *Path[F]) together(parts int) int {
	const least = 8
	return max(1, min(s.P, max(least, ceil(s.P*parts, manyUnits))))
}

// tile returns the weights of a tile, and its columns of N.
func (s *Path[F]) tile(t int) (w []F, columns int) {
	size := s.H * PathCols
	return s.W[t*size : (t+1)*size], min(PathCols, s.N-t*PathCols)
}

// Forward computes y [K, P, N]: bias [N] and the layer, at least floor.
func (s *Path[F]) Forward(pool *Pool, y, bias []F, floor F) {
	kern, entries := pickPath[F](pool), 2*s.H
	order := take[int](pool, &pool.paths, s.P*(entries+s.K))
	parts := take[F](pool, &pool.shared, s.P*2*entries)
	for i := range pool.private {
		take[F](pool, &pool.private[i].numbers, (s.K+1)*PathCols)
	}
	if pool.counts || len(y) == 0 {
		return
	}
	counts := order[s.P*entries:]
	pool.Run(s.P, func(_, p int) {
		s.sort(p, order[p*entries:(p+1)*entries], parts[2*p*entries:], counts[p*s.K:(p+1)*s.K])
	})
	each, tiles := s.together(s.tiles()), s.tiles()
	pool.Run(tiles*ceil(s.P, each), func(worker, u int) {
		own, t := take[F](pool, &pool.private[worker].numbers, (s.K+1)*PathCols), u%tiles
		w, columns := s.tile(t)
		offset := own[s.K*PathCols:]
		clear(offset)
		copy(offset, bias[t*PathCols:][:columns])
		for c := 0; c < columns; c += kern.cols {
			for p := u / tiles * each; p < min(s.P, (u/tiles+1)*each); p++ {
				to, ld, part := y[p*s.N+t*PathCols+c:], s.P*s.N, columns-c < kern.cols
				if part {
					to, ld = own, PathCols
				}
				kern.forward(&to[0], ld, &w[c], &offset[c], &order[p*entries], &parts[2*p*entries], &counts[p*s.K], &s.At[0], s.K, &floor)
				if part {
					s.put(y[p*s.N+t*PathCols+c:], own, columns-c)
				}
			}
		}
	})
}

// put copies n columns of a line's nodes to y from rows of PathCols.
func (s *Path[F]) put(y, from []F, n int) {
	for k := range s.K {
		copy(y[k*s.P*s.N:][:n], from[k*PathCols:])
	}
}

// pathTiles is the tiles of a part whose sums are added as they come.
const pathTiles = 4

// Backward computes du [P, H], the gradient by each unit's input summed over the nodes by weight [K], of dy [K, P, N]; dy counts
// where y is greater than floor.
func (s *Path[F]) Backward(pool *Pool, du, dy, y, weight []F, floor F) {
	kern, tiles := pickPath[F](pool), s.tiles()
	parts, rows := ceil(tiles, pathTiles), 2*s.K+1
	which := take[int](pool, &pool.paths, s.P*s.H)
	sums := take[F](pool, &pool.shared, parts*s.P*s.H)
	for i := range pool.private {
		take[F](pool, &pool.private[i].numbers, rows*PathCols+2*s.K*PathCols)
	}
	if pool.counts || len(du) == 0 {
		return
	}
	pool.Run(s.P, func(_, p int) { s.choose(p, which[p*s.H:(p+1)*s.H], kern.cols) })
	each := s.together(parts)
	pool.Run(parts*ceil(s.P, each), func(worker, u int) {
		own, part := take[F](pool, &pool.private[worker].numbers, rows*PathCols+2*s.K*PathCols), u%parts
		from, to := u/parts*each, min(s.P, (u/parts+1)*each)
		clear(sums[(part*s.P+from)*s.H : (part*s.P+to)*s.H])
		for t := part * pathTiles; t < min(tiles, (part+1)*pathTiles); t++ {
			for p := from; p < to; p++ {
				s.backTile(kern, own, sums[(part*s.P+p)*s.H:][:s.H], which[p*s.H:], dy, y, weight, floor, t, p)
			}
		}
	})
	pool.Run(s.P, func(_, p int) {
		line := du[p*s.H : (p+1)*s.H]
		copy(line, sums[p*s.H:])
		for part := 1; part < parts; part++ {
			for j, v := range sums[(part*s.P+p)*s.H:][:s.H] {
				line[j] += v
			}
		}
	})
}

// backTile adds what one tile of columns gives to one line's sums.
func (s *Path[F]) backTile(kern pathKernels[F], own, sums []F, which []int, dy, y, weight []F, floor F, t, p int) {
	w, columns := s.tile(t)
	table, room := own[:(2*s.K+1)*PathCols], own[(2*s.K+1)*PathCols:]
	whole := s.H / kern.rows
	for c := 0; c < columns; c += kern.cols {
		from, at, ld := dy[p*s.N+t*PathCols+c:], y[p*s.N+t*PathCols+c:], s.P*s.N
		if n := columns - c; n < kern.cols {
			clear(room)
			for k := range s.K {
				copy(room[k*PathCols:][:n], dy[(k*s.P+p)*s.N+t*PathCols+c:])
				copy(room[(s.K+k)*PathCols:][:n], y[(k*s.P+p)*s.N+t*PathCols+c:])
			}
			from, at, ld = room, room[s.K*PathCols:], PathCols
		}
		kern.table(&table[0], &from[0], &at[0], ld, &weight[0], s.K, &floor)
		if whole > 0 {
			kern.backward(&sums[0], &w[c], &table[0], &which[0], whole)
		}
		for j := whole * kern.rows; j < s.H; j++ {
			sums[j] += pathDot(&w[j*PathCols+c], &table[0], which[j], kern.cols)
		}
	}
}
