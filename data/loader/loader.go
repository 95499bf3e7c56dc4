package loader

import (
	"fmt"
	"io"
	"runtime"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// DefaultCacheBytes bounds the cache of decoded images where the options do not.
const DefaultCacheBytes = 1 << 30

// Options say which images a source yields and how.
type Options struct {
	Split   data.Split
	Whole   bool  // all images of all splits in manifest order, as in evaluation; Split is ignored
	Only    []int // indices into Cohort.Images, ascending: these as with Whole, and no others; nil: all of the split, or of Whole
	Batch   int   // images, of all ranks
	Size    int   // pixels of a side, at the network's input
	Seed    uint64
	Shuffle bool              // of the training split: a new order every epoch, else the manifest's
	Augment data.Augmentation // of the training split; the zero value: images as they are
	Fit     data.Fit          // of all images; "" is data.FitPad
	Views   int               // variations of each image in a batch, 0: one; above 1 they vary in all splits, by the draws of their epoch
	Workers int               // goroutines; 0: one per processor Go may use
	Raw     bool              // batches have pixels as decoded and what varies them, for a device to do so; no tables

	// OneImagePerGroup keeps two images of a group, and so of a person, out of one batch of the training split.
	OneImagePerGroup bool

	// Bad knows images that cannot be decoded, and says whether to go on without them; nil: one of them ends the epoch.
	Bad *Bad

	Rank, Ranks int // which share of every batch is given, and of how many; Ranks 0: all of it

	CacheBytes int64 // of decoded images at working size; 0: DefaultCacheBytes for the training split, no cache for what is read once; below: no cache
}

// varies reports whether images are augmented: those of the training split, and views, one of which alone has nothing to be
// compared with.
func (o Options) varies() bool {
	return o.Augment != data.Augmentation{} && !o.all() && (o.Split == data.Train || o.Views > 1)
}

// all reports whether every image is yielded once, in manifest order.
func (o Options) all() bool { return o.Whole || o.Only != nil }

// PixelSide returns the side in pixels at which decoded images are kept, and come in Raw batches.
func (o Options) PixelSide() int {
	if o.varies() {
		return fundus.WorkSize(o.Augment, o.Size)
	}
	return o.Size
}

// source implements data.Source. One goroutine drives it.
type source struct {
	cohort *data.Cohort
	opts   Options
	order  order
	fill   filler
	run    *run  // the epoch under way, nil before the first Reset
	last   *slot // lent to the caller until the next call of Next
	err    error // sticky until Reset
}

// New returns a source of the cohort's images of one split.
//
// Batches of the training split have exactly Batch rows: what is left over at the end of an epoch is not
// seen in it, and only where the split cannot fill one batch is there a single smaller one. The other
// splits, and Whole, yield every image once in manifest order, the last batch smaller.
//
// Of several ranks each gets its share of every batch, with data.Whole; all shares have as many rows, also in the last batch of an
// evaluation, and where the split cannot fill one batch there is none. Which images are in a batch does not depend on how many ranks there are.
//
// Before the first Reset, Next begins epoch 0. An image that cannot be decoded ends the epoch at its batch
// with its *data.Problem. Close ends the goroutines.
func New(c *data.Cohort, o Options) (data.Source, error) {
	if o.Batch < 1 || o.Size < 1 || o.Workers < 0 {
		return nil, fmt.Errorf("loader: batch %d, image size %d and workers %d must be positive", o.Batch, o.Size, o.Workers)
	}
	if o.Fit != "" && o.Fit != data.FitPad && o.Fit != data.FitStretch {
		return nil, fmt.Errorf("loader: fit %q: want %s or %s", o.Fit, data.FitPad, data.FitStretch)
	}
	if o.Ranks > 1 {
		if err := o.shared(); err != nil {
			return nil, err
		}
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.CacheBytes == 0 && o.Split == data.Train && !o.all() {
		o.CacheBytes = DefaultCacheBytes
	}
	ord := newOrder(c, o)
	if len(ord.images) == 0 {
		return nil, emptySplit(c, o)
	}
	if o.Ranks > 1 && ord.batch < o.Batch { // no single smaller batch
		ord.batches = 0
	}
	s := &source{cohort: c, opts: o, order: ord, fill: newFiller(c, o)}
	if !ord.every {
		s.fill.of = ord.images
	}
	return s, nil
}

func emptySplit(c *data.Cohort, o Options) error {
	return &data.Problem{Code: 602, What: "the " + o.Split.String() + " split is empty",
		Expected: "at least one image", Found: fmt.Sprintf("%d images of %d persons, none of them in it", len(c.Images), len(c.Persons)),
		Cause: "too few persons for the fractions, or a split column without this value",
		Fix:   "raise its fraction in [split] of data.toml, or correct the split column of the manifest"}
}

// Dims returns the shapes of all batches; the last of an evaluation has fewer rows.
func (s *source) Dims() data.Dims {
	d := data.Dims{Batch: s.fill.share.of(s.opts.Batch), Height: s.opts.Size, Width: s.opts.Size, RowBytes: slots(s.opts.Workers) * s.fill.rowBytes(),
		CacheBytes: s.fill.cacheBytes(len(s.order.images))}
	for _, t := range s.cohort.Tables {
		d.Modalities = append(d.Modalities, t.Name())
		d.Features = append(d.Features, t.Stats().Width())
	}
	if s.opts.Raw {
		d.PixelSide, d.Norm = s.fill.work, fundus.Normalisation()
	}
	return d
}

// Batches returns the number per epoch, the same in every epoch.
func (s *source) Batches() int { return s.order.batches }

// Reset begins an epoch at its batch number skip.
func (s *source) Reset(epoch, skip int) error {
	if s.err == errClosed {
		return s.err
	}
	if epoch < 0 || skip < 0 || skip > s.order.batches {
		return fmt.Errorf("loader: epoch %d, batch %d of %d", epoch, skip, s.order.batches)
	}
	s.stop()
	s.err = nil
	s.run = start(s.order.epoch(epoch)[skip:], epoch, s.opts.Workers, &s.fill)
	return nil
}

// Next fills b, whose slices belong to the source and hold until the next call of a method.
func (s *source) Next(b *data.Batch) error {
	if s.run == nil && s.err == nil {
		if err := s.Reset(0, 0); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.err
	}
	if s.last != nil {
		s.run.free <- s.last
		s.last = nil
	}
	n, ok := <-s.run.ordered
	if !ok {
		return io.EOF
	}
	if err := <-n.done; err != nil {
		s.stop()
		s.err = err
		if f, ok := err.(fault); ok {
			panic(f.text)
		}
		return err
	}
	s.last, *b = n, n.batch
	if b.N == 0 { // all of its images are left out
		return s.Next(b)
	}
	return nil
}

// Close ends the goroutines. Calling it again does nothing.
func (s *source) Close() error {
	s.stop()
	s.err = errClosed
	return nil
}

func (s *source) stop() {
	if s.run != nil {
		s.run.stop()
	}
	s.run, s.last = nil, nil
}
