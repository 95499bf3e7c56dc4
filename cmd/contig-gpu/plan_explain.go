package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/explain"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// explainPlanSettings are those of plan explain.
type explainPlanSettings struct {
	shapeSettings
	explain *explainSettings
	Persons int // of the reference
	Cohort  int // persons whose tables are held
}

func newExplainPlanSettings() *explainPlanSettings {
	p := &explainPlanSettings{shapeSettings: *newShapeSettings(), explain: newExplainSettings(), Persons: 256}
	return p
}

func (p *explainPlanSettings) rows() []setting.Row {
	x := p.explain
	own := setting.Of(x.rows(), &x.Method, &x.Baseline, &x.Steps, &x.Draws, &x.Maps, &x.ImageMethod, &x.Precision, &x.Device, &x.Threads)
	own = append(own, setting.New("reference", &p.Persons, 256, setting.Between(2, mostReference), "persons of the reference batch"),
		setting.New("persons", &p.Cohort, 0, setting.Count(0), "persons of the cohort, whose tables are counted at four bytes a value, the most that they take"))
	shape := slices.DeleteFunc(p.shapeSettings.rows(), func(r setting.Row) bool { return r.Name == "optimizer" || r.Name == "precision" })
	return append(shape, setting.Group("", own...)...)
}

func planExplainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "memory of an explanation; needs no data and no GPU",
		Flags: append(flags(newExplainPlanSettings().rows()), &cli.BoolFlag{Name: "json", Usage: "print one JSON object"}),
		Action: func(c *cli.Context) error {
			p := newExplainPlanSettings()
			if err := parse(c, p.rows()); err != nil {
				return err
			}
			if err := p.explain.readMethods(); err != nil {
				return err
			}
			if err := p.explain.readImageMethods(); err != nil {
				return err
			}
			r, device, err := p.room()
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(c.App.Writer).Encode(r)
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", device, r)
			return err
		},
	}
}

// room counts on a planning device of --device, or where cuda is not there of an H100.
func (p *explainPlanSettings) room() (explainRoom, string, error) {
	var r explainRoom
	var machine planSettings
	machine.Device, machine.Threads = p.explain.Device, p.explain.Threads
	d, _, err := plannedDevice(&machine)
	if err != nil {
		return r, "", err
	}
	defer d.Close()
	precision := p.explain.Precision
	if precision == "auto" {
		precision = "f32"
	}
	dtype, _, err := d.Precision(precision)
	if err != nil {
		return r, "", usagef("plan explain: --precision: %v", err)
	}
	cfg, err := p.model("plan explain")
	if err != nil {
		return r, "", err
	}
	if _, err := model.New(cfg); err != nil {
		return r, "", misused("plan explain", err)
	}
	exact, err := exactFor(d, dtype, p.explain.Threads)
	if err != nil {
		return r, "", err
	}
	if exact != nil && exact != d {
		defer exact.Close()
	}
	r, err = roomOf(d, dtype, cfg, slices.Repeat([]int{p.Persons}, len(cfg.Modalities)), p.explain.attribution(p.free(d)/4), exact)
	if err != nil {
		return r, "", err
	}
	net := &checkpoint.Loaded{Settings: checkpoint.Settings{Config: build.Config{Objective: build.ContIG, Model: cfg}}, Device: d, DType: dtype}
	dims := data.Dims{Batch: min(p.Batch, mostTogether), Height: p.ImageSize, Width: p.ImageSize}
	for _, m := range cfg.Modalities {
		dims.Modalities, dims.Features = append(dims.Modalities, m.Name), append(dims.Features, m.Features)
	}
	if r.Embedding, err = train.EmbedMemory(net, dims); err != nil {
		return r, "", err
	}
	for _, m := range cfg.Modalities {
		r.Tables = gpu.Plus(r.Tables, gpu.Times(4, p.Cohort, m.Features))
	}
	if p.explain.Maps == 0 {
		return r, d.Name(), nil
	}
	r.Host += hostOfMaps(p.explain.Maps, len(cfg.Modalities), len(p.explain.imageMethods), p.ImageSize)
	r.Maps, err = mapsOn{cfg, p.ImageSize, slices.Repeat([]int{p.Persons}, len(cfg.Modalities)), explain.Loss, -1}.room(d, dtype)
	return r, d.Name(), err
}

// free returns the bytes that attribution is planned for.
func (p *explainPlanSettings) free(d *gpu.Device) int {
	if g := d.GPU(); g != nil {
		return g.Free
	}
	return int(memory())
}
