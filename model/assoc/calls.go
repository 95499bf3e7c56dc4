package assoc

import (
	"context"
	"encoding/binary"
)

// calls are genotypes of a block as the source has them.
type calls struct {
	first, n int
	words    int
	hard     []uint64 // [blockVariants, words]: of each person two bits, low ones first
	bytes    []byte   // of a row that is read
	dosage   [][]float32
	dosed    [blockVariants]bool
}

// words is how many hold two bits a person.
func words(persons int) int { return (persons + 31) / 32 }

func newCalls(persons int) *calls {
	n := words(persons)
	return &calls{words: n, hard: make([]uint64, blockVariants*n), bytes: make([]byte, 8*n), dosage: make([][]float32, blockVariants)}
}

// row is of one variant.
func (c *calls) row(v int) []uint64 { return c.hard[v*c.words : (v+1)*c.words] }

// deal reads variants into blocks and sends each on.
func deal(ctx context.Context, src Source, variants []int, empty <-chan *work, send func(w *work)) error {
	var w *work
	take := func(k int, bits, hard []byte, dosage []float32) error {
		if w == nil {
			select {
			case w = <-empty:
				w.calls.first, w.calls.n = k, 0
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		w.calls.take(bits, hard, dosage)
		if w.calls.n == blockVariants || k == len(variants)-1 {
			send(w)
			w = nil
		}
		return nil
	}
	if rows, ok := src.(RowSource); ok {
		return rows.EachRow(ctx, variants, take)
	}
	return src.Each(ctx, variants, func(k int, hard []byte, dosage []float32) error { return take(k, nil, hard, dosage) })
}

func (c *calls) take(bits, hard []byte, dosage []float32) {
	at := c.n
	c.n++
	c.dosed[at] = false
	switch {
	case bits != nil:
		copy(c.bytes, bits)
	case hard != nil:
		clear(c.bytes)
		for i, code := range hard {
			c.bytes[i/4] |= code << (2 * (i % 4))
		}
	default:
		c.dosed[at] = true
		c.dosage[at] = append(c.dosage[at][:0], dosage...)
		return
	}
	row := c.row(at)
	for k := range row {
		row[k] = binary.LittleEndian.Uint64(c.bytes[8*k:])
	}
}
