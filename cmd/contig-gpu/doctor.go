package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"contig-gpu/gpu"

	"github.com/urfave/cli/v2"
)

// health is what `doctor --json` prints.
type health struct {
	Version  string   `json:"version"`
	Go       string   `json:"go"`
	System   string   `json:"system"`
	CPU      string   `json:"cpu"`
	Features []string `json:"cpu_features"`
	Threads  int      `json:"threads"`
	Memory   int64    `json:"memory_bytes"` // 0: not known
	Device   string   `json:"device"`
	Why      string   `json:"why"`
	GPU      graphics `json:"gpu"`
	Ranks    company  `json:"ranks"`
	SelfTest []check  `json:"self_test"`
}

// check is one operation of the self-test, against a sum written out in float64.
type check struct {
	Op    string  `json:"op"`
	Error float64 `json:"error"` // greatest, relative to the largest value
	OK    bool    `json:"ok"`
}

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "show processor, memory, devices and why, and test the operations",
		Flags: append([]cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object"}}, ranksFlags("under mpirun or srun: let all ranks meet, check sums over them and measure these; with a `NUMBER` refuse any other")...),
		Action: func(c *cli.Context) error {
			if c.IsSet("ranks") {
				return doctorRanks(c)
			}
			h, err := examine()
			if err != nil {
				return err
			}
			if c.Bool("json") {
				err = json.NewEncoder(c.App.Writer).Encode(h)
			} else {
				err = h.print(c.App.Writer)
			}
			for _, t := range append(h.SelfTest, h.GPU.SelfTest...) {
				if !t.OK {
					return fmt.Errorf("the self-test of %s is off by %.2g: this processor or build computes wrong", t.Op, t.Error)
				}
			}
			return err
		},
	}
}

func examine() (*health, error) {
	d, err := gpu.Open("auto", gpu.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	model, features := processor()
	return &health{
		Version: version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPU: model, Features: features,
		Threads: d.Threads(), Memory: memory(), Device: d.Name(), Why: d.Why(), GPU: examineGPU(), Ranks: examineRanks(), SelfTest: selfTest(d),
	}, nil
}

func (h *health) print(w io.Writer) error {
	size := "not known"
	if h.Memory > 0 {
		size = bytesText(int(h.Memory)) + " free"
	}
	_, err := fmt.Fprintf(w, "version   %s, %s, %s\nprocessor %s\nfeatures  %s\nthreads   %d\nmemory    %s\n",
		h.Version, h.Go, h.System, h.CPU, strings.Join(h.Features, " "), h.Threads, size)
	h.GPU.print(w)
	fmt.Fprintf(w, "device    auto takes %s\n", h.Device)
	h.Ranks.print(w)
	for _, t := range h.SelfTest {
		word := "ok"
		if !t.OK {
			word = "WRONG"
		}
		fmt.Fprintf(w, "self-test %-14s %s (error %.1g)\n", t.Op, word, t.Error)
	}
	return err
}

// processor returns the processor's name and those of its features that the kernels use, where the system tells.
func processor() (model string, features []string) {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH, nil
	}
	defer f.Close()
	model = runtime.GOARCH
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		switch strings.TrimSpace(key) {
		case "model name":
			model = strings.TrimSpace(value)
		case "flags":
			for _, name := range strings.Fields(value) {
				if name == "avx2" || name == "fma" || strings.HasPrefix(name, "avx512") {
					features = append(features, name)
				}
			}
			return model, features
		}
	}
	return model, features
}

// selfTest computes a product and a convolution of ragged shapes on d, in each type it computes in.
func selfTest(d *gpu.Device) []check {
	types := map[gpu.DType]float64{gpu.F32: 1e-5, gpu.F64: 1e-13}
	if d.GPU() != nil {
		types = map[gpu.DType]float64{gpu.F32: 1e-5, gpu.BF16: 1e-2, gpu.F16: 1e-3}
	}
	var cs []check
	for _, t := range slices.Sorted(maps.Keys(types)) {
		cs = append(cs, compared("MatMul "+t.String(), matMulError(d, t), types[t]), compared("Conv "+t.String(), convError(d, t), types[t]))
	}
	return cs
}

func compared(op string, err, limit float64) check {
	return check{Op: op, Error: err, OK: err <= limit}
}

// wave fills a new tensor with values in [-1, 1] that repeat late, and returns them rounded to its type.
func wave(a *gpu.Arena, t gpu.DType, step float64, dims ...int) (gpu.Tensor, []float64) {
	x := a.New(t, dims...)
	v := make([]float64, x.Len())
	for i := range v {
		v[i] = math.Sin(step * float64(i+1))
	}
	gpu.Write(x, v)
	gpu.Read(v, x)
	return x, v
}

func matMulError(d *gpu.Device, t gpu.DType) float64 {
	const m, k, n = 37, 129, 53
	ar := d.NewArena(1 << 20)
	a, av := wave(ar, t, 0.7, m, k)
	b, bv := wave(ar, t, 1.3, k, n)
	c := ar.New(t, m, n)
	gpu.MatMul(c, a, b, false, false, 0)
	want := make([]float64, m*n)
	for i := range want {
		for j := range k {
			want[i] += av[i/n*k+j] * bv[j*n+i%n]
		}
	}
	return difference(c, want)
}

func convError(d *gpu.Device, t gpu.DType) float64 {
	const h, w, cin, cout = 7, 9, 8, 24
	ar := d.NewArena(1 << 20)
	x, xv := wave(ar, t, 0.9, 1, h, w, cin)
	k, kv := wave(ar, t, 1.1, cout, 3, 3, cin)
	y := ar.New(t, 1, h, w, cout)
	gpu.Conv(y, x, k, gpu.ConvSpec{Stride: 1, Pad: 1})
	want := make([]float64, h*w*cout)
	for i := range want {
		row, col, o := i/cout/w, i/cout%w, i%cout
		for j := range 9 {
			r, s := row+j/3-1, col+j%3-1
			if r < 0 || r >= h || s < 0 || s >= w {
				continue
			}
			for c := range cin {
				want[i] += xv[(r*w+s)*cin+c] * kv[(o*9+j)*cin+c]
			}
		}
	}
	return difference(y, want)
}

func difference(t gpu.Tensor, want []float64) float64 {
	got := make([]float64, t.Len())
	gpu.Read(got, t)
	var worst, scale float64
	for i := range got {
		worst, scale = max(worst, math.Abs(got[i]-want[i])), max(scale, math.Abs(want[i]))
	}
	return worst / scale
}
