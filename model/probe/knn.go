package probe

import (
	"container/heap"
	"math"
	"runtime"
	"slices"
	"sync"

	"contig-gpu/gpu"
)

// A Weighting says how neighbours count.
type Weighting string

// Weightings of neighbours.
const (
	Exponential Weighting = "exp"      // exp(cosine / temperature), as DINO and solo-learn have it
	Uniform     Weighting = "uniform"  // 1, neighbours by cosine
	Distance    Weighting = "distance" // 1 / (distance + 1e-5), neighbours by distance of the rows as they are
)

// Of kNN: the floor of a row's length, and what is added to a distance.
const (
	lengthFloor = 1e-12
	distanceEps = 1e-5
)

// Neighbours are the k rows nearest to each of several others, the nearest first and the lower row first among equals.
type Neighbours struct {
	K        int         // at most as many as there are rows
	Index    [][]int     // rows
	Nearness [][]float64 // their cosine, or less their distance
	Weight   [][]float64 // sums to 1
}

// Nearest finds the k rows of train nearest to each row of test. Products on the device make a short list, which is compared again by sums of a fixed order, so that rows alike are
// equally near to the last bit, and distances of rows that nearly are alike have all their digits.
func Nearest(train, test *Matrix, k int, w Weighting, temperature float64) *Neighbours {
	n := &Neighbours{K: min(k, train.Rows), Index: make([][]int, test.Rows), Nearness: make([][]float64, test.Rows), Weight: make([][]float64, test.Rows)}
	a, b := train, test
	if w != Distance {
		a, b = units(train), units(test)
		defer a.Close()
		defer b.Close()
	}
	lengths := squares(a)
	step := max(1, min(b.Rows, blockValues/a.Rows))
	products := NewMatrix(a.Device(), step, a.Rows)
	defer products.Close()
	for lo := 0; lo < b.Rows; lo += step {
		hi := min(b.Rows, lo+step)
		multiply(products.some(0, hi-lo), b.some(lo, hi), a, false, true, 0)
		inParallel(hi-lo, func(i int) {
			n.row(lo+i, b.Row(lo+i), a, lengths, products.Row(i), w, temperature)
		})
	}
	return n
}

// blockValues is how many products are held at a time.
const blockValues = 1 << 22

func units(m *Matrix) *Matrix {
	out := NewMatrix(m.Device(), m.Rows, m.Cols)
	for i, s := range squares(m) {
		length := max(math.Sqrt(s), lengthFloor)
		for j, v := range m.Row(i) {
			out.Row(i)[j] = v / length
		}
	}
	return out
}

func squares(m *Matrix) []float64 {
	out := make([]float64, m.Rows)
	for i := range out {
		out[i] = dot(m.Row(i), m.Row(i))
	}
	return out
}

// row fills the neighbours of one row of test; near are its products with all rows, which it overwrites.
func (n *Neighbours) row(at int, x []float64, train *Matrix, lengths, near []float64, w Weighting, temperature float64) {
	slack := 0.0 // twice by how much a product may be off
	if own := dot(x, x); w == Distance {
		for j, v := range near {
			near[j] = 2*v - own - lengths[j]
			slack = max(slack, lengths[j])
		}
		slack += own
	} else {
		slack = 1
	}
	slack *= 8 * float64(len(x)+4) * 0x1p-53
	limit := kth(near, n.K) - slack
	type found struct {
		row  int
		near float64
	}
	var list []found
	for j, v := range near {
		if v >= limit {
			list = append(list, found{j, exactly(x, train.Row(j), w)})
		}
	}
	slices.SortFunc(list, func(a, b found) int {
		switch {
		case a.near > b.near:
			return -1
		case a.near < b.near:
			return 1
		}
		return a.row - b.row
	})
	index, nearness, weight, all := make([]int, n.K), make([]float64, n.K), make([]float64, n.K), 0.0
	for i, f := range list[:n.K] {
		index[i], nearness[i], weight[i] = f.row, f.near, 1
		switch w {
		case Exponential:
			weight[i] = math.Exp((f.near - list[0].near) / temperature)
		case Distance:
			weight[i] = 1 / (distanceEps - f.near)
		}
		all += weight[i]
	}
	for i := range weight {
		weight[i] /= all
	}
	n.Index[at], n.Nearness[at], n.Weight[at] = index, nearness, weight
}

// exactly is the cosine of unit rows, or less the distance of rows, by sums of one order.
func exactly(a, b []float64, w Weighting) float64 {
	if w != Distance {
		return dot(a, b)
	}
	s := 0.0
	for i, v := range a {
		s += (v - b[i]) * (v - b[i])
	}
	return -math.Sqrt(s)
}

// kth returns the k-th largest value.
func kth(v []float64, k int) float64 {
	h := lowest(slices.Clone(v[:k]))
	heap.Init(&h)
	for _, x := range v[k:] {
		if x > h[0] {
			h[0] = x
			heap.Fix(&h, 0)
		}
	}
	return h[0]
}

// lowest is a heap with the lowest value on top.
type lowest []float64

func (h lowest) Len() int           { return len(h) }
func (h lowest) Less(i, j int) bool { return h[i] < h[j] }
func (h lowest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are there for the interface; the heap keeps its length.
func (h *lowest) Push(any) { panic("probe: a heap of a fixed length") }
func (h *lowest) Pop() any { panic("probe: a heap of a fixed length") }

// Votes returns for each row the weights of its neighbours by class, [rows, classes]. classes is that of the fitted rows' code, whatever is asked for later.
func (n *Neighbours) Votes(y []int, classes int) []float64 {
	out := make([]float64, len(n.Index)*classes)
	for i, rows := range n.Index {
		for a, j := range rows {
			at := i*classes + y[j]
			out[at] = min(1, out[at]+n.Weight[i][a]) // rounding is no probability above 1
		}
	}
	return out
}

// Average returns for each row the weighted mean of its neighbours' values, of those that are no NaN; NaN where none is.
func (n *Neighbours) Average(value []float64) []float64 {
	out := make([]float64, len(n.Index))
	for i, rows := range n.Index {
		s, all := 0.0, 0.0
		for a, j := range rows {
			if v := value[j]; !math.IsNaN(v) {
				s += n.Weight[i][a] * v
				all += n.Weight[i][a]
			}
		}
		out[i] = s / all
	}
	return out
}

// Top returns the share of rows whose truth is among the k classes with the most weight, of those that have any; the lower class first among equals.
func Top(k, classes int, truth []int, votes []float64) float64 {
	hits := 0.0
	for i, t := range truth {
		row := votes[i*classes:][:classes]
		above := 0
		for c, v := range row {
			if v > row[t] || v == row[t] && c < t {
				above++
			}
		}
		if row[t] > 0 && above < k {
			hits++
		}
	}
	return hits / float64(len(truth))
}

// inParallel calls f for 0 to n - 1, each once, from several goroutines.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// OpenDevice opens the CPU that probes compute on; threads 0 takes all.
func OpenDevice(threads int) (*gpu.Device, error) {
	return gpu.Open("cpu", gpu.Options{Threads: threads})
}
