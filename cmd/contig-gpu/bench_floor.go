package main

import (
	"fmt"
	"io"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/gpu"

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
	return benchVerb("floor", "what a step on a GPU consists of, and the least time each part can take on an H200; needs no GPU", newShapeSettings,
		func(_ *cli.Context, s *shapeSettings) (any, error) { return benchFloor(s) },
		func(c *cli.Context, result any) error { return result.(*stepFloors).print(c.App.Writer) })
}

func benchFloor(s *shapeSettings) (any, error) {
	o, err := s.stepOptions("bench floor")
	if err != nil {
		return nil, err
	}
	d, err := gpu.Open("plan:cuda", gpu.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if _, o.Precision, err = dtype(&s.settings, d); err != nil {
		return nil, err
	}
	f := &stepFloors{Encoder: o.Model.Encoder, ImageSize: o.ImageSize, Batch: o.Batch, Precision: o.Precision}
	f.Rows, f.Total, err = bench.Floors(d, o)
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
