package cpukern

// Float is an element type of the kernels.
type Float interface{ float32 | float64 }

// Gemm computes c = op(a)op(b), or c += op(a)op(b) if accumulate, for row-major matrices: op(a) is [m,k],
// op(b) is [k,n], c is [m,n], and lda, ldb, ldc are the elements between rows as stored. c overlaps neither
// a nor b. The sums are formed in an order that depends on the shape alone.
func Gemm[F Float](p *Pool, transA, transB bool, m, n, k int, a []F, lda int, b []F, ldb int, c []F, ldc int, accumulate bool) {
	ai, ak := lda, 1
	if transA {
		ai, ak = 1, lda
	}
	bk, bj := ldb, 1
	if transB {
		bk, bj = 1, ldb
	}
	p.Run(m, func(_, i int) {
		row := c[i*ldc:][:n]
		if !accumulate {
			clear(row)
		}
		for q := range k {
			v := a[i*ai+q*ak]
			for j := range row {
				row[j] += v * b[q*bk+j*bj]
			}
		}
	})
}
