//go:build linux && cgo

package dnn

import (
	"reflect"
	"testing"

	"contig-gpu/gpu/internal/driver"
)

// TestCompiledAhead: plans that are compiled on several cores are those of one, in the same order, and so is what is chosen of them; they compute
// the same, and nothing of them is left when the handle is closed.
func TestCompiledAhead(t *testing.T) {
	c, used := cached.Conv, false
	for _, p := range []Problem{{Op: ForwardStats, Conv: c}, {Op: BackwardWeight, Conv: c}, cached} {
		var first [][]Choice
		for _, workers := range []int{1, 2, 8} {
			b := openBench(t, Options{Workers: workers})
			b.h.several = true
			ahead := 0
			b.h.describe = func() ([]byte, error) {
				ahead++
				return b.h.DescribeGPU()
			}
			plans, err := b.h.ask(p, &NoPlanError{Problem: p})
			if err != nil {
				t.Fatal(err)
			}
			var all []Choice
			compiled := 0
			for _, q := range plans {
				all = append(all, q.Choice)
				if q.Compiled {
					compiled++
				}
			}
			if (ahead > 0) != (workers > 1 && compiled > 1) || b.h.alone {
				t.Errorf("%s, %d workers: %d compiled, asked for a description %d times, refused %v", p, workers, compiled, ahead, b.h.alone)
			}
			for _, q := range plans[1:] {
				if q.graph != plans[0].graph {
					t.Errorf("%s, %d workers: a plan is of a graph of its own", p, workers)
				}
			}
			used = used || ahead > 0
			plans[0].close()
			first = append(first, all)
		}
		if !reflect.DeepEqual(first[0], first[1]) || !reflect.DeepEqual(first[0], first[2]) {
			t.Errorf("%s: by 1, 2 and 8 workers\n%+v", p, first)
		}
	}
	if !used {
		t.Error("the library has no two plans that are compiled")
	}
	o := timed(t.TempDir())
	o.Workers = 4
	b := openBench(t, o)
	c.Type = driver.BF16
	b.convolutions(c)
}

// TestRefusedAhead: where the library does not load what it wrote, plans are made one after the other, and are the same.
func TestRefusedAhead(t *testing.T) {
	p := Problem{Op: BackwardWeight, Conv: cached.Conv}
	b := openBench(t, Options{})
	g, err := p.build(b.h.target)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for config := range g.proposals(b.h.target, &NoPlanError{}) {
		choice, err := g.examine(config)
		if err != nil {
			t.Fatal(err)
		}
		choice.Compiled = true
		q, err := b.h.finalized(g, p, config, choice, map[string]string{aheadKey(choice): "no plan"})
		if err != nil || !b.h.alone || q.Engine != choice.Engine {
			t.Errorf("%+v, %v", q, err)
		}
		return
	}
	t.Error("nothing is proposed")
}
