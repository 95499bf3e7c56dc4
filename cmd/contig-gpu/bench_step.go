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
	"contig-gpu/cmd/internal/config"
	"contig-gpu/gpu"
	"contig-gpu/model/optim"

	"github.com/urfave/cli/v2"
)

// benchResult is what `bench step --json` prints.
type benchResult struct {
	benchWhere
	Encoder     string       `json:"encoder"`
	ImageSize   int          `json:"image_size"`
	Batch       int          `json:"batch"`
	Features    string       `json:"features"`
	Genetics    string       `json:"genetics"`
	Missing     float64      `json:"missing"`
	Parameters  int          `json:"parameters"`
	Nodes       int          `json:"graph_nodes"` // of the recorded step, 0 where it is not recorded
	Memory      []gpu.Held   `json:"memory"`      // held while it runs, in bytes by what it is for
	Bytes       int          `json:"memory_bytes"`
	DeviceBytes int          `json:"device_bytes,omitempty"` // that the card's free memory fell by, libraries and plans included
	Steps       int          `json:"steps"`
	Rate        bench.Spread `json:"images_per_second"`
	Time        bench.Spread `json:"milliseconds_per_step"`
	Busy        bench.Spread `json:"gpu_busy"` // share of the time; on the CPU of the whole step
}

func benchStepSettings() []config.Setting {
	return append(append(append(modelSettings(), shapeSettings()...), benchSettings(7, 3)...),
		config.Setting{Name: "missing", Default: 0.0, Usage: "share of the persons that lack a modality, for each modality by itself"},
		config.Setting{Name: "batches", Default: 1, Usage: "different batches that the steps take in turn"},
		config.Setting{Name: "lr", Default: 1e-3, Usage: "learning rate"},
		config.Setting{Name: "norm", Default: false, Usage: "compute the length of the gradient too, as train does; f16 always does"},
		config.Setting{Name: "no-graph", Default: false, Usage: "queue every step anew where the device could record it"},
		config.Setting{Name: "dump", Default: "", Usage: "write weights, batches, losses and gradient to this safetensors file, and measure nothing"},
		config.Setting{Name: "interactive", Default: false, Usage: "take `window SECONDS` and `losses N` from standard input, a line of JSON for each"})
}

func benchStepCommand() *cli.Command {
	return benchVerb("step", "speed of whole training steps on random data: forward, backward, optimiser", benchStepSettings(),
		func(c *cli.Context, v config.Values) (any, error) { return benchStep(c, v) },
		func(c *cli.Context, result any) error {
			r := result.(*benchResult)
			_, err := fmt.Fprintf(c.App.Writer, "%s, %d px, batch %d, %s on %s with %d threads: %.2f images per second (%.2f to %.2f, %d steps), %.2f ms a step, busy %.1f %%\n",
				r.Encoder, r.ImageSize, r.Batch, r.Precision, r.Device, r.Threads, r.Rate.Median, r.Rate.Min, r.Rate.Max, r.Steps, r.Time.Median, 100*r.Busy.Median)
			return err
		})
}

func benchStep(c *cli.Context, v config.Values) (any, error) {
	if v.Int("batch") < 1 || v.Int("image-size") < 32 || v.Int("batches") < 1 {
		return nil, usagef("bench step: --batch and --batches must be at least 1, --image-size at least 32")
	}
	if m := v.Number("missing"); !(m >= 0 && m < 1) {
		return nil, usagef("bench step: --missing %g: want a share from 0 to below 1", m)
	}
	cfg, err := shapeModel(v)
	if err != nil {
		return nil, err
	}
	o := optim.Config{Name: v.Text("optimizer"), LR: v.Number("lr"), WeightDecay: 1e-6, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Momentum: 0.9, DecayAll: true}
	if err := o.Validate(); err != nil {
		return nil, usagef("%v", err)
	}
	d, t, where, err := openBench(v)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s, err := bench.NewStep(d, bench.StepOptions{Model: cfg, DType: t, Batch: v.Int("batch"), ImageSize: v.Int("image-size"), Batches: v.Int("batches"),
		Missing: v.Number("missing"), Optimizer: o, Norm: v.Is("norm"), Graph: !v.Is("no-graph")})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r := &benchResult{benchWhere: where, Encoder: cfg.Encoder, ImageSize: v.Int("image-size"), Batch: v.Int("batch"), Features: v.Text("features"), Genetics: cfg.Genetics,
		Missing: v.Number("missing"), Parameters: s.Params()}
	switch {
	case v.Text("dump") != "":
		return nil, s.Dump(v.Text("dump"))
	case v.Is("interactive"):
		return nil, serve(c.Context, c.App.Reader, c.App.Writer, s, r, d)
	}
	return r, r.measure(c.Context, s, d, v.Int("windows"), v.Number("seconds"))
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
	if r.Card != nil {
		r.DeviceBytes = r.Card.Free - d.Card().Free
	}
	return nil
}

func (r *benchResult) measure(ctx context.Context, s *bench.Step, d *gpu.Device, windows int, seconds float64) error {
	if err := r.warm(ctx, s, d); err != nil {
		return err
	}
	var rates, times, busy []float64
	for range windows {
		w, err := s.Window(ctx, seconds)
		if err != nil {
			return err
		}
		r.Steps += w.Runs
		rates, times, busy = append(rates, float64(w.Runs*r.Batch)/w.Seconds), append(times, 1e3*w.Seconds/float64(w.Runs)), append(busy, w.Busy)
	}
	r.Rate, r.Time, r.Busy = bench.SpreadOf(rates), bench.SpreadOf(times), bench.SpreadOf(busy)
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
