package cohort

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"contig-gpu/data"
)

// ContentOptions say how Content works; none changes what it returns.
type ContentOptions struct {
	CacheDir string                 // keeps the digests of images from one call to the next; "": nothing is kept
	Progress func(done, images int) // called from Content's goroutine as images are done; may be nil

	now func() time.Time // nil: time.Now
}

// A sum is a SHA-256.
type sum = [sha256.Size]byte

// Content returns the hex digest of what is read beyond the files that Hash covers: every person's features, bit by bit as
// Row gives them, and the bytes of every image, in the order of the cohort. It fills c.Sources and the digests of images. It reads all images, on all processors that Go
// may use, but those that CacheDir knows to be unchanged. An image that cannot be read is E104. It ends early with ctx.
func Content(ctx context.Context, c *data.Cohort, o ContentOptions) (string, error) {
	h := sha256.New()
	c.Sources = nil
	for _, t := range c.Tables {
		sums, source, err := tableSums(ctx, t, c.Persons)
		if err != nil {
			return "", err
		}
		c.Sources = append(c.Sources, source)
		fmt.Fprintf(h, "table %q of %d\n", t.Name(), t.Stats().Width())
		for _, s := range sums {
			h.Write(s[:])
		}
	}
	sums, err := imageSums(ctx, c.Images, o)
	if err != nil {
		return "", err
	}
	c.Sources = append(c.Sources, imageSource(c, sums))
	fmt.Fprintf(h, "%d images\n", len(sums))
	for _, s := range sums {
		h.Write(s[:])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sumPersons is how many persons of a table share a sum: enough to keep all processors busy, and no part of the machine.
const sumPersons = 64

// tableSums digests the rows of a table, sumPersons at a time, and those of training persons and of others apart.
func tableSums(ctx context.Context, t data.Table, persons []data.Person) ([]sum, data.SourceDigest, error) {
	n := (len(persons) + sumPersons - 1) / sumPersons
	sums, parts := make([]sum, n), make([][2]sum, n)
	width := t.Stats().Width()
	err := inParallel(ctx, n, func(k int) error {
		h, of := sha256.New(), [2]hash.Hash{sha256.New(), sha256.New()}
		row, raw := make([]float32, width), make([]byte, 1+4*width)
		for p := k * sumPersons; p < min((k+1)*sumPersons, len(persons)); p++ {
			text := raw[:1]
			if raw[0] = 0; t.Row(p, row) {
				raw[0], text = 1, raw
				for f, v := range row {
					binary.LittleEndian.PutUint32(raw[1+4*f:], math.Float32bits(v))
				}
			}
			h.Write(text)
			of[min(1, persons[p].Split)].Write(text) // data.Train is 0
		}
		h.Sum(sums[k][:0])
		for i := range of {
			of[i].Sum(parts[k][i][:0])
		}
		return nil
	}, nil)
	return sums, tableSource(t, len(persons), parts), err
}

// inParallel does 0 to n-1 on all processors that Go may use, and tells after each how many are done. It begins no more once ctx
// has ended or one has failed, and returns the error of the first that failed, by number.
func inParallel(ctx context.Context, n int, do func(i int) error, tell func(done int)) error {
	type outcome struct {
		i   int
		err error
	}
	outcomes := make(chan outcome)
	var next atomic.Int64
	var failed atomic.Bool
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for ctx.Err() == nil && !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				outcomes <- outcome{i, do(i)}
			}
		})
	}
	go func() {
		workers.Wait()
		close(outcomes)
	}()
	done, first := 0, outcome{i: n}
	for o := range outcomes {
		done++
		if o.err != nil && o.i < first.i {
			first = o
			failed.Store(true)
		}
		if tell != nil {
			tell(done)
		}
	}
	if first.err == nil && done < n {
		return context.Cause(ctx)
	}
	return first.err
}
