package loader

import (
	"slices"
	"sync/atomic"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// A filler has what the workers share.
type filler struct {
	cohort  *data.Cohort
	how     data.Augmentation
	fit     data.Fit
	size    int
	views   int
	work    int // side of decoded images, pixels
	seed    uint64
	augment bool
	raw     bool
	cache   cache

	bad   *Bad
	share share
	batch int // rows of a batch, of all ranks

	of         []int // images that may take another's place; nil: rows are dropped
	oneOfGroup bool
}

func newFiller(c *data.Cohort, o Options) filler {
	f := filler{cohort: c, how: o.Augment, fit: o.Fit, size: o.Size, views: max(1, o.Views), work: o.PixelSide(), seed: o.Seed, raw: o.Raw, augment: o.varies(), bad: o.Bad, oneOfGroup: o.OneImagePerGroup, share: share{o.Rank, o.Ranks}, batch: o.Batch}
	f.cache = cache{limit: o.CacheBytes, images: make([]atomic.Pointer[fundus.RGB], len(c.Images)), used: new(atomic.Int64)}
	return f
}

// A cache keeps the first images decoded until they reach its limit. None is ever put out: every image is
// wanted once an epoch, so one kept is as good as another and a rotating cache would never hit.
type cache struct {
	limit  int64 // bytes
	used   *atomic.Int64
	images []atomic.Pointer[fundus.RGB]
}

func (c *cache) get(i int) *fundus.RGB { return c.images[i].Load() }

func (c *cache) put(i int, m *fundus.RGB) {
	n := int64(len(m.Pix))
	if c.used.Add(n) > c.limit || !c.images[i].CompareAndSwap(nil, m) {
		c.used.Add(-n)
	}
}

// image returns an image at working size, decoding it where the cache has it not.
func (f *filler) image(i int) (*fundus.RGB, error) {
	if m := f.cache.get(i); m != nil {
		return m, nil
	}
	whole, err := fundus.Decode(f.cohort.Images[i].Path)
	if err != nil {
		return nil, err
	}
	m := fundus.Square(whole, f.work, f.fit)
	f.cache.put(i, m)
	return m, nil
}

// A worker fills batches on one goroutine.
type worker struct {
	*filler
	epoch   int
	variety *fundus.Augmenter
}

func (f *filler) worker(epoch int) *worker {
	return &worker{filler: f, epoch: epoch, variety: fundus.NewAugmenter(f.how, f.size)}
}

// fill makes the batch of the images in rows, but for those that are left out. Of a batch where that leaves none N is 0.
func (w *worker) fill(b *data.Batch, rows []int, quit <-chan struct{}) error {
	if w.share.ranks > 1 {
		return w.fillShare(b, rows, quit)
	}
	for {
		err := w.fillAll(b, rows, quit)
		out, ok := err.(leftOut)
		if !ok {
			return err
		}
		rows = slices.Delete(slices.Clone(rows), out.row, out.row+1)
	}
}

func (w *worker) fillAll(b *data.Batch, rows []int, quit <-chan struct{}) error {
	w.shape(b, len(rows))
	for n, i := range rows {
		select {
		case <-quit:
			return errClosed
		default:
		}
		m, out, err := w.usable(i)
		if out {
			if w.of == nil {
				return leftOut{n}
			}
			rows = slices.Clone(rows)
			i, m, err = w.replacement(rows, n, quit)
			rows[n] = i
		}
		if err != nil {
			return err
		}
		w.person(b, n, i)
		for v := range w.views {
			w.variety.View = v
			w.view(b, v*b.N+n, i, m)
		}
		if !w.raw {
			w.tables(b, n)
		}
	}
	return nil
}

// shape gives the batch n rows on its old memory where that suffices.
func (w *worker) shape(b *data.Batch, n int) {
	b.N, b.Views, b.PixelSide = n, w.views, 0
	b.Person, b.Group, b.Index = sized(b.Person, n), sized(b.Group, n), sized(b.Index, n)
	tables := w.cohort.Tables
	b.Present = sized(b.Present, len(tables))
	for m := range tables {
		b.Present[m] = sized(b.Present[m], n)
	}
	if w.raw {
		var p fundus.Params
		b.PixelSide, b.Pixels = w.work, sized(b.Pixels, 3*w.views*n*w.work*w.work)
		b.Geometry, b.Colour = sized(b.Geometry, w.views*n*len(p.Geometry)), sized(b.Colour, w.views*n*len(p.Colour))
		return
	}
	b.Image = sized(b.Image, 3*w.views*n*w.size*w.size)
	b.Tables = sized(b.Tables, len(tables))
	for m, t := range tables {
		b.Tables[m] = sized(b.Tables[m], n*t.Stats().Width())
	}
}

// rowBytes is what shape takes for a row: person, group, index and a mark for each table; then pixels and their variation, or
// the normalised image and the features of each table.
func (f *filler) rowBytes() int {
	n := 3*4 + len(f.cohort.Tables)
	if f.raw {
		var p fundus.Params
		return n + f.views*(3*f.work*f.work+4*len(p.Geometry)+4*len(p.Colour))
	}
	n += f.views * 4 * 3 * f.size * f.size
	for _, t := range f.cohort.Tables {
		n += 4 * t.Stats().Width()
	}
	return n
}

// cacheBytes is what the cache may come to hold of n images.
func (f *filler) cacheBytes(n int) int {
	return int(max(0, min(f.cache.limit, int64(n)*int64(3*f.work*f.work))))
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// person writes who row n, which is image i, is of.
func (w *worker) person(b *data.Batch, n, i int) {
	p := w.cohort.Images[i].Person
	b.Index[n], b.Person[n], b.Group[n] = int32(i), int32(p), int32(w.cohort.Persons[p].Group)
	for m, t := range w.cohort.Tables {
		b.Present[m][n] = 0
		if t.Has(p) {
			b.Present[m][n] = 1
		}
	}
}

// view writes a view of image i to row n.
func (w *worker) view(b *data.Batch, n, i int, m *fundus.RGB) {
	if w.raw {
		w.pixels(b, n, i, m)
	} else {
		w.normalised(b, n, i, m)
	}
}

// pixels writes an image as it is but for the blur, which devices have no part in, and its variation.
func (w *worker) pixels(b *data.Batch, n, i int, m *fundus.RGB) {
	p := w.variety.Plain()
	if w.augment {
		p = w.variety.Params(m.W, m.H, w.seed, w.epoch, i)
		m = w.variety.Blurred(m, w.seed, w.epoch, i)
	}
	copy(b.Pixels[n*len(m.Pix):], m.Pix)
	copy(b.Geometry[n*len(p.Geometry):], p.Geometry[:])
	copy(b.Colour[n*len(p.Colour):], p.Colour[:])
}

func (w *worker) normalised(b *data.Batch, n, i int, m *fundus.RGB) {
	pixels := 3 * w.size * w.size
	dst := b.Image[n*pixels : (n+1)*pixels]
	if w.augment {
		w.variety.Apply(dst, m, w.seed, w.epoch, i)
		return
	}
	fundus.Normalise(dst, m.Pix)
}

func (w *worker) tables(b *data.Batch, n int) {
	for m, t := range w.cohort.Tables {
		width := t.Stats().Width()
		t.Row(int(b.Person[n]), b.Tables[m][n*width:(n+1)*width])
	}
}
