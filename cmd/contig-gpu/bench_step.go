package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/data/folder"
	"contig-gpu/gpu"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// benchResult is what `bench step --json` prints.
type benchResult struct {
	benchWhere
	Encoder     string        `json:"encoder"`
	ImageSize   int           `json:"image_size"`
	Batch       int           `json:"batch"`
	Features    string        `json:"features"`
	Genetics    string        `json:"genetics"`
	Missing     float64       `json:"missing"`
	Input       string        `json:"input"` // raw or floats
	Norm        bool          `json:"norm"`
	Parameters  int           `json:"parameters"`
	Upload      int           `json:"upload_bytes"`  // of a step's batch, on its way to the device
	WarmUp      int           `json:"warm_up_steps"` // that were taken before anything is measured
	Nodes       int           `json:"graph_nodes"`   // of the recorded step, 0 where it is not recorded
	Memory      []gpu.Held    `json:"memory"`        // held while it runs, in bytes by what it is for
	Bytes       int           `json:"memory_bytes"`
	DeviceBytes int           `json:"device_bytes,omitempty"` // that the GPU's free memory fell by, libraries and plans included
	Steps       int           `json:"steps"`
	Rate        bench.Spread  `json:"images_per_second"`
	Time        bench.Spread  `json:"milliseconds_per_step"`
	Busy        *bench.Spread `json:"gpu_busy,omitempty"` // share of the time
	*rankSpeed
}

// The values of --input.
const (
	inputAuto   = "auto"
	inputRaw    = "raw"
	inputFloats = "floats"
)

// stepSettings are those of bench step.
type stepSettings struct {
	shapeSettings
	timing
	Input                      string
	Missing                    float64
	Batches                    int
	Norm, NoGraph, Interactive bool
	Dump                       string
}

func newStepSettings() *stepSettings {
	return &stepSettings{shapeSettings: *newShapeSettings(), timing: timing{Windows: 7, Seconds: 3}, Input: inputAuto, Batches: 1, Norm: true}
}

func (s *stepSettings) rows() []setting.Row {
	rows := append(append(s.shapeSettings.rows(), s.timing.rows(&s.settings)...), setting.Of(s.Optimizer.Settings(), &s.Optimizer.LR)...)
	return append(rows,
		setting.New("input", &s.Input, inputAuto, setting.OneOf(inputAuto, inputRaw, inputFloats), "what a step is given: raw, pixels and persons, which the device varies and looks up in its packed tables; "+
			"floats, images and tables ready for the model; auto, as train does: raw on a GPU, floats on the CPU"),
		missing(&s.Missing),
		setting.New("batches", &s.Batches, 1, setting.Between(1, mostNodes), "different batches that the steps take in turn"),
		setting.New("norm", &s.Norm, true, setting.Any(), "compute the L2 norm of the gradient, as train does; =false leaves it out, but f16 needs it"),
		setting.New("no-graph", &s.NoGraph, false, setting.Any(), "queue every step anew where the device could record it"),
		setting.New("dump", &s.Dump, "", setting.Any(), "write weights, batches, losses and gradient to this safetensors file, and measure nothing; needs --input floats"),
		setting.New("interactive", &s.Interactive, false, setting.Any(), "take `window SECONDS` and `losses N` from standard input, a line of JSON for each"))
}

func benchStepCommand() *cli.Command {
	command := benchVerb("step", "speed of whole training steps on random data, as train takes them: from the batch on the host to its losses there", newStepSettings, benchStep,
		func(c *cli.Context, result any) error {
			r := result.(*benchResult)
			busy := ""
			if r.Busy != nil {
				busy = fmt.Sprintf(", GPU busy %.1f %%", 100*r.Busy.Median)
			}
			_, err := fmt.Fprintf(c.App.Writer, "%s, %d px, batch %d of %s, %s on %s with %d threads: %.2f images per second (%.2f to %.2f, %d steps), %.2f ms a step%s\n",
				r.Encoder, r.ImageSize, r.Batch, r.Input, r.Precision, r.Device, r.Threads, r.Rate.Median, r.Rate.Min, r.Rate.Max, r.Steps, r.Time.Median, busy)
			if r.rankSpeed != nil && err == nil {
				_, err = fmt.Fprintln(c.App.Writer, r.rankSpeed)
			}
			return err
		})
	command.Flags = append(command.Flags, inGroup("Ranks", ranksFlags("refuse any other `NUMBER` of ranks than this, under mpirun or srun; 1: alone"))...)
	return command
}

// stepOptions are those of `bench step` and `bench floor`.
func (s *shapeSettings) stepOptions(verb string) (bench.StepOptions, error) {
	m, err := s.model(verb)
	return bench.StepOptions{Model: m, Batch: s.Batch, ImageSize: s.ImageSize, Batches: 1, Optimizer: s.Optimizer}, err
}

