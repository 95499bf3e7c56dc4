package loader

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"contig-gpu/data"
)

// spoil makes images that cannot be decoded, by index.
func spoil(t testing.TB, c *data.Cohort, images ...int) {
	t.Helper()
	for _, i := range images {
		if err := os.WriteFile(c.Images[i].Path, []byte("\xff\xd8\xff\xe0 cut"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBrokenImagesAreReplaced: a batch stays full and of different groups, and is the same whatever the workers, the cache,
// what is known before, and where an epoch begins.
func TestBrokenImagesAreReplaced(t *testing.T) {
	c := people(t, 30, 2)
	o := train(1)
	healthy := epoch(t, open(t, c, o), 2, 0)
	broken := []int{int(healthy[0].Index[1]), int(healthy[0].Index[4]), int(healthy[1].Index[0])}
	spoil(t, c, broken...)
	with := func(workers int, cache int64, known bool) Options {
		o := train(workers)
		o.CacheBytes, o.Bad = cache, NewBad(c.Images, true)
		if known {
			for _, i := range broken {
				o.Bad.note(i, errors.New("known"))
			}
		}
		return o
	}
	want := epoch(t, open(t, c, with(1, 0, false)), 2, 0)
	for b := range want {
		groups := slices.Compact(slices.Sorted(slices.Values(want[b].Group)))
		if want[b].N != o.Batch || len(groups) != o.Batch {
			t.Errorf("batch %d: %d rows of %d groups", b, want[b].N, len(groups))
		}
		for n, i := range want[b].Index {
			if slices.Contains(broken, int(i)) {
				t.Errorf("batch %d has a broken image", b)
			}
			if was := healthy[b].Index[n]; i != was && !slices.Contains(broken, int(was)) {
				t.Errorf("batch %d: a sound image was replaced", b)
			}
		}
	}
	for _, workers := range []int{2, 5} {
		for _, known := range []bool{false, true} {
			s := open(t, c, with(workers, 2000*int64(workers-3), known))
			epoch(t, s, 0, 0)
			if !same(want, epoch(t, s, 2, 0)) || !same(want[1:], epoch(t, s, 2, 1)) {
				t.Errorf("%d workers, known %v: other bytes", workers, known)
			}
		}
	}
	o.Bad = NewBad(c.Images, false)
	s := open(t, c, o)
	if err := s.Reset(2, 0); err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	var p *data.Problem
	if err := s.Next(&b); !errors.As(err, &p) || p.Code != 501 || len(o.Bad.Found()) == 0 {
		t.Errorf("stop: %v, found %v", err, o.Bad.Found())
	}
}

// TestBrokenImagesAreDropped: of held-out persons, also where that leaves nothing of a batch.
func TestBrokenImagesAreDropped(t *testing.T) {
	c := people(t, 20, 2) // the persons 8, 9, 18, 19 are of validation
	spoil(t, c, 16, 17, 37)
	o := Options{Split: data.Validation, Batch: 2, Size: 12, Bad: NewBad(c.Images, true)}
	var got []int32
	for _, b := range epoch(t, open(t, c, o), 0, 0) {
		if b.N == 0 || len(b.Person) != b.N {
			t.Errorf("a batch of %d rows", b.N)
		}
		got = append(got, b.Index...)
	}
	if want := []int32{18, 19, 36, 38, 39}; !slices.Equal(got, want) || !slices.Equal(o.Bad.Found(), []int{16, 17, 37}) {
		t.Errorf("images %v, found %v", got, o.Bad.Found())
	}
}

// TestScanFindsAll: also what the training never came to, and no image that is marked is looked at.
func TestScanFindsAll(t *testing.T) {
	c := people(t, 20, 2)
	c.Images[3].Skip = true
	spoil(t, c, 0, 16, 39)
	b := NewBad(c.Images, true)
	s := NewScan(c, b)
	defer s.Close()
	s.Allow(0.5)
	s.Allow(1)
	s.Finish(context.Background())
	if want := []int{0, 3, 16, 39}; !slices.Equal(b.Found(), want) || b.Problem(3) != nil || b.Problem(16) == nil {
		t.Errorf("found %v, want %v", b.Found(), want)
	}
}

// TestNoImageLeft: where nothing can take an image's place, that is an error.
func TestNoImageLeft(t *testing.T) {
	c := people(t, 16, 1)
	o := train(2)
	o.Batch = 7
	healthy := epoch(t, open(t, c, o), 0, 0)
	spoil(t, c, int(healthy[0].Index[0]), int(healthy[0].Index[0])^1)
	o.Bad = NewBad(c.Images, true)
	s := open(t, c, o)
	var b data.Batch
	var p *data.Problem
	if err := s.Next(&b); !errors.As(err, &p) || p.Code != codeTooManyBad {
		t.Errorf("%v", err)
	}
}
