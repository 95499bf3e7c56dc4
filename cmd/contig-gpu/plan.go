package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// memoryPlan is what `plan --json` prints.
type memoryPlan struct {
	Device     string     `json:"device"`
	Precision  string     `json:"precision"`
	Parameters int        `json:"parameters"`
	Batch      int        `json:"batch"`
	Ranks      int        `json:"ranks"` // that share the batch; what follows is of one of them
	ImageSize  int        `json:"image_size"`
	Arenas     []gpu.Held `json:"arenas"` // of the device
	Host       []gpu.Held `json:"host"`   // beside them, on the host
	OnDevice   int        `json:"device_bytes"`
	OnHost     int        `json:"host_bytes"`
	Total      int        `json:"total_bytes"`
	Memory     int        `json:"memory_bytes"`    // of the device, that the largest batch is for
	Largest    int        `json:"largest_batch"`   // up to 16384; 0: not even one fits
	Notes      []string   `json:"notes,omitempty"` // what the bytes leave out

	Convolutions *gpu.ConvAnswers `json:"convolutions,omitempty"` // of --gpu: what its scratch is taken from
	Written      *gpu.PlanPack    `json:"plans,omitempty"`        // of --write-plans
}

// planSettings are those of plan.
type planSettings struct {
	shapeSettings
	GPU, Memory string
	WritePlans  string
	Ranks       int
}

func newPlanSettings() *planSettings {
	return &planSettings{shapeSettings: *newShapeSettings(), Ranks: 1}
}

func (p *planSettings) rows() []setting.Row {
	s := p.settings.rows()
	device := setting.Of(s, &p.Device)[0].Saying("auto, cpu, cuda or cuda:N; without a GPU cuda is taken for an H100")
	own := append(setting.Of(s, &p.Chunk, &p.Accumulate, &p.EMA, &p.Threads), device,
		setting.New("gpu", &p.GPU, "", setting.OneOf(gpu.PlannedGPUs()...).OrEmpty(), "plan for this model of GPU, present or not, instead of --device: {}"),
		setting.New("ranks", &p.Ranks, 1, setting.Between(1, mostNodes), "plan for one of so many ranks, processes that share --batch; --gpus says the same, as in train").AlsoNamed("gpus"),
		setting.New("memory", &p.Memory, "", setting.Any(), "memory for the largest batch, such as 16G; none: what the device has free"),
		setting.New("write-plans", &p.WritePlans, "", setting.Any(), "make cuDNN's plans for --gpu without it, and write them to this file, such as plans/h200.zip"))
	return append(p.shapeSettings.rows(), setting.Group("", own...)...)
}

