package explain

import (
	"math"
	"slices"
	"testing"
)

// TestGaussLegendre: n nodes integrate polynomials of degree 2n - 1 exactly, whatever n.
func TestGaussLegendre(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 8, 16, 50, 51, 300, 1024} {
		q := gaussLegendre(n)
		if len(q.at) != n || !slices.IsSorted(q.at) || !(q.at[0] > 0 && q.at[n-1] < 1) {
			t.Fatalf("%d nodes: %v", n, q.at)
		}
		for _, degree := range []int{0, 1, 2, n, 2*n - 1} {
			sum := 0.0
			for i, x := range q.at {
				sum += q.weight[i] * math.Pow(x, float64(degree))
			}
			if want := 1 / float64(degree+1); degree < 2*n && !(math.Abs(sum-want) <= 2e-14*math.Max(want, 0.02)) {
				t.Errorf("%d nodes: the integral of x^%d is %.17g, want %.17g", n, degree, sum, want)
			}
		}
	}
}

// TestGroups: groups have one size, that is at most 16, all nodes in order, and little besides.
func TestGroups(t *testing.T) {
	for n := 1; n < 400; n++ {
		q := gaussLegendre(n)
		groups, got := q.groups(mostTogether), nodes{}
		for _, g := range groups {
			if !slices.IsSorted(g.at) {
				t.Fatalf("%d nodes: a group of %v", n, g.at)
			}
			got.at, got.weight = append(got.at, g.at...), append(got.weight, g.weight...)
			if len(g.at) != len(groups[0].at) || len(g.at) > mostTogether {
				t.Fatalf("%d nodes: a group of %d beside one of %d", n, len(g.at), len(groups[0].at))
			}
		}
		if !slices.Equal(got.at[:n], q.at) || !slices.Equal(got.weight[:n], q.weight) || slices.Max(append(got.weight[n:], 0)) != 0 {
			t.Fatalf("%d nodes are not those of the groups", n)
		}
		if len(got.at) > n+n/8 {
			t.Errorf("%d nodes become %d", n, len(got.at))
		}
	}
}
