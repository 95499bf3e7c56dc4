package main

import (
	"fmt"
	"io"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/cmd/internal/config"
	"contig-gpu/gpu"
	"contig-gpu/model/optim"

	"github.com/urfave/cli/v2"
)

// stepFloors is what `bench floor --json` prints.
type stepFloors struct {
	Encoder   string           `json:"encoder"`
	ImageSize int              `json:"image_size"`
	Batch     int              `json:"batch"`
	Precision string           `json:"precision"`
	Rows      []bench.FloorRow `json:"rows"`
	Total     bench.FloorRow   `json:"total"`
}

func benchFloorCommand() *cli.Command {
	settings := append(modelSettings(), shapeSettings()...)
	return benchVerb("floor", "what a step on a GPU consists of, and the least time each part can take on an H200; needs no GPU", settings,
		func(_ *cli.Context, v config.Values) (any, error) { return benchFloor(v) },
		func(c *cli.Context, result any) error { return result.(*stepFloors).print(c.App.Writer) })
}

func benchFloor(v config.Values) (any, error) {
	if v.Int("batch") < 1 || v.Int("image-size") < 32 {
		return nil, usagef("bench floor: --batch must be at least 1, --image-size at least 32")
	}
	cfg, err := shapeModel(v)
	if err != nil {
		return nil, err
	}
	d, err := gpu.Open("plan:cuda", gpu.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if v.Text("precision") == "auto" {
		v["precision"] = "bf16"
	}
	t, precision, err := dtype(v, d)
	if err != nil {
		return nil, err
	}
	o := optim.Defaults()
	o.Name = v.Text("optimizer")
	if err := o.Validate(); err != nil {
		return nil, usagef("%v", err)
	}
	f := &stepFloors{Encoder: cfg.Encoder, ImageSize: v.Int("image-size"), Batch: v.Int("batch"), Precision: precision}
	f.Rows, f.Total, err = bench.Floors(d, bench.StepOptions{Model: cfg, DType: t, Batch: f.Batch, ImageSize: f.ImageSize, Batches: 1, Optimizer: o, Norm: true})
	return f, err
}

func (f *stepFloors) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s, %d px, batch %d, %s; floors at %.3g TB/s and %.4g TFLOP/s\n%-32s %8s %12s %12s %10s\n", f.Encoder, f.ImageSize, f.Batch, f.Precision,
		bench.FloorBytes/1e12, bench.FloorFlops/1e12, "kernel", "launches", "GB", "GFLOP", "ms")
	for _, r := range append(f.Rows, f.Total) {
		fmt.Fprintf(w, "%-32s %8d %12.3f %12.1f %10.4f\n", r.Kernel, r.Launches, float64(r.Bytes)/1e9, float64(r.Flops)/1e9, r.Milliseconds)
	}
	return err
}
