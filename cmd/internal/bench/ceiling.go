package bench

import (
	"time"

	"contig-gpu/gpu"
)

// CopyRate returns the bytes read and written per second by copies within the device, the best of ten.
func CopyRate(d *gpu.Device, bytes int) float64 {
	a := d.NewArena(2*bytes + 4096)
	defer a.Close()
	x, y := a.Zeros(gpu.U8, bytes), a.Zeros(gpu.U8, bytes)
	return 2 * float64(bytes) / shortest(d, func() { gpu.Copy(y, x) })
}

// ProductRate returns the operations per second of products of n x n matrices of type t, the best of ten.
func ProductRate(d *gpu.Device, t gpu.DType, n int) float64 {
	a := d.NewArena(3*t.Size()*n*n + 4096)
	defer a.Close()
	x, y, z := a.New(t, n, n), a.New(t, n, n), a.New(t, n, n)
	noise(x)
	noise(y)
	return 2 * float64(n) * float64(n) * float64(n) / shortest(d, func() { gpu.MatMul(z, x, y, false, true, 0) })
}

// shortest returns the seconds of the shortest of ten runs of f, the device waited for after each.
func shortest(d *gpu.Device, f func()) float64 {
	best := 0.0
	for i := range 11 {
		d.Sync()
		began := time.Now()
		f()
		d.Sync()
		if s := time.Since(began).Seconds(); i > 0 && (best == 0 || s < best) {
			best = s
		}
	}
	return best
}
