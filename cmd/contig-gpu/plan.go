package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/data/fundus"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// memoryPlan is what `plan --json` prints.
type memoryPlan struct {
	Device     string     `json:"device"`
	Precision  string     `json:"precision"`
	Parameters int        `json:"parameters"`
	Batch      int        `json:"batch"`
	ImageSize  int        `json:"image_size"`
	Arenas     []gpu.Held `json:"arenas"` // of the device
	Host       []gpu.Held `json:"host"`   // beside them, on the host
	OnDevice   int        `json:"device_bytes"`
	OnHost     int        `json:"host_bytes"`
	Total      int        `json:"total_bytes"`
	Memory     int        `json:"memory_bytes"`    // of the device, that the largest batch is for
	Largest    int        `json:"largest_batch"`   // up to 16384; 0: not even one fits
	Notes      []string   `json:"notes,omitempty"` // what the numbers leave out

	Convolutions *gpu.ConvAnswers `json:"convolutions,omitempty"` // of --card: what its scratch is taken from
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
		chunkSetting(0),
		config.Setting{Name: "accumulate", Default: 1, Usage: "batches per optimiser step"},
		config.Setting{Name: "ema", Default: 0.0, Usage: "decay of an average of the parameters; 0 keeps none"},
		config.Setting{Name: "device", Default: "auto", Usage: "auto, cpu, cuda or cuda:N; cuda need not be there, it is then taken for an H100"},
		config.Setting{Name: "card", Default: "", Usage: "plan for a GPU that need not be there: a100, b200 or h200; instead of --device"},
		config.Setting{Name: "threads", Default: 0, Usage: "CPU threads; 0 takes all"},
		config.Setting{Name: "memory", Default: "", Usage: "memory for the largest batch, such as 16G; none: what the device has free"})
}

func planCommand() *cli.Command {
	settings := planSettings()
	return &cli.Command{
		Name: "plan", Usage: "memory of a training run, and the largest batch that fits; needs no data and no GPU",
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
	cfg, err := plannedConfig(v)
	if err != nil {
		return nil, err
	}
	d, notes, err := plannedDevice(v)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if _, cfg.Precision, err = dtype(v, d); err != nil {
		return nil, err
	}
	room, err := planRoom(v, d)
	if err != nil {
		return nil, err
	}
	m, err := model.New(cfg.Model)
	if err != nil {
		return nil, err
	}
	work, err := pixelSide(cfg, d)
	if err != nil {
		return nil, err
	}
	x, err := train.MemoryOf(cfg, work, d)
	if err != nil {
		return nil, err
	}
	p := &memoryPlan{Device: d.Name(), Precision: cfg.Precision, Parameters: m.ParamCount(), Batch: cfg.Batch, ImageSize: cfg.ImageSize, Arenas: x.Device,
		Host: x.Host, OnDevice: x.OnDevice(), OnHost: x.OnHost(), Total: x.Total(), Memory: room, Notes: notes, Convolutions: d.ConvAnswers()}
	if card := d.Card(); card != nil {
		p.Device = card.Name
	}
	if work > 0 {
		p.Notes = append(p.Notes, "tables leaves out the genetics of all persons, which stay on a GPU: about a quarter of a byte per genotype, an eighth per carrier, 4 per score")
	}
	p.Largest, err = train.LargestBatch(cfg, work, d, room)
	return p, err
}

// plannedConfig returns the training that is planned.
func plannedConfig(v config.Values) (train.Config, error) {
	c := recipe("default")
	var err error
	if c.Model, err = shapeModel(v); err != nil {
		return c, err
	}
	c.Batch, c.ImageSize, c.Accumulate, c.EMA, c.Optimizer.Name = v.Int("batch"), v.Int("image-size"), v.Int("accumulate"), v.Number("ema"), v.Text("optimizer")
	c.Precision, c.Chunk = v.Text("precision"), v.Int("chunk")
	if err := c.Validate(); err != nil {
		return c, usagef("plan: %v", err)
	}
	return c, nil
}

// plannedDevice opens --device, or what plans for it in its absence, and says what that cannot know.
func plannedDevice(v config.Values) (*gpu.Device, []string, error) {
	if v.Int("threads") < 0 {
		return nil, nil, usagef("plan: --threads must not be negative")
	}
	spec, o := v.Text("device"), gpu.Options{Threads: v.Int("threads")}
	if card := v.Text("card"); card != "" {
		if !slices.Contains(gpu.PlannedCards(), card) {
			return nil, nil, usagef("--card %q: want one of %s", card, strings.Join(gpu.PlannedCards(), ", "))
		}
		d, err := gpu.Open("plan:"+card, o)
		return d, nil, err
	}
	d, err := gpu.Open(spec, o)
	if err == nil {
		return d, nil, nil
	}
	if spec != "cuda" || !errors.Is(err, gpu.ErrNoDevice) {
		return nil, nil, err
	}
	d, err = gpu.Open("plan:cuda", o)
	return d, []string{"scratch leaves out what cuDNN works in, which only the card can tell"}, err
}

// pixelSide returns the side of the pixels that a training gives a device to make images from, 0 where it gives it images.
func pixelSide(c train.Config, d *gpu.Device) (int, error) {
	if !d.Overlaps() {
		return 0, nil
	}
	r, err := fundus.NamedRecipe(c.Recipe)
	if !c.Augment {
		return c.ImageSize, err
	}
	return r.WorkSize(c.ImageSize), err
}

// planRoom returns the memory that the largest batch is for.
func planRoom(v config.Values, d *gpu.Device) (int, error) {
	if text := v.Text("memory"); text != "" {
		return parseBytes(text)
	}
	if card := d.Card(); card != nil {
		return card.Free, nil
	}
	return int(memory()), nil
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

// dtype returns the type of activations that --precision means to a device, and its name.
func dtype(v config.Values, d *gpu.Device) (gpu.DType, string, error) {
	t, name, err := d.Precision(v.Text("precision"))
	if err != nil {
		return 0, "", usagef("--precision: %v", err)
	}
	return t, name, nil
}

func (p *memoryPlan) print(w io.Writer) error {
	fmt.Fprintf(w, "%d parameters, batch %d, images of %d px, %s on %s\n", p.Parameters, p.Batch, p.ImageSize, p.Precision, p.Device)
	for _, part := range []struct {
		name  string
		held  []gpu.Held
		total int
	}{{"device", p.Arenas, p.OnDevice}, {"host, beside it", p.Host, p.OnHost}} {
		fmt.Fprintf(w, "%s\n", part.name)
		for _, h := range append(part.held, gpu.Held{Name: "total", Bytes: part.total}) {
			fmt.Fprintf(w, "  %-12s %12s  %d\n", h.Name, bytesText(h.Bytes), h.Bytes)
		}
	}
	if a := p.Convolutions; a != nil {
		fmt.Fprintf(w, "scratch holds the first proposals of cuDNN %s, asked without a card; timing on one may prefer others\n", a.CuDNN)
		fmt.Fprintf(w, "  of %d passes of convolutions %d are known, %d in proportion to a batch of 64, %d not known\n", a.Known+a.Scaled+a.Unknown, a.Known, a.Scaled, a.Unknown)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(w, n)
	}
	_, err := fmt.Fprintf(w, "largest batch in %s: %d\n", bytesText(p.Memory), p.Largest)
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
