package cpukern

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRunDoesEveryUnitOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads, true)
		for _, units := range []int{0, 1, 2, 7, 300} {
			count := make([]atomic.Int32, units)
			p.Run(units, func(worker, u int) {
				if worker < 0 || worker >= p.Threads() {
					t.Errorf("worker %d of %d", worker, p.Threads())
				}
				count[u].Add(1)
			})
			for u := range count {
				if n := count[u].Load(); n != 1 {
					t.Fatalf("%d threads, %d units: unit %d ran %d times", threads, units, u, n)
				}
			}
		}
		p.Close()
		p.Close()
	}
}

func TestPortable(t *testing.T) {
	p := NewPool(0, true)
	defer p.Close()
	if !p.Portable() || p.AVX2() || p.AVX512() || p.Threads() != 1 {
		t.Fatalf("portable %v, AVX2 %v, AVX-512 %v, %d threads", p.Portable(), p.AVX2(), p.AVX512(), p.Threads())
	}
}

func TestGemmWithoutTerms(t *testing.T) {
	p := NewPool(1, true)
	defer p.Close()
	c := []float32{1, 2, 3, 4}
	Gemm(p, false, false, 2, 2, 0, nil, 1, nil, 2, c, 2, true)
	if c[0] != 1 || c[3] != 4 {
		t.Fatalf("adding nothing gave %v", c)
	}
	Gemm(p, false, false, 2, 2, 0, nil, 1, nil, 2, c, 2, false)
	if c[0] != 0 || c[3] != 0 {
		t.Fatalf("an empty sum gave %v", c)
	}
}

// TestPanicsOfWorkers: a panic of a unit is the caller's, whichever goroutine the unit was on, with where it came from.
func TestPanicsOfWorkers(t *testing.T) {
	p := NewPool(3, true)
	defer p.Close()
	caught := func(bad func(worker int) bool) (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		var on atomic.Int64
		p.Run(300, func(worker, _ int) {
			for on.Add(1); on.Load() < 3; { // all workers are at it
				runtime.Gosched()
			}
			if bad(worker) {
				panic("a mistake")
			}
		})
		return ""
	}
	for _, helper := range []bool{false, true} {
		text := caught(func(worker int) bool { return helper == (worker > 0) })
		if !strings.HasPrefix(text, "a mistake") || helper != strings.Contains(text, "TestPanicsOfWorkers") {
			t.Errorf("a helper's %v: %s", helper, text)
		}
	}
}
