package fundus

import "math/bits"

// Constants of Philox4x32-10: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011, table 2
// and section 3.3.
const (
	philoxM0, philoxM1 = 0xD2511F53, 0xCD9E8D57
	philoxW0, philoxW1 = 0x9E3779B9, 0xBB67AE85
	philoxRounds       = 10
)

// Philox returns the block of Philox4x32-10 at a counter under a key.
func Philox(ctr [4]uint32, key [2]uint32) [4]uint32 {
	for range philoxRounds {
		h0, l0 := bits.Mul32(philoxM0, ctr[0])
		h1, l1 := bits.Mul32(philoxM1, ctr[2])
		ctr = [4]uint32{h1 ^ ctr[1] ^ key[0], l1, h0 ^ ctr[3] ^ key[1], l0}
		key[0] += philoxW0
		key[1] += philoxW1
	}
	return ctr
}

// Rand is a sequence of draws that depends on its four numbers alone: no draw of another image, epoch or
// stream can shift it.
type Rand struct {
	key   [2]uint32
	ctr   [4]uint32
	block [4]uint32
	used  int
}

// NewRand begins the sequence of a seed, a stream (what the draws are for), an epoch and an image.
func NewRand(seed uint64, stream, epoch, index uint32) *Rand {
	return &Rand{key: [2]uint32{uint32(seed), uint32(seed >> 32)}, ctr: [4]uint32{0, stream, index, epoch}, used: 4}
}

// Section returns another sequence of the same seed, stream, epoch and image: n, above 0, begins 2^18 n draws further on,
// whatever was drawn from r.
func (r *Rand) Section(n uint32) *Rand {
	return &Rand{key: r.key, ctr: [4]uint32{n << 16, r.ctr[1], r.ctr[2], r.ctr[3]}, used: 4}
}

// Uint32 returns 32 random bits.
func (r *Rand) Uint32() uint32 {
	if r.used == 4 {
		r.block, r.used = Philox(r.ctr, r.key), 0
		r.ctr[0]++
	}
	r.used++
	return r.block[r.used-1]
}

// Uniform returns a number in [lo, hi), of 32 bits.
func (r *Rand) Uniform(lo, hi float64) float64 {
	return lo + (hi-lo)*(float64(r.Uint32())/(1<<32))
}

// Intn returns a number in [0, n), its bias below n / 2^64.
func (r *Rand) Intn(n int) int {
	hi, _ := bits.Mul64(uint64(r.Uint32())<<32|uint64(r.Uint32()), uint64(n))
	return int(hi)
}

// Perm returns a random order of 0..n-1 (Fisher-Yates).
func (r *Rand) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := r.Intn(i + 1)
		p[i], p[j] = p[j], i
	}
	return p
}
