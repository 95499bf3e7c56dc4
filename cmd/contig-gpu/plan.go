package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"

	"github.com/urfave/cli/v2"
)

// memoryPlan is what `plan --json` prints; all but counts is in bytes.
type memoryPlan struct {
	Parameters  int `json:"parameters"`
	Values      int `json:"values_bytes"` // parameters and buffers
	Gradients   int `json:"gradients_bytes"`
	Optimizer   int `json:"optimizer_bytes"`
	Activations int `json:"activations_bytes"`
	Staging     int `json:"staging_bytes"` // one batch of input
	Total       int `json:"total_bytes"`
	Batch       int `json:"batch"`
	ImageSize   int `json:"image_size"`
	Memory      int `json:"memory_bytes"`  // that the largest batch is for
	Largest     int `json:"largest_batch"` // 0: not even one fits
}

// shapeSettings are what a step's shapes depend on beside the model.
func shapeSettings() []config.Setting {
	return []config.Setting{
		{Name: "batch", Default: 64, Usage: "images per batch"},
		{Name: "image-size", Default: 224, Usage: "height and width of the images, in pixels"},
		{Name: "features", Default: "481,7854", Usage: "features of each modality, separated by commas"},
		{Name: "precision", Default: "auto", Usage: "auto (bf16 on a GPU, f32 elsewhere), bf16, f16, tf32, f32 or f64"},
		{Name: "optimizer", Default: "adam", Usage: "adam, adamw or sgd"},
	}
}

func planSettings() []config.Setting {
	return append(append(modelSettings(), shapeSettings()...),
		config.Setting{Name: "memory", Default: "", Usage: "memory for the largest batch, such as 16G; none: what is free here"})
}

func planCommand() *cli.Command {
	settings := planSettings()
	return &cli.Command{
		Name: "plan", Usage: "memory of a training run, and the largest batch that fits; needs no data",
		Flags: append(flags("", settings), &cli.BoolFlag{Name: "json", Usage: "print one JSON object"}),
		Action: func(c *cli.Context) error {
			v := config.Resolve(settings, nil, given(c, settings))
			p, err := planFor(v)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(c.App.Writer).Encode(p)
			}
			return p.print(c.App.Writer)
		},
	}
}

func planFor(v config.Values) (*memoryPlan, error) {
	cfg, err := shapeModel(v)
	if err != nil {
		return nil, err
	}
	batch, size := v.Int("batch"), v.Int("image-size")
	if batch < 1 || size < 32 {
		return nil, usagef("--batch must be at least 1 and --image-size at least 32")
	}
	room := int(memory())
	if text := v.Text("memory"); text != "" {
		if room, err = parseBytes(text); err != nil {
			return nil, err
		}
	}
	t, _, err := dtype(v, nil)
	if err != nil {
		return nil, err
	}
	p, err := measure(cfg, v, t, batch)
	if err != nil {
		return nil, err
	}
	p.Memory = room
	p.Largest, err = largestBatch(room, func(n int) (int, error) {
		q, err := measure(cfg, v, t, n)
		if err != nil {
			return 0, err
		}
		return q.Total, nil
	})
	return p, err
}

// shapeModel returns a model whose modalities have the widths of --features.
func shapeModel(v config.Values) (model.Config, error) {
	cfg := modelConfig(v)
	for i, f := range strings.Split(v.Text("features"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n < 1 {
			return cfg, usagef("--features %q: want whole numbers above 0, separated by commas", v.Text("features"))
		}
		cfg.Modalities = append(cfg.Modalities, model.Modality{Name: fmt.Sprintf("m%d", i), Features: n})
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usagef("%v", err)
	}
	return cfg, nil
}

func modelConfig(v config.Values) model.Config {
	return model.Config{Encoder: v.Text("encoder"), Genetics: v.Text("genetics"), Hidden: v.Int("hidden"), Embedding: v.Int("embedding"),
		Tau: v.Number("tau"), Lambda: v.Number("lambda"), Weights: v.Text("weights"), Pairs: v.Text("pairs")}
}

// dtype returns the type of activations that --precision means to a device; nil: to the planning device.
func dtype(v config.Values, d *gpu.Device) (gpu.DType, string, error) {
	if d == nil {
		p, err := gpu.Open("plan", gpu.Options{})
		if err != nil {
			return 0, "", err
		}
		defer p.Close()
		d = p
	}
	t, name, err := d.Precision(v.Text("precision"))
	if err != nil {
		return 0, "", usagef("--precision: %v", err)
	}
	return t, name, nil
}

// measure counts the bytes of a step.
func measure(cfg model.Config, v config.Values, t gpu.DType, batch int) (*memoryPlan, error) {
	size := v.Int("image-size")
	step, err := model.PlanStep(cfg, t, batch, size)
	if err != nil {
		return nil, err
	}
	m, err := model.New(cfg)
	if err != nil {
		return nil, err
	}
	d, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	staging := d.NewArena(0)
	m.NewBatch(staging, t, batch, size, size)
	staging.New(nn.Master(t), len(cfg.Modalities), 4)
	p := &memoryPlan{Batch: batch, ImageSize: size, Parameters: step.Params, Values: step.Values, Gradients: step.Grads, Activations: step.Activations,
		Staging: staging.Peak(), Optimizer: step.Grads * optim.Config{Name: v.Text("optimizer"), Momentum: 0.9}.StateTensors()}
	p.Total = p.Values + p.Gradients + p.Optimizer + p.Activations + p.Staging
	return p, nil
}

// largestBatch returns the largest n whose bytes fit into room, up to 65536.
func largestBatch(room int, bytes func(n int) (int, error)) (int, error) {
	lo, hi := 0, 1<<16+1 // lo fits, hi does not
	for step := 1; lo+1 < hi; {
		n := (lo + hi) / 2
		if hi > 1<<16 {
			n = min(step, 1<<16)
			step *= 2
		}
		b, err := bytes(n)
		if err != nil {
			return 0, err
		}
		switch {
		case b > room:
			hi = n
		case n == 1<<16:
			return n, nil
		default:
			lo = n
		}
	}
	return lo, nil
}

func (p *memoryPlan) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d parameters, batch %d, images of %d px\n", p.Parameters, p.Batch, p.ImageSize)
	for _, l := range []struct {
		name  string
		bytes int
	}{{"values", p.Values}, {"gradients", p.Gradients}, {"optimizer", p.Optimizer}, {"activations", p.Activations}, {"staging", p.Staging}, {"total", p.Total}} {
		fmt.Fprintf(w, "  %-12s %12s\n", l.name, bytesText(l.bytes))
	}
	fmt.Fprintf(w, "largest batch in %s: %d\n", bytesText(p.Memory), p.Largest)
	return err
}

func bytesText(n int) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}

// parseBytes reads 16G, 512M or a number of bytes.
func parseBytes(s string) (int, error) {
	number, shift := strings.TrimSuffix(strings.ToUpper(s), "B"), 0
	for suffix, n := range map[string]int{"K": 10, "M": 20, "G": 30, "T": 40} {
		if cut, ok := strings.CutSuffix(number, suffix); ok {
			number, shift = cut, n
			break
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f > 0 && f < 1<<20) && shift > 0 || f <= 0 {
		return 0, usagef("--memory %q: want a size such as 16G or 512M", s)
	}
	return int(f * float64(int(1)<<shift)), nil
}
