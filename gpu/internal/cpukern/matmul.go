package cpukern

// fewRows is the most rows of a product with a transposed B that are turned into columns instead, so that B
// is read once as it lies.
const fewRows = 64

// Gemm computes c = op(a)op(b), or c += op(a)op(b) if accumulate, for row-major matrices: op(a) is [m,k],
// op(b) is [k,n], c is [m,n], and lda, ldb, ldc are the elements between rows as stored. c overlaps neither
// a nor b. The sums are formed in an order that depends on the shape alone.
func Gemm[F Float](p *Pool, transA, transB bool, m, n, k int, a []F, lda int, b []F, ldb int, c []F, ldc int, accumulate bool) {
	g := product[F]{kernels: pick[F](p), m: m, n: n, taps: 1, cin: k, a: a, lda: lda, step: 1, packA: transA,
		b: b, ldb: ldb, transB: transB, c: c, ldc: ldc, add: accumulate}
	if transB && !transA && m <= fewRows && k > 0 {
		const deep = 1024 // terms: c is gone through seldom
		g.m, g.n, g.a, g.lda, g.b, g.ldb, g.transC, g.depth = n, m, b, ldb, a, lda, true, deep
	}
	g.run(p)
}
