package mask

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// Squares are the masks of images at the size at which a network, or what varies images for it, takes them: a bit for each pixel.
type Squares struct {
	Classes int
	Images  []Size   // of each image, as it is meant to be seen
	Digest  string   // of all masks as they are at their own size, and of what is known
	sides   []int    // of each image's masks
	bits    [][]byte // [image * Classes + class]; nil where nothing is known
}

// A Size is the sides of an image in pixels.
type Size struct{ W, H int }

// Load reads all masks of a set, whose images lie at paths, and brings them to squares of the sides given. It ends with the first mask, in the order of the images, that cannot be read (E1052) or is of another size than its image (E1053);
// progress is called from time to time.
func (s *Set) Load(ctx context.Context, paths []string, sides []int, fit data.Fit, progress func(done, images int)) (*Squares, error) {
	out := &Squares{Classes: len(s.Classes), Images: make([]Size, len(paths)), sides: sides, bits: make([][]byte, len(paths)*len(s.Classes))}
	errs, digests := make([]error, len(paths)), make([][sha256.Size]byte, len(paths))
	var next, done atomic.Int64
	var told sync.Mutex
	var wait sync.WaitGroup
	for range min(len(paths), runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(paths) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				digests[i], errs[i] = out.load(s, paths[i], i, fit)
				told.Lock()
				progress(int(done.Add(1)), len(paths))
				told.Unlock()
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	all := sha256.New()
	fmt.Fprint(all, s.Classes)
	for i, err := range errs {
		if err != nil {
			return nil, err
		}
		all.Write(digests[i][:])
	}
	out.Digest = hex.EncodeToString(all.Sum(nil))
	return out, nil
}

// load reads the masks of one image.
func (q *Squares) load(s *Set, path string, i int, fit data.Fit) (digest [sha256.Size]byte, err error) {
	w, h, err := fundus.Size(path)
	if err != nil {
		return digest, err
	}
	q.Images[i] = Size{w, h}
	sum := sha256.New()
	for k, row := range s.Rows[i] {
		fmt.Fprint(sum, k, row != nil)
		if row == nil {
			continue
		}
		m, err := row.Load(s.Foreground, w, h)
		if err != nil {
			return digest, err
		}
		sum.Write(m.Pix)
		q.bits[i*q.Classes+k] = packed(fundus.SquareMask(m.Pix, w, h, q.sides[i], fit))
	}
	return [sha256.Size]byte(sum.Sum(nil)), nil
}

// Bytes is what the masks take.
func (q *Squares) Bytes() int {
	n := 0
	for _, b := range q.bits {
		n += len(b)
	}
	return n
}

func packed(pix []uint8) []byte {
	out := make([]byte, (len(pix)+7)/8)
	for i, v := range pix {
		out[i/8] |= v << (i % 8)
	}
	return out
}

// unpacked writes the pixels of a mask of an image to dst, and reports whether anything is known of it.
func (q *Squares) unpacked(dst []uint8, image, class int) bool {
	bits := q.bits[image*q.Classes+class]
	if bits == nil {
		return false
	}
	for i := range dst[:q.sides[image]*q.sides[image]] {
		dst[i] = bits[i/8] >> (i % 8) & 1
	}
	return true
}
