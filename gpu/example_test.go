package gpu_test

import (
	"fmt"

	"contig-gpu/gpu"
)

func Example() {
	d, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	a := d.NewArena(1 << 16)
	x, y, norm := a.New(gpu.F32, 1, 2), a.New(gpu.F32, 1, 2), a.New(gpu.F32, 1)
	gpu.Write(x, []float32{3, 4})
	gpu.L2Norm(y, norm, x, 1e-12)
	fmt.Println(gpu.Host[float32](norm), gpu.Host[float32](y), d.Sync())
	// Output: [5] [0.6 0.8] <nil>
}
