package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"

	"github.com/urfave/cli/v2"
)

// spread is the middle and the ends of some windows.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// benchResult is what `bench step --json` prints.
type benchResult struct {
	Encoder   string `json:"encoder"`
	ImageSize int    `json:"image_size"`
	Batch     int    `json:"batch"`
	Features  string `json:"features"`
	Genetics  string `json:"genetics"`
	Device    string `json:"device"`
	Threads   int    `json:"threads"`
	Precision string `json:"precision"`
	Steps     int    `json:"steps"`
	Rate      spread `json:"images_per_second"`
}

func benchCommand() *cli.Command {
	settings := append(append(modelSettings(), shapeSettings()...),
		config.Setting{Name: "device", Default: "auto", Usage: "auto, cpu, cuda or cuda:N"},
		config.Setting{Name: "threads", Default: 0, Usage: "CPU threads; 0 takes all"},
		config.Setting{Name: "windows", Default: 7, Usage: "windows that are timed"},
		config.Setting{Name: "seconds", Default: 3.0, Usage: "length of a window"})
	return &cli.Command{Name: "bench", Usage: "measure speed", Subcommands: []*cli.Command{{
		Name: "step", Usage: "speed of whole training steps on random data: forward, backward, optimiser",
		Flags: append(flags("", settings), &cli.BoolFlag{Name: "json", Usage: "print one JSON object"}),
		Action: func(c *cli.Context) error {
			r, err := benchStep(c.Context, config.Resolve(settings, nil, given(c, settings)))
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(c.App.Writer).Encode(r)
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s, %d px, batch %d, %s on %s with %d threads: %.2f images per second (%.2f to %.2f, %d steps)\n",
				r.Encoder, r.ImageSize, r.Batch, r.Precision, r.Device, r.Threads, r.Rate.Median, r.Rate.Min, r.Rate.Max, r.Steps)
			return err
		},
	}}}
}

func benchStep(ctx context.Context, v config.Values) (*benchResult, error) {
	if v.Int("windows") < 1 || v.Int("batch") < 1 || v.Int("image-size") < 32 {
		return nil, usagef("bench step: --windows and --batch must be at least 1, --image-size at least 32")
	}
	cfg, err := shapeModel(v)
	if err != nil {
		return nil, err
	}
	d, err := gpu.Open(v.Text("device"), gpu.Options{Threads: v.Int("threads")})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	t, precision, err := dtype(v, d)
	if err != nil {
		return nil, err
	}
	plan, err := measure(cfg, v, t, v.Int("batch"))
	if err != nil {
		return nil, err
	}
	step, err := benchModel(d, cfg, v, t, plan)
	if err != nil {
		return nil, err
	}
	r := &benchResult{Encoder: cfg.Encoder, ImageSize: v.Int("image-size"), Batch: v.Int("batch"), Features: v.Text("features"), Genetics: cfg.Genetics,
		Device: d.Name(), Threads: d.Threads(), Precision: precision}
	return r, r.time(ctx, step, v.Int("windows"), v.Number("seconds"))
}

// benchModel returns a function that takes one training step on random data.
func benchModel(d *gpu.Device, cfg model.Config, v config.Values, t gpu.DType, plan *memoryPlan) (func() error, error) {
	m, err := model.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := m.Place(d, t); err != nil {
		return nil, err
	}
	m.Init(1)
	values, grads, decayed := m.Flat()
	oc := optim.Config{Name: v.Text("optimizer"), LR: 1e-3, WeightDecay: 1e-6, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Momentum: 0.9, DecayAll: true}
	if err := oc.Validate(); err != nil {
		return nil, usagef("%v", err)
	}
	opt := optim.New(oc, values, grads, decayed)
	opt.Refresh(m.Halves())
	a := d.NewArena(plan.Staging)
	b, losses := m.NewBatch(a, t, v.Int("batch"), v.Int("image-size"), v.Int("image-size")), a.New(nn.Master(t), len(cfg.Modalities), 4)
	randomBatch(b, cfg)
	pass := &nn.Pass{Train: true, Arena: d.NewArena(plan.Activations), DType: t}
	return func() error {
		m.ZeroGrad()
		m.Step(pass, b, losses)
		pass.Reset()
		opt.Step(1e-3, gpu.Tensor{})
		return d.Sync()
	}, nil
}

// randomBatch fills a batch in which everybody has everything.
func randomBatch(b model.Batch, cfg model.Config) {
	r := rand.New(rand.NewPCG(1, 2))
	fill := func(t gpu.Tensor, draw func() float64) {
		x := make([]float64, t.Len())
		for i := range x {
			x[i] = draw()
		}
		gpu.Write(t, x)
	}
	fill(b.Image, r.Float64)
	for i := range cfg.Modalities {
		fill(b.Tables[i], r.NormFloat64)
		gpu.Fill(b.Present[i], 1)
	}
	group := make([]int32, b.Group.Len())
	for i := range group {
		group[i] = int32(i)
	}
	gpu.Write(b.Group, group)
	gpu.Fill(b.Scale, 1/float64(len(cfg.Modalities)))
}

func (r *benchResult) time(ctx context.Context, step func() error, windows int, seconds float64) error {
	for range 2 { // caches and page tables
		if err := step(); err != nil {
			return err
		}
	}
	rates := make([]float64, windows)
	for w := range rates {
		n, start := 0, time.Now()
		for n == 0 || time.Since(start).Seconds() < seconds {
			if err := step(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			n++
		}
		rates[w] = float64(n*r.Batch) / time.Since(start).Seconds()
		r.Steps += n
	}
	slices.Sort(rates)
	r.Rate = spread{rates[windows/2], rates[0], rates[windows-1]}
	return nil
}
