package mask

import (
	"runtime"
	"sync"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// A Source gives the batches of another, with the masks of their images as what is to be predicted: Target [N, H, W, classes] has 1 where a pixel is of a class, Known 1 where that is known.
type Source struct {
	data.Source
	masks   *Squares
	o       SourceOptions
	epoch   int
	workers []*worker
	target  []float32
	known   []uint8
}

// SourceOptions say how the other source varies its images: so are their masks.
type SourceOptions struct {
	Size    int               // of a side, at the network's input
	Varies  bool              // by Augment; else images are as they are
	Augment data.Augmentation // as loader.Options have it
	Seed    uint64
	Workers int // goroutines; 0: one per processor Go may use
}

// A worker makes masks on buffers of its own.
type worker struct {
	variety   *fundus.Augmenter
	mask, out []uint8
}

// NewSource returns src with masks. Close closes src.
func NewSource(src data.Source, masks *Squares, o SourceOptions) *Source {
	s := &Source{Source: src, masks: masks, o: o}
	n := o.Workers
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	most := o.Size
	for _, side := range masks.sides {
		most = max(most, side)
	}
	for range n {
		s.workers = append(s.workers, &worker{fundus.NewAugmenter(o.Augment, o.Size), make([]uint8, most*most), make([]uint8, o.Size*o.Size)})
	}
	return s
}

// Dims are the other source's, with what the masks take.
func (s *Source) Dims() data.Dims {
	d := s.Source.Dims()
	d.RowBytes += 5 * s.o.Size * s.o.Size * s.masks.Classes
	d.CacheBytes += s.masks.Bytes()
	return d
}

// Reset begins an epoch.
func (s *Source) Reset(epoch, skip int) error {
	s.epoch = epoch
	return s.Source.Reset(epoch, skip)
}

// Next fills b, whose slices hold until the next call.
func (s *Source) Next(b *data.Batch) error {
	if err := s.Source.Next(b); err != nil {
		return err
	}
	n := b.N * s.o.Size * s.o.Size * s.masks.Classes
	if cap(s.target) < n {
		s.target, s.known = make([]float32, n), make([]uint8, n)
	}
	b.Target, b.Known = s.target[:n], s.known[:n]
	var wait sync.WaitGroup
	for k, w := range s.workers {
		wait.Go(func() {
			for row := k; row < b.N; row += len(s.workers) {
				s.row(w, b, row)
			}
		})
	}
	wait.Wait()
	return nil
}

// row writes the masks of one row.
func (s *Source) row(w *worker, b *data.Batch, row int) {
	image, classes, pixels := int(b.Index[row]), s.masks.Classes, s.o.Size*s.o.Size
	target, known := b.Target[row*pixels*classes:(row+1)*pixels*classes], b.Known[row*pixels*classes:(row+1)*pixels*classes]
	for k := range classes {
		out, is := w.mask, uint8(0)
		if s.masks.unpacked(w.mask, image, k) {
			is = 1
			if s.o.Varies {
				out = w.out
				w.variety.ApplyMask(out, w.mask, s.masks.sides[image], s.o.Seed, s.epoch, image)
			}
		}
		for i := range pixels {
			target[i*classes+k], known[i*classes+k] = float32(is*out[i]), is
		}
	}
}
