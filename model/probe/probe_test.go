package probe

import (
	"fmt"
	"math"
	"testing"
)

// TestFullConvergence: at the end the gradient is rounding noise, computed here by plain sums, with more rows than columns and fewer, for separable classes and weak penalties (P30).
func TestFullConvergence(t *testing.T) {
	for _, c := range []struct {
		n, d, k int
		lambda  float64
	}{{400, 150, 5, 1e-3}, {400, 150, 2, 1e-6}, {90, 200, 4, 1e-2}, {90, 200, 2, 1e-6}, {300, 20, 3, 1e-8}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			x, y := features(t, device(t), c.n, c.d, c.k)
			l := FitLogistic(x, y, c.k, Options{Lambda: c.lambda, Standardize: true})
			z, p := l.Scaler.apply(x, true), l.Probability(x)
			defer z.Close()
			worst := 0.0
			for r, class := range l.Seen {
				if len(l.Coef) == 1 && r == 0 {
					continue
				}
				row := min(r, len(l.Coef)-1)
				for j := range z.Cols {
					g := 0.0
					for i := range z.Rows {
						e := p[i*c.k+class]
						if y[i] == class {
							e--
						}
						g += e * z.Row(i)[j] / float64(c.n)
					}
					if j < c.d {
						g += c.lambda * l.Coef[row][j]
					}
					worst = max(worst, math.Abs(g))
				}
			}
			if worst > 1e-13 {
				t.Errorf("the gradient is %.3g", worst)
			}
		})
	}
}

// TestPathIsFitsInTurn: fits along a path are those of each lambda by itself.
func TestPathIsFitsInTurn(t *testing.T) {
	x, y := features(t, device(t), 120, 30, 3)
	lambdas := []float64{1, 1e-2, 1e-4}
	for i, l := range FitPath(x, y, 3, lambdas, Options{Standardize: true}) {
		alone := FitLogistic(x, y, 3, Options{Lambda: lambdas[i], Standardize: true})
		near(t, fmt.Sprint(lambdas[i]), flat(l.Coef), flat(alone.Coef), 1e-8)
	}
}

// TestThreads: the same bytes whatever the number of threads.
func TestThreads(t *testing.T) {
	var first []float64
	for _, threads := range []int{1, 3} {
		d, err := OpenDevice(threads)
		if err != nil {
			t.Fatal(err)
		}
		x, y := features(t, d, 300, 70, 4)
		got := FitLogistic(x, y, 4, Options{Lambda: 1e-3, Standardize: true}).Probability(x)
		if first == nil {
			first = got
		}
		for i := range got {
			if got[i] != first[i] {
				t.Fatalf("%d threads: %v at %d, want %v", threads, got[i], i, first[i])
			}
		}
	}
}

// TestClassOfTestAlone: what a test split holds changes no prediction (P8): classes are those that were fitted.
func TestClassOfTestAlone(t *testing.T) {
	x, y := features(t, device(t), 60, 8, 4)
	for i := range y {
		y[i] %= 3 // class 3 has no rows
	}
	l := FitLogistic(x, y, 4, Options{Lambda: 1e-2})
	p := l.Probability(x)
	for i := range y {
		if p[i*4+3] != 0 {
			t.Fatalf("class 3 has probability %v", p[i*4+3])
		}
	}
	n := Nearest(x, x, 100, Exponential, 0.07)
	if votes := n.Votes(y, 4); n.K != 60 || votes[3] != 0 {
		t.Errorf("k %d, votes %v", n.K, votes[:4])
	}
}

// TestNearestOfBlocks: neighbours of a row do not depend on which others are asked for (P1).
func TestNearestOfBlocks(t *testing.T) {
	x, _ := features(t, device(t), 90, 12, 3)
	for _, w := range []Weighting{Exponential, Distance} {
		all := Nearest(x, x, 7, w, 0.07)
		for _, i := range []int{0, 1, 44, 89} {
			one := x.Pick([]int{i})
			got := Nearest(x, one, 7, w, 0.07)
			if fmt.Sprint(got.Index[0], got.Weight[0]) != fmt.Sprint(all.Index[i], all.Weight[i]) {
				t.Errorf("%s, row %d: %v, want %v", w, i, got.Index[0], all.Index[i])
			}
			one.Close()
		}
	}
}
