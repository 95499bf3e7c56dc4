package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"contig-gpu/gpu"
)

// graphics is what doctor says of the GPU.
type graphics struct {
	*gpu.Card
	Why       string  `json:"why,omitempty"` // it is not used: what was looked for, and where
	Bandwidth float64 `json:"copy_bytes_per_second"`
	Product   float64 `json:"bf16_product_flop_per_second"`
	Warning   string  `json:"warning,omitempty"`
	SelfTest  []check `json:"self_test"`
}

// examineGPU opens the first GPU, tests and measures it, or says why there is none.
func examineGPU() graphics {
	d, err := gpu.Open("cuda:0", gpu.Options{})
	if err != nil {
		return graphics{Why: err.Error()}
	}
	defer d.Close()
	g := graphics{Card: d.Card(), SelfTest: selfTest(d)}
	bytes, n := 256<<20, 4096
	if g.Emulated {
		bytes, n = 1<<20, 64
	}
	g.Bandwidth, g.Product = copyRate(d, bytes), productRate(d, n)
	if err := d.Sync(); err != nil {
		g.Why = err.Error()
	}
	if err := d.Warning(); err != nil {
		g.Warning = err.Error()
	}
	return g
}

// copyRate returns the bytes read and written per second by copies within the device, the best of ten.
func copyRate(d *gpu.Device, bytes int) float64 {
	a := d.NewArena(2*bytes + 4096)
	defer a.Close()
	x, y := a.Zeros(gpu.U8, bytes), a.Zeros(gpu.U8, bytes)
	return 2 * float64(bytes) / shortest(d, func() { gpu.Copy(y, x) })
}

// productRate returns the operations per second of products of n x n matrices in bf16, the best of ten.
func productRate(d *gpu.Device, n int) float64 {
	a := d.NewArena(3*2*n*n + 4096)
	defer a.Close()
	x, y, z := a.New(gpu.BF16, n, n), a.New(gpu.BF16, n, n), a.New(gpu.BF16, n, n)
	gpu.Fill(x, 0.5)
	gpu.Fill(y, 0.25)
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

func (g graphics) print(w io.Writer) {
	if g.Card == nil {
		fmt.Fprintf(w, "GPU       none is used: %s\n", strings.ReplaceAll(g.Why, "\n", "\n          "))
		return
	}
	fmt.Fprintf(w, "GPU       %s, compute capability %d.%d, %d multiprocessors, %s of %s free\n", g.Name, g.Capability/10, g.Capability%10,
		g.Multiprocs, bytesText(g.Free), bytesText(g.Memory))
	for _, l := range g.Libraries {
		fmt.Fprintf(w, "  %-11s %s, %s\n", l.Name, l.Version, l.Path)
	}
	fmt.Fprintf(w, "  measured    copy %.3g GB/s, bf16 product %.3g TFLOP/s\n", g.Bandwidth/1e9, g.Product/1e12)
	if g.Why != "" {
		fmt.Fprintf(w, "  failed      %s\n", g.Why)
	}
	if g.Warning != "" {
		fmt.Fprintf(w, "  warning     %s\n", strings.ReplaceAll(g.Warning, "\n", "\n              "))
	}
	for _, t := range g.SelfTest {
		fmt.Fprintf(w, "  self-test   %-11s error %.1g\n", t.Op, t.Error)
	}
}
