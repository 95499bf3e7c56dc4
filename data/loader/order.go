package loader

import (
	"sort"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// An order makes the batches of an epoch from (seed, epoch).
type order struct {
	images  []int // indices into Cohort.Images, in manifest order
	key     []int // of each image: two of one key never share a batch; nil: all may
	keys    int   // number of different keys
	batch   int   // rows
	batches int   // per epoch
	every   bool  // each image once, the last batch smaller
	shuffle bool
	seed    uint64
}

func newOrder(c *data.Cohort, o Options) order {
	r := order{batch: o.Batch, seed: o.Seed, every: o.all() || o.Split != data.Train}
	r.images = o.Only
	for i, m := range c.Images {
		if o.Only == nil && (o.Whole || c.Persons[m.Person].Split == o.Split) {
			r.images = append(r.images, i)
		}
	}
	r.batches = (len(r.images) + o.Batch - 1) / o.Batch
	if r.every {
		return r
	}
	r.shuffle = o.Shuffle
	if o.OneImagePerGroup {
		r.setKeys(c)
	}
	r.batches = r.full()
	if r.batches == 0 {
		r.batches, r.batch = 1, r.most()
	}
	return r
}

func (r *order) setKeys(c *data.Cohort) {
	number := map[int]int{}
	r.key = make([]int, len(r.images))
	for i, m := range r.images {
		k := c.Persons[c.Images[m].Person].Group
		n, ok := number[k]
		if !ok {
			n = len(number)
			number[k] = n
		}
		r.key[i] = n
	}
	r.keys = len(number)
}

// most returns how many images one batch can hold at most.
func (r *order) most() int {
	if r.key == nil {
		return len(r.images)
	}
	return r.keys
}

// full returns the number of full batches: of k batches a key fills at most k rows, so k can be had exactly
// where sum over keys of min(images, k) >= k * batch, which holds up to some k and not beyond.
func (r *order) full() int {
	if r.key == nil {
		return len(r.images) / r.batch
	}
	count := r.counts()
	return sort.Search(len(r.images)/r.batch, func(i int) bool {
		k, sum := i+1, 0
		for _, c := range count {
			sum += min(c, k)
		}
		return sum < k*r.batch
	})
}

func (r *order) counts() []int {
	count := make([]int, r.keys)
	for _, k := range r.key {
		count[k]++
	}
	return count
}

// epoch returns the batches of an epoch, as indices into Cohort.Images.
func (r *order) epoch(epoch int) [][]int {
	perm := make([]int, len(r.images))
	for i := range perm {
		perm[i] = i
	}
	if r.shuffle {
		perm = fundus.NewRand(r.seed, fundus.StreamOrder, uint32(epoch), 0).Perm(len(perm))
	}
	if r.key != nil {
		return r.resolve(newDeal(perm, r.key, r.keys).batches(r.batches, r.batch))
	}
	out := make([][]int, 0, r.batches)
	for i := range r.batches {
		out = append(out, perm[i*r.batch:min((i+1)*r.batch, len(perm))])
	}
	return r.resolve(out)
}

// resolve turns positions among the split's images into indices into Cohort.Images, in place.
func (r *order) resolve(batches [][]int) [][]int {
	for _, b := range batches {
		for i, p := range b {
			b[i] = r.images[p]
		}
	}
	return batches
}

// A deal hands out positions in the order of a permutation so that no two of a batch share a key. A
// position that conflicts is deferred to the next batch, where it comes first. So that no batch is lost to
// a pile of conflicts at the end, a key with as many positions left as there are batches is served first;
// then every batch is full, whenever that is possible at all. What is left after the last is dropped.
type deal struct {
	key    []int   // of each position
	queue  []int   // positions left, in order
	byKey  [][]int // positions left of each key, in order
	keys   []int   // by first position: who goes without in the end is as random as the permutation
	served []int   // number of the last batch that has the key, from 1
	gone   []bool  // positions handed out
	most   int     // no key had more positions at the start
}

func newDeal(perm, key []int, keys int) *deal {
	d := &deal{key: key, queue: perm, byKey: make([][]int, keys), served: make([]int, keys), gone: make([]bool, len(key))}
	for _, p := range perm {
		k := key[p]
		if len(d.byKey[k]) == 0 {
			d.keys = append(d.keys, k)
		}
		d.byKey[k] = append(d.byKey[k], p)
		d.most = max(d.most, len(d.byKey[k]))
	}
	return d
}

func (d *deal) batches(n, rows int) [][]int {
	out := make([][]int, n)
	for i := range out {
		b := make([]int, 0, rows)
		if left := n - i; left <= d.most {
			b = d.urgent(b, rows, left, i+1)
		}
		out[i] = d.greedy(b, rows, i+1)
	}
	return out
}

// urgent takes from the keys that must be in every batch from now on.
func (d *deal) urgent(b []int, rows, left, number int) []int {
	for _, k := range d.keys {
		if ps := d.byKey[k]; len(ps) >= left && len(b) < rows {
			b = d.take(b, ps[0], k, number)
		}
	}
	return b
}

// greedy takes along the queue, and keeps in it what conflicts or finds no room.
func (d *deal) greedy(b []int, rows, number int) []int {
	kept := 0 // deferred ones, moved up so that they stay in order
	i := 0
	for ; i < len(d.queue) && len(b) < rows; i++ {
		p := d.queue[i]
		switch k := d.key[p]; {
		case d.gone[p]:
		case d.served[k] == number:
			d.queue[kept] = p
			kept++
		default:
			b = d.take(b, p, k, number)
		}
	}
	copy(d.queue[i-kept:i], d.queue[:kept])
	d.queue = d.queue[i-kept:]
	return b
}

// take hands out a position. It is the first of its key in the permutation: a later one cannot be reached
// in the queue before it.
func (d *deal) take(b []int, p, k, number int) []int {
	d.served[k], d.gone[p] = number, true
	d.byKey[k] = d.byKey[k][1:]
	return append(b, p)
}
