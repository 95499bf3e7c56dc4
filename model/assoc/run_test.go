package assoc

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// failing is a source that ends in an error.
type failing struct {
	memorySource
	after int
	err   error
}

func (f failing) Each(ctx context.Context, variants []int, visit func(k int, hard []byte, dosage []float32) error) error {
	if err := f.memorySource.Each(ctx, variants[:f.after], visit); err != nil {
		return err
	}
	return f.err
}

// TestRunEnds: an error of the source, of who takes results, or of the context ends the scan and is returned; blocks come in order until then, each once.
func TestRunEnds(t *testing.T) {
	const persons, variants = 40, 5*blockVariants + 7
	g := rand.New(rand.NewPCG(3, 33))
	src := draw(g, variants, persons, 0)
	s := Study{Persons: upTo(persons), Traits: [][]float64{normals(g, persons)}}
	scan, err := NewScan(openCPU(t), s, persons, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	fault := errors.New("fault")
	for name, c := range map[string]struct {
		src    Source
		at     int // of the variants that are given: where who takes them fails; -1: nowhere
		cancel bool
		want   error
	}{
		"whole":         {src, -1, false, nil},
		"source":        {failing{src, 3 * blockVariants, fault}, -1, false, fault},
		"source, early": {failing{src, 0, fault}, -1, false, fault},
		"first block":   {src, 0, false, fault},
		"third block":   {src, 2 * blockVariants, false, fault},
		"cancelled":     {src, 2 * blockVariants, true, context.Canceled},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		next := 0
		err := scan.Run(ctx, c.src, upTo(variants), nil, func(b Block) error {
			if b.First != next {
				t.Errorf("%s: a block from %d, want %d", name, b.First, next)
			}
			next += b.Variants
			switch {
			case b.First != c.at:
			case c.cancel:
				cancel()
				return ctx.Err()
			default:
				return fault
			}
			return nil
		})
		cancel()
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || next != variants) || c.at >= 0 && next != c.at+blockVariants {
			t.Errorf("%s: %v after %d variants, want %v", name, err, next, c.want)
		}
	}
}
