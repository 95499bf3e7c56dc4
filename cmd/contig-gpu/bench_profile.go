package main

import (
	"fmt"
	"io"
	"strings"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// stepProfile is what `bench profile --json` prints.
type stepProfile struct {
	benchWhere
	Encoder   string `json:"encoder"`
	ImageSize int    `json:"image_size"`
	Batch     int    `json:"batch"`
	*bench.Profile
}

// profileSettings are those of bench profile.
type profileSettings struct {
	shapeSettings
	timing
}

func newProfileSettings() *profileSettings {
	return &profileSettings{*newShapeSettings(), timing{Windows: 5, Seconds: 0.5}}
}

func (s *profileSettings) rows() []setting.Row {
	return append(s.shapeSettings.rows(), s.timing.rows(&s.settings)...)
}

func benchProfileCommand() *cli.Command {
	return benchVerb("profile", "where the time of a step on a GPU goes, by kernel, beside the least time that each can take there; and the plans of convolutions", newProfileSettings,
		func(c *cli.Context, s *profileSettings) (any, error) {
			o, err := s.stepOptions("bench profile")
			if err != nil {
				return nil, err
			}
			d, _, where, err := openBench(&s.settings)
			if err != nil {
				return nil, err
			}
			defer d.Close()
			if d.GPU() == nil {
				return nil, usagef("bench profile: the device %s is no GPU", d.Name())
			}
			o.Precision = where.Precision
			p := &stepProfile{benchWhere: where, Encoder: o.Model.Encoder, ImageSize: o.ImageSize, Batch: o.Batch}
			p.Profile, err = bench.ProfileStep(c.Context, d, o, s.Windows, s.Seconds)
			return p, err
		},
		func(c *cli.Context, result any) error { return result.(*stepProfile).print(c.App.Writer) })
}

func (p *stepProfile) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d px, batch %d, %s: %.2f ms a recorded step; floors at %.3g TB/s and %.4g TFLOP/s, measured here\n%-32s %8s %12s %12s %10s %10s %9s\n", p.Encoder, p.ImageSize,
		p.Batch, p.Precision, p.Step.Median, p.Copy/1e12, p.Product/1e12, "kernel", "launches", "GB", "GFLOP", "ms", "floor ms", "of floor")
	for _, r := range append(p.Rows, p.Total) {
		of := ""
		if r.Measured > 0 {
			of = fmt.Sprintf("%.0f %%", 100*r.FloorRow.Milliseconds/r.Measured)
		}
		fmt.Fprintf(w, "%-32s %8d %12.3f %12.1f %10.4f %10.4f %9s\n", r.Kernel, r.Launches, float64(r.Bytes)/1e9, float64(r.Flops)/1e9, r.Measured, r.FloorRow.Milliseconds, of)
	}
	for _, x := range p.Plans {
		fmt.Fprintf(w, "plan  %s: engine %d, %.4f ms of %d timed, %d bytes of scratch  %s\n", x.Problem, x.Engine, x.Choice.Milliseconds, x.Timed, x.Workspace, strings.Join(x.Kernels, " "))
	}
	return nil
}