func benchStep(c *cli.Context, v *stepSettings) (any, error) {
	r, err := v.asRank(c)
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

// measured is what bench step measures, with the ranks that it does so with.
func (v *stepSettings) measured(c *cli.Context, team *ranks.Team) (*benchResult, error) {
	o, err := v.stepOptions("bench step")
	if err != nil {
		return nil, err
	}
	o.Batches, o.Missing, o.Floats, o.Omit = v.Batches, v.Missing, v.Input == inputFloats, train.Omit{Norm: !v.Norm, Graph: v.NoGraph}
	d, where, err := v.open(&o, team)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	o.Progress = func(e train.Event) {
		if e.Kind == train.Chosen && team.Rank == 0 {
			fmt.Fprintln(c.App.ErrWriter, e.Text)
		}
	}
	s, err := bench.NewStep(d, o)
	if err = team.Together(err); err != nil {
		return nil, err
	}
	defer s.Close()
	r := &benchResult{benchWhere: where, Encoder: o.Model.Encoder, ImageSize: o.ImageSize, Batch: o.Batch, Features: v.Features, Genetics: o.Model.Genetics,
		Missing: o.Missing, Input: inputFloats, Norm: !o.Omit.Norm, Parameters: s.Weights().Count(), Upload: s.Uploaded(), WarmUp: s.WarmUp()}
	r.Precision = s.Precision()
	if s.Raw() {
		r.Input = inputRaw
	}
	switch {
	case v.Dump != "":
		if err := (folder.File{Path: v.Dump, Overwrite: true, Ours: folder.Safetensors}).Check(); err != nil {
			return nil, err
		}
		return nil, s.Dump(v.Dump)
	case v.Interactive:
		return nil, serve(c.Context, c.App.Reader, c.App.Writer, s, r, d)
	case team.Size > 1:
		return r, r.measureRanks(c.Context, s, d, team, v.timing)
	}
	return r, r.measure(c.Context, s, d, v.Windows, v.Seconds)
}

// open opens the device that a step by o is measured on, and refuses what it cannot do.
func (v *stepSettings) open(o *bench.StepOptions, team *ranks.Team) (d *gpu.Device, where benchWhere, err error) {
	open := func() error {
		if err := v.share(team); err != nil {
			return err
		}
		if d, _, where, err = openBench(&v.settings); err != nil {
			return err
		}
		if o.Precision = where.Precision; v.Precision == "auto" && d.GPU() != nil {
			o.Precision = v.Precision // as train decides
		}
		return v.suits(d, o, team.Size)
	}
	if err = team.Together(open()); err == nil {
		err = joinRanks(team, d)
	}
	if err != nil && d != nil {
		d.Close()
	}
	return d, where, err
}

// suits refuses what the device cannot measure.
func (v *stepSettings) suits(d *gpu.Device, o *bench.StepOptions, ranks int) error {
	switch {
	case v.Input == inputRaw && !d.Async():
		return usagef("bench step: --input raw: the device %s makes no images, train gives it floats", d.Name())
	case o.Precision == gpu.F16.String() && o.Omit.Norm:
		return usagef("bench step: --norm=false: f16 needs the length of the gradient")
	case v.Dump != "" && d.Async() && !o.Floats:
		return usagef("bench step: --dump needs --input floats")
	}
	return v.fitsDevice(o.Model, d, gpu.Times(o.Batches, o.Batch/ranks, 3, 4, o.ImageSize, o.ImageSize))
}

// warm takes the first steps and notes what is known only then.
func (r *benchResult) warm(ctx context.Context, s *bench.Step, d *gpu.Device) error {
	if err := s.Warm(ctx); err != nil {
		return err
	}
	r.Nodes, r.Memory = s.Nodes(), d.Allocated()
	for _, h := range r.Memory {
		if !h.Host {
			r.Bytes += h.Bytes
		}
	}
	if r.GPU != nil {
		r.DeviceBytes = r.GPU.Free - d.GPU().Free
	}
	return nil
}

func (r *benchResult) measure(ctx context.Context, s *bench.Step, d *gpu.Device, windows int, seconds float64) error {
	if err := r.warm(ctx, s, d); err != nil {
		return err
	}
	return r.windows(windows, func() (bench.Window, error) { return s.Window(ctx, seconds) })
}

// windows notes the speed of so many windows.
func (r *benchResult) windows(n int, next func() (bench.Window, error)) error {
	var rates, times, busy []float64
	for range n {
		w, err := next()
		if err != nil {
			return err
		}
		r.Steps += w.Runs
		rates, times = append(rates, float64(w.Runs*r.Batch)/w.Seconds), append(times, 1e3*w.Seconds/float64(w.Runs))
		if w.Busy != nil {
			busy = append(busy, *w.Busy)
		}
	}
	r.Rate, r.Time = bench.SpreadOf(rates), bench.SpreadOf(times)
	if len(busy) > 0 {
		s := bench.SpreadOf(busy)
		r.Busy = &s
	}
	return nil
}

// serve lets another process alternate its windows with ours: after a first line, with what `--json` says before a
// window, every line of in is `window SECONDS` or `losses N` and is answered by a line. It ends with the input.
func serve(ctx context.Context, in io.Reader, out io.Writer, s *bench.Step, r *benchResult, d *gpu.Device) error {
	if err := r.warm(ctx, s, d); err != nil {
		return err
	}
	say := json.NewEncoder(out)
	if err := say.Encode(r); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		verb, number, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		x, err := strconv.ParseFloat(number, 64)
		if err != nil || x < 0 || verb != "window" && verb != "losses" {
			return usagef("bench step --interactive: %q: want `window SECONDS` or `losses N`", lines.Text())
		}
		var answer any
		if verb == "window" {
			answer, err = s.Window(ctx, x)
		} else {
			answer, err = s.Losses(ctx, int(x))
		}
		if err != nil {
			return err
		}
		if err := say.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}
