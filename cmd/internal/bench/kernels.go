package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// KernelOptions say what Kernels measures.
type KernelOptions struct {
	Model     model.Config
	DType     gpu.DType // of activations
	Batch     int
	ImageSize int
	Windows   int
	Seconds   float64 // of a window
}

// Kernels is the speed of single operations beside what the device reaches at best.
type Kernels struct {
	Copy    float64     `json:"copy_bytes_per_second"`   // measured, read and written
	Product float64     `json:"product_flop_per_second"` // measured, in the type of activations
	Rows    []KernelRow `json:"rows"`
}

// A KernelRow is one operation at one shape.
type KernelRow struct {
	Op      string  `json:"op"`
	Shape   string  `json:"shape"`
	Time    Spread  `json:"milliseconds"`
	Bytes   float64 `json:"bytes,omitempty"` // that it must move, for operations bound by memory
	Flops   float64 `json:"flops,omitempty"` // for products and convolutions
	Calls   int     `json:"calls,omitempty"` // of a convolution in one step
	Ceiling float64 `json:"of_ceiling"`      // rate over the measured copy or product rate; caches may give more than 1
}

// An operation is what is measured: setup takes memory and returns the work.
type operation struct {
	name, shape  string
	bytes, flops float64
	calls        int
	setup        func(a *gpu.Arena) func()
}

// MeasureKernels measures every operation of a training step at the model's shapes.
func MeasureKernels(ctx context.Context, d *gpu.Device, o KernelOptions) (*Kernels, error) {
	copied, product := CeilingSizes(d)
	k := &Kernels{Copy: CopyRate(d, copied), Product: ProductRate(d, o.DType, product)}
	ops, err := operations(d, o)
	if err != nil {
		return nil, err
	}
	for _, x := range ops {
		row, err := x.measure(ctx, d, o)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", x.name, x.shape, err)
		}
		row.Ceiling = (x.bytes/k.Copy + x.flops/k.Product) / (row.Time.Median / 1e3)
		k.Rows = append(k.Rows, row)
	}
	return k, d.Sync()
}

// measure runs an operation so often at a time that the start of the work does not count.
func (x operation) measure(ctx context.Context, d *gpu.Device, o KernelOptions) (KernelRow, error) {
	row := KernelRow{Op: x.name, Shape: x.shape, Bytes: x.bytes, Flops: x.flops, Calls: x.calls}
	var work func()
	defer d.Deal("kernel", func(a *gpu.Arena) { work = x.setup(a) }).Close()
	work() // what it needs once
	once, err := timed(d, work)
	if err != nil {
		return row, err
	}
	const together = 1e-3 // seconds
	times := max(1, min(100, int(together/max(once.Seconds(), 1e-9))))
	graph, err := d.Record(func() {
		for range times {
			work()
		}
	})
	if err != nil {
		return row, err
	}
	defer graph.Close()
	s, err := repeated(ctx, d, o.Windows, o.Seconds, graph.Replay)
	row.Time = Spread{s.Median / float64(times), s.Min / float64(times), s.Max / float64(times)}
	return row, err
}

// operations lists all, at the shapes of a step of the model.
func operations(d *gpu.Device, o KernelOptions) ([]operation, error) {
	plan, params, err := planned(o)
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	convs := plan.Convs()
	var ops []operation
	for _, c := range convs {
		ops = append(ops, convolution(c, plan.ConvCalls(c)))
	}
	for _, s := range linears(params) {
		ops = append(ops, products(o, s[0], s[1])...)
	}
	for _, dims := range outputs(convs) {
		ops = append(ops, norms(o.DType, dims)...)
	}
	elements := 0
	for _, p := range params {
		elements += p.Size()
	}
	stem := outputs(convs)[0]
	last := outputs(convs)[len(outputs(convs))-1]
	return slices.Concat(ops, pools(o.DType, stem, last), flat(d, o, elements), inputs(o), rowwise(o), explaining(d, o)), nil
}

// planned returns a planning device on which a step was taken, and the model's parameters.
func planned(o KernelOptions) (*gpu.Device, []*nn.Param, error) {
	d, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return nil, nil, err
	}
	m, err := model.New(o.Model)
	if err == nil {
		err = m.Weights().Place(d, o.DType)
	}
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	in := d.NewArena(0)
	b := objective.NewBatch(m, in, o.DType, o.Batch, m.Views(), o.ImageSize, o.ImageSize)
	m.Step(nn.Training(d.NewArena(0), o.DType), b, in.New(nn.Master(o.DType), len(o.Model.Modalities), objective.TermValues))
	return d, m.Weights().Params(), nil
}

// linears returns the different [out, in] of the parameters that are matrices.
func linears(params []*nn.Param) [][2]int {
	var all [][2]int
	for _, p := range params {
		if len(p.Dims) == 2 && !slices.Contains(all, [2]int{p.Dims[0], p.Dims[1]}) {
			all = append(all, [2]int{p.Dims[0], p.Dims[1]})
		}
	}
	return all
}

// outputs returns the different results [N, H, W, K] of the convolutions, each of which a norm follows.
func outputs(convs []gpu.ConvUse) [][]int {
	var all [][]int
	for _, c := range convs {
		h, w := c.OH(), c.OW()
		dims := []int{c.N, h, w, c.K}
		if c.Pass == gpu.ConvForward && !slices.ContainsFunc(all, func(x []int) bool { return slices.Equal(x, dims) }) {
			all = append(all, dims)
		}
	}
	return all
}

// noise fills t with values from -1 to 1. What is drawn is repeated, so that large tensors cost little.
func noise(t gpu.Tensor) {
	if t.Len() == 0 {
		return
	}
	x := t.View(t.Len())
	n := min(t.Len(), 1<<18)
	r := rand.New(rand.NewPCG(3, 4))
	draw(x.Slice(0, n), func() float64 { return 2*r.Float64() - 1 })
	for ; n < x.Len(); n *= 2 {
		k := min(n, x.Len()-n)
		gpu.Copy(x.Slice(n, n+k), x.Slice(0, k))
	}
}

func draw(t gpu.Tensor, next func() float64) {
	x := make([]float64, t.Len())
	for i := range x {
		x[i] = next()
	}
	gpu.Write(t, x)
}

// noisy returns a new tensor of noise.
func noisy(a *gpu.Arena, t gpu.DType, dims ...int) gpu.Tensor {
	x := a.New(t, dims...)
	noise(x)
	return x
}

// filled returns a new tensor of one number.
func filled(a *gpu.Arena, t gpu.DType, v float64, dims ...int) gpu.Tensor {
	x := a.New(t, dims...)
	gpu.Fill(x, v)
	return x
}