func planCommand() *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "memory of a training run, and the largest batch that fits; needs no data and no GPU",
		Flags: append(flags(newPlanSettings().rows()), &cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
			&cli.StringFlag{Name: "config", Usage: "TOML file of train's flags: its settings, and train's defaults for the others; flags win over it"},
			&cli.StringFlag{Name: "run", Usage: "`RUN` whose settings and features are planned; flags win over them"}),
		Subcommands: []*cli.Command{planExplainCommand()},
		Action: func(c *cli.Context) error {
			s, err := planAsked(c)
			if err != nil {
				return err
			}
			p, err := planFor(s, progress.New(c.App.ErrWriter))
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

// planAsked lays the flags over the settings of --config or --run, where one is given, or over those that need no data.
func planAsked(c *cli.Context) (*planSettings, error) {
	s, path, run := newPlanSettings(), c.String("config"), c.String("run")
	var file config.File
	var err error
	switch {
	case path != "" && run != "":
		return nil, usagef("plan: --config and --run both have settings: give one of them")
	case path != "":
		file, err = config.Load(path)
	case run != "":
		if err := needRun(run, configName); err != nil {
			return nil, err
		}
		file, err = config.LoadRun(filepath.Join(run, configName))
	default:
		return s, parse(c, s.rows())
	}
	if err != nil {
		return nil, err
	}
	whole, _, err := laid(c, file)
	if err != nil {
		return nil, err
	}
	s.settings = *whole
	if x := train.StandingOf(run); run != "" && x != nil {
		var widths []string
		for _, m := range x.Config.Model.Modalities {
			widths = append(widths, strconv.Itoa(m.Features))
		}
		s.Features = strings.Join(widths, ",")
	}
	return s, parse(c, s.rows())
}

func planFor(s *planSettings, line *progress.Line) (*memoryPlan, error) {
	if s.WritePlans != "" && s.GPU == "" {
		return nil, usagef("plan: --write-plans wants --gpu, for which the plans are made")
	}
	cfg, err := plannedConfig(s)
	if err != nil {
		return nil, err
	}
	d, notes, err := plannedDevice(s)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if s.Ranks > 1 {
		if cfg.Batch%s.Ranks != 0 {
			return nil, usagef("plan: --batch %d is of all ranks, and %d ranks cannot share it equally: %d and %d can", cfg.Batch, s.Ranks, cfg.Batch/s.Ranks*s.Ranks, (cfg.Batch/s.Ranks+1)*s.Ranks)
		}
		d.PlanFor(s.Ranks)
	}
	if _, cfg.Precision, err = dtype(&s.settings, d); err != nil {
		return nil, err
	}
	room, err := planRoom(s, d)
	if err != nil {
		return nil, err
	}
	m, err := model.New(cfg.Model)
	if err != nil {
		return nil, err
	}
	work := pixelSide(cfg, d)
	x, err := train.MemoryOf(cfg, work, d)
	if err != nil {
		return nil, err
	}
	written, err := writePlans(s, cfg, d, line) // before others than this batch are planned
	if err != nil {
		return nil, err
	}
	p := &memoryPlan{Written: written, Device: d.Name(), Precision: cfg.Precision, Parameters: m.Weights().Count(), Batch: cfg.Batch, Ranks: s.Ranks, ImageSize: cfg.ImageSize, Arenas: x.Device,
		Host: x.Host, OnDevice: x.OnDevice(), OnHost: x.OnHost(), Total: x.Total(), Memory: room, Notes: notes, Convolutions: d.ConvAnswers()}
	if g := d.GPU(); g != nil {
		p.Device = g.Name
	}
	if work > 0 {
		p.Notes = append(p.Notes, "tables leaves out the genetics of all persons, which stay on a GPU: about a quarter of a byte per genotype, an eighth per carrier, 4 per score")
	}
	more, err := autoNote(s, cfg, work, d, x)
	if err != nil {
		return nil, err
	}
	if more != "" {
		p.Notes = append(p.Notes, more)
	}
	p.Largest, err = train.LargestBatch(cfg, work, d, room)
	p.Largest -= p.Largest % s.Ranks
	return p, err
}

// autoNote says what else --precision auto may come to on the GPU, and what that takes.
func autoNote(s *planSettings, c train.Config, work int, d *gpu.Device, first train.Memory) (string, error) {
	choices := d.Auto()
	if s.Precision != "auto" || len(choices) < 2 {
		return "", nil
	}
	note := fmt.Sprintf("--precision auto: a training takes the fastest of %s, timed on the GPU", strings.Join(choices, " and "))
	if d.Computes() {
		return note, nil // asking its libraries for plans of another type takes minutes
	}
	for _, p := range choices[1:] {
		c.Precision = p
		x, err := train.MemoryOf(c, work, d)
		if err != nil {
			return "", err
		}
		note += fmt.Sprintf("; in %s the device holds %s, in %s %s", choices[0], bytesText(first.OnDevice()), p, bytesText(x.OnDevice()))
	}
	return note, nil
}

// plannedConfig returns the training that is planned.
func plannedConfig(s *planSettings) (train.Config, error) {
	c := s.training()
	var err error
	if c.Model, err = s.model("plan"); err != nil {
		return c, err
	}
	if err := c.Validate(); err != nil {
		return c, misused("plan", err)
	}
	return c, nil
}

// plannedDevice opens --device, or what plans for it in its absence, and says what that cannot know.
func plannedDevice(s *planSettings) (*gpu.Device, []string, error) {
	o := gpu.Options{Threads: s.Threads}
	if s.GPU != "" {
		d, err := gpu.Open("plan:"+s.GPU, o)
		return d, nil, err
	}
	d, err := gpu.Open(s.Device, o)
	if err == nil {
		return d, nil, nil
	}
	if s.Device != "cuda" || !errors.Is(err, gpu.ErrNoDevice) {
		return nil, nil, err
	}
	d, err = gpu.Open("plan:cuda", o)
	return d, []string{"scratch leaves out what cuDNN works in, which only the GPU can tell"}, err
}

// pixelSide returns the side of the pixels that a training gives a device to make images from, 0 where it gives it images.
func pixelSide(c train.Config, d *gpu.Device) int {
	if !d.Async() {
		return 0
	}
	return loaderOptions(c, train.Feed{Split: data.Train, Train: true, Raw: true}).PixelSide()
}

// planRoom returns the memory that the largest batch is for.
func planRoom(s *planSettings, d *gpu.Device) (int, error) {
	if s.Memory != "" {
		return parseBytes(s.Memory)
	}
	if g := d.GPU(); g != nil {
		return g.Free, nil
	}
	return int(memory()), nil
}

func (p *memoryPlan) print(w io.Writer) error {
	each := ""
	if p.Ranks > 1 {
		each = fmt.Sprintf(", each of %d ranks with %d", p.Ranks, p.Batch/p.Ranks)
	}
	fmt.Fprintf(w, "%d parameters, batch %d%s, images of %d px, %s on %s\n", p.Parameters, p.Batch, each, p.ImageSize, p.Precision, p.Device)
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
		fmt.Fprintf(w, "scratch holds the first proposals of cuDNN %s, asked without a GPU; timing on one may prefer others\n", a.CuDNN)
		fmt.Fprintf(w, "  of %d passes of convolutions %d are known, %d in proportion to a batch of 64, %d not known\n", a.Known+a.Scaled+a.Unknown, a.Known, a.Scaled, a.Unknown)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(w, n)
	}
	if x := p.Written; x != nil {
		fmt.Fprintf(w, "wrote %d plans of cuDNN %s for %d problems, of which %d were compiled; %d problems have none\n", x.Plans, x.CuDNN, x.Problems, x.Compiled, x.Missing)
		fmt.Fprintf(w, "  they serve GPUs of compute capability %d.%d with %d multiprocessors and a driver of CUDA %d.%d\n", x.Arch/10, x.Arch%10, x.SMs, x.Driver/1000, x.Driver%1000/10)
	}
	_, err := fmt.Fprintf(w, "largest batch in %s: %d\n", bytesText(p.Memory), p.Largest)
	return err
}
