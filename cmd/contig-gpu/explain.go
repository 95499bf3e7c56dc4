package main

import (
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "which genetics the images of persons agree with, per person and over all, how surely, and where in the image",
		Description: "Attributes the explained function (--of) of a trained network to each feature of the genetics, for every person, with tables, tests " +
			"and a report. " + notAttribution + "\nFiles under private/ hold ids and are readable by their owner only. See docs/explain.md.",
		Flags: flags(newExplainSettings().rows()),
		Action: func(c *cli.Context) error {
			s := newExplainSettings()
			if err := parse(c, s.rows()); err != nil {
				return err
			}
			if err := s.resolve(c); err != nil {
				return err
			}
			e := &explanation{set: s, line: progress.New(c.App.Writer), out: c.App.Writer}
			defer e.close()
			return e.run(c.Context)
		},
	}
}

// notAttribution says what an attribution is not.
const notAttribution = "An attribution says what this network's match rests on: it is not a cause, not an association study, and not medical advice."

// open opens the device, the checkpoint and the cohort, and says what they are.
func (e *explanation) open() (err error) {
	s := e.set
	if err := e.target().Check(); err != nil {
		return err
	}
	if e.dev, err = gpu.Open(s.Device, gpu.Options{Threads: s.Threads}); err != nil {
		return err
	}
	keepWithinMemory(1)
	precision, err := explainedIn(e.dev, s.Precision, s.Checkpoint)
	if err != nil {
		return err
	}
	if e.net, err = checkpoint.LoadWithin(s.Checkpoint, e.dev, precision, int(memory())); err != nil {
		return err
	}
	if e.exact, err = exactFor(e.dev, e.net.DType, s.Threads); err != nil {
		return err
	}
	var contig bool
	if e.model, contig = e.net.Objective.(*model.Model); !contig {
		return &data.Problem{Code: codeNoGenetics, File: s.Checkpoint, What: "the checkpoint has no genetics to explain", Expected: "a network trained on images and genetics",
			Found: "one trained by --objective " + e.net.Settings.Objective, Cause: "the baseline on images alone", Fix: "give a checkpoint of `train --objective contig`"}
	}
	if e.trained, err = train.SettingsOf(e.net.Checkpoint); err != nil {
		return err
	}
	if err := e.openCohort(); err != nil {
		return err
	}
	if name, n := train.Unusable(e.cohort); n > 0 {
		return e.notFinite(&part{name: name}, "")
	}
	return nil
}

// explainedIn returns the precision that a checkpoint is explained in: float64 where it was trained so and the device computes in it, else float32.
func explainedIn(dev *gpu.Device, asked, path string) (string, error) {
	if asked != "auto" {
		return asked, nil
	}
	c, err := checkpoint.ReadHeader(path)
	if err != nil {
		return "", err
	}
	if c.Settings().Precision == gpu.F64.String() {
		return offered(dev, gpu.F64.String()), nil
	}
	return gpu.F32.String(), nil
}

// exactFor returns the CPU that makes in float64 what rounding leaves open on dev: dev itself where it is one; nil where float64 is what dev computes in.
func exactFor(dev *gpu.Device, dtype gpu.DType, threads int) (*gpu.Device, error) {
	switch {
	case dtype == gpu.F64:
		return nil, nil
	case dev.GPU() == nil:
		return dev, nil
	}
	return gpu.Open("cpu", gpu.Options{Threads: threads})
}

// offered returns the precision where the device computes in it, else f32, which all do. The device is left at f32.
func offered(dev *gpu.Device, precision string) string {
	f32 := gpu.F32.String()
	if _, _, err := dev.Precision(precision); err != nil {
		return f32
	}
	if _, _, err := dev.Precision(f32); err != nil {
		panic("explain: the device " + dev.Name() + " does not compute in f32: " + err.Error())
	}
	return precision
}

// openCohort joins the cohort as the checkpoint takes it, with the splits of its training.
func (e *explanation) openCohort() (err error) {
	s := newSettings("default")
	s.Images, s.Data, s.ImageRoot, s.Join, s.Seed = e.set.Images, e.set.Data, e.set.ImageRoot, e.set.Join, e.trained.Seed
	if e.cohort, err = openAligned(s, e.net); err != nil {
		return err
	}
	for _, n := range e.cohort.Notes {
		e.say("%s", n)
	}
	if e.cohort.Hash != e.net.Cohort {
		e.note("These are not the persons, images or tables that the checkpoint was trained on, so the splits may not be those of its training.")
	}
	return nil
}
