package loader

import (
	"slices"
	"testing"

	"contig-gpu/data"
)

// counted makes a cohort without files whose persons have these numbers of images, each a group alone.
func counted(images ...int) *data.Cohort { return grouped(1, images...) }

// grouped is counted with groups of so many persons.
func grouped(size int, images ...int) *data.Cohort {
	c := &data.Cohort{}
	for p, n := range images {
		for range n {
			c.Images = append(c.Images, data.Image{Person: p})
		}
		c.Persons = append(c.Persons, data.Person{Group: p / size})
	}
	return c
}

func repeat(n, times int) []int { return slices.Repeat([]int{n}, times) }

func TestAvoidingOrders(t *testing.T) {
	for _, c := range []struct {
		name    string
		images  []int
		batch   int
		size    int // persons of a group
		batches int // the most there can be
		rows    int
	}{
		{"two each, exact", repeat(2, 8), 8, 1, 2, 8},
		{"two each, two go without", repeat(2, 10), 8, 1, 2, 8},
		{"two each, many", repeat(2, 500), 32, 1, 31, 32},
		{"one has most", append(repeat(1, 9), 40), 4, 1, 3, 4},
		{"uneven", []int{5, 4, 3, 2, 1, 1, 1, 1}, 3, 1, 6, 3},
		{"three have all", []int{30, 30, 30, 1}, 3, 1, 30, 3},
		{"too few persons", []int{3, 3, 2}, 8, 1, 1, 3},
		{"groups of two", repeat(2, 12), 6, 2, 4, 6},
		{"too few groups", repeat(2, 12), 7, 2, 1, 6},
		{"one image", []int{1}, 8, 1, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := grouped(c.size, c.images...)
			for _, shuffle := range []bool{true, false} {
				r := newOrder(all, Options{Batch: c.batch, Seed: 5, Shuffle: shuffle, OneImagePerGroup: true})
				if r.batches != c.batches {
					t.Fatalf("%d batches, want %d", r.batches, c.batches)
				}
				for e := range 20 {
					checkEpoch(t, all, r.epoch(e), c.rows)
				}
			}
		})
	}
}

func checkEpoch(t *testing.T, c *data.Cohort, batches [][]int, rows int) {
	t.Helper()
	used := map[int]bool{}
	for n, b := range batches {
		if len(b) != rows {
			t.Fatalf("batch %d has %d rows, want %d", n, len(b), rows)
		}
		keys := map[int]bool{}
		for _, i := range b {
			k := c.Persons[c.Images[i].Person].Group
			if used[i] || keys[k] {
				t.Fatalf("batch %d: image %d twice or its group %d", n, i, k)
			}
			used[i], keys[k] = true, true
		}
	}
}

func TestPlainOrderIsAPermutation(t *testing.T) {
	all := counted(repeat(2, 10)...)
	r := newOrder(all, Options{Batch: 6, Shuffle: true, Seed: 1})
	if r.batches != 3 {
		t.Fatalf("%d batches", r.batches)
	}
	seen := make([]int, 20)
	for e := range 200 {
		b := r.epoch(e)
		flat := slices.Concat(b...)
		if len(flat) != 18 {
			t.Fatalf("%d images", len(flat))
		}
		for _, i := range flat {
			seen[i]++
		}
	}
	if slices.Min(seen) < 150 || slices.Max(seen) > 200 {
		t.Errorf("images are seen unevenly: %v", seen)
	}
	r = newOrder(all, Options{Batch: 50})
	if b := r.epoch(0); len(b) != 1 || len(b[0]) != 20 || !slices.IsSorted(b[0]) {
		t.Errorf("a small split in manifest order gives %v", b)
	}
}

// Who is left out at the end of an epoch must not be the same persons in every epoch.
func TestNobodyIsAlwaysDropped(t *testing.T) {
	all := counted(repeat(2, 10)...)
	r := newOrder(all, Options{Batch: 8, Shuffle: true, Seed: 1, OneImagePerGroup: true})
	seen := make([]int, 10)
	for e := range 100 {
		for _, i := range slices.Concat(r.epoch(e)...) {
			seen[all.Images[i].Person]++
		}
	}
	if slices.Min(seen) < 120 {
		t.Errorf("persons are seen unevenly: %v", seen)
	}
}

func TestUnshuffledKeepsTheManifest(t *testing.T) {
	all := counted(repeat(2, 4)...)
	r := newOrder(all, Options{Batch: 2, OneImagePerGroup: true})
	b := r.epoch(3)
	if want := [][]int{{0, 2}, {1, 3}, {4, 6}, {5, 7}}; !slices.EqualFunc(b, want, slices.Equal[[]int]) {
		t.Errorf("%v, want %v", b, want)
	}
}

func BenchmarkEpoch(b *testing.B) {
	r := newOrder(counted(repeat(2, 65000)...), Options{Batch: 256, Shuffle: true, OneImagePerGroup: true})
	for b.Loop() {
		r.epoch(1)
	}
}

// TestOnly: images that are named come once each and in their order, whatever their splits, not augmented and not shuffled.
func TestOnly(t *testing.T) {
	c := counted(2, 1, 3)
	c.Persons[1].Split = data.Test
	o := Options{Only: []int{0, 2, 5}, Batch: 2, Shuffle: true, OneImagePerGroup: true, Augment: data.Augmentation{Rotation: 10}}
	r := newOrder(c, o)
	if got := r.epoch(3); r.batches != 2 || len(got) != 2 || !slices.Equal(slices.Concat(got...), o.Only) || o.varies() {
		t.Errorf("%v, augmented: %v", got, o.varies())
	}
}
