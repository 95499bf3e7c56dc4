package main

import (
	"fmt"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// benchOperations is what `bench kernels --json` prints.
type benchOperations struct {
	benchWhere
	Encoder   string `json:"encoder"`
	ImageSize int    `json:"image_size"`
	Batch     int    `json:"batch"`
	*bench.Kernels
}

// kernelSettings are those of bench kernels.
type kernelSettings struct {
	shapeSettings
	timing
}

func newKernelSettings() *kernelSettings {
	return &kernelSettings{*newShapeSettings(), timing{Windows: 7, Seconds: 0.05}}
}

func (s *kernelSettings) rows() []setting.Row {
	return append(s.shapeSettings.rows(), s.timing.rows(&s.settings)...)
}

func benchKernelsCommand() *cli.Command {
	return benchVerb("kernels", "speed of every operation at the shapes of a step, beside the device's own copies and products", newKernelSettings, benchKernels,
		func(c *cli.Context, result any) error {
			r := result.(*benchOperations)
			fmt.Fprintf(c.App.Writer, "%s, %d px, batch %d, %s on %s; copies %.4g GB/s, products %.4g TFLOP/s\n",
				r.Encoder, r.ImageSize, r.Batch, r.Precision, r.Device, r.Copy/1e9, r.Product/1e12)
			fmt.Fprintf(c.App.Writer, "%-36s %-40s %13s  %14s  %s\n", "operation", "shape", "median", "speed", "of the device's copies or products")
			for _, x := range r.Rows {
				rate := fmt.Sprintf("%.4g GB/s", x.Bytes/x.Time.Median/1e6)
				if x.Flops > 0 {
					rate = fmt.Sprintf("%.4g TFLOP/s", x.Flops/x.Time.Median/1e9)
				}
				fmt.Fprintf(c.App.Writer, "%-36s %-40s %10.4f ms  %14s  %4.0f %%\n", x.Op, x.Shape, x.Time.Median, rate, 100*x.Ceiling)
			}
			return nil
		})
}

func benchKernels(c *cli.Context, s *kernelSettings) (any, error) {
	cfg, err := s.model("bench kernels")
	if err != nil {
		return nil, err
	}
	d, t, where, err := openBench(&s.settings)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := s.fitsDevice(cfg, d, 0); err != nil {
		return nil, err
	}
	k, err := bench.MeasureKernels(c.Context, d, bench.KernelOptions{Model: cfg, DType: t, Batch: s.Batch, ImageSize: s.ImageSize,
		Windows: s.Windows, Seconds: s.Seconds})
	if err != nil {
		return nil, err
	}
	return &benchOperations{where, cfg.Encoder, s.ImageSize, s.Batch, k}, nil
}
