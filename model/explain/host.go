package explain

import "contig-gpu/gpu"

// host is what is kept on the host for as many rows as the device takes together.
type host struct {
	x        []float32 // [rows, F] a chunk's persons
	path     []float32 // [rows, F] the ends of paths, where they are varied
	sum      []float64 // [rows, H] what is to leave through the first layer
	ends     []float64 // [rows, H] end less start
	start    []float64 // [rows, H]
	row      []float64 // [F]
	partners []Partner // of paths
}

func newHost(rows, features, width int) host {
	return host{x: make([]float32, rows*features), path: make([]float32, rows*features), sum: make([]float64, rows*width),
		ends: make([]float64, rows*width), start: make([]float64, rows*width), row: make([]float64, features)}
}

// keep reads the rows of t, of h values each, into those of sums that belong to the paths, or adds them there.
func keep(sums []float64, paths []int32, t gpu.Tensor, h int, add bool) {
	row := make([]float64, h)
	for i, r := range paths {
		own := sums[int(r)*h : (int(r)+1)*h]
		if !add {
			gpu.Read(own, t.Slice(i*h, (i+1)*h))
			continue
		}
		gpu.Read(row, t.Slice(i*h, (i+1)*h))
		for j, v := range row {
			own[j] += v
		}
	}
}

// along returns the product of row r of sum with the step from the path's start to its end: what the attributions add up to.
func (x *host) along(r, h int) float64 { return dot(x.sum[r*h:(r+1)*h], x.ends[r*h:(r+1)*h]) }
