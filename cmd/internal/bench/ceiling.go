package bench

import "contig-gpu/gpu"

// CopyRate returns the bytes read and written per second by copies within the device.
func CopyRate(d *gpu.Device, bytes int) float64 {
	a := d.NewArena(2*bytes + 4096)
	defer a.Close()
	x, y := a.Zeros(gpu.U8, bytes), a.Zeros(gpu.U8, bytes)
	return 2 * float64(bytes) / shortest(d, func() { gpu.Copy(y, x) })
}

// ProductRate returns the operations per second of products of n x n matrices of type t.
func ProductRate(d *gpu.Device, t gpu.DType, n int) float64 {
	a := d.NewArena(3*t.Size()*n*n + 4096)
	defer a.Close()
	x, y, z := a.New(t, n, n), a.New(t, n, n), a.New(t, n, n)
	noise(x)
	noise(y)
	return 2 * float64(n) * float64(n) * float64(n) / shortest(d, func() { gpu.MatMul(z, x, y, false, true, 0) })
}

// runsAtOnce is how many runs of a ceiling lie between two marks, so that what queues and ends them does not count.
const runsAtOnce = 10

// shortest returns the seconds of a run of f by the device's own clock, the best of five windows.
func shortest(d *gpu.Device, f func()) float64 {
	f() // what it needs once
	best := 0.0
	for range 5 {
		took, err := timed(d, func() {
			for range runsAtOnce {
				f()
			}
		})
		if s := took.Seconds() / runsAtOnce; err == nil && s > 0 && (best == 0 || s < best) {
			best = s
		}
	}
	return best
}

// CeilingSizes returns the bytes of the copies and the side of the products that a device's ceilings are measured with: large ones on a GPU.
func CeilingSizes(d *gpu.Device) (bytes, side int) {
	switch c := d.GPU(); {
	case c == nil:
		return 4 << 20, 128
	case c.Emulated:
		return 1 << 20, 64
	default:
		return min(1<<30, c.Free/8), 8192
	}
}
