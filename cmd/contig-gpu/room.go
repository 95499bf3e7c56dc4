package main

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/train"
)

// mostNodes bounds nodes of a path and draws of a person, decoy networks and batches that are kept: what repeats the work of a person or a step. The
// nodes of Gauss and Legendre are computed in a time that grows with their square.
const mostNodes = 1 << 12

// mostReference bounds the persons of a planned reference, each of which is compared with all.
const mostReference = 1 << 16

// mostThreads bounds --threads of verbs that do not train, as train bounds its own.
const mostThreads = 1 << 14

// codeBenchRoom is the number of shapes to be measured that take more memory than is free.
const codeBenchRoom = 806

// fitsDevice compares what steps of the shapes take, counted on a planning device, with what d has free (E806). kept is the bytes of
// batches that are kept on the host beside it.
func (s *shapeSettings) fitsDevice(m model.Config, d *gpu.Device, kept int) error {
	c := s.training()
	c.Model = m
	if err := c.Validate(); err != nil {
		return usagef("%v", err)
	}
	x, err := train.MemoryOf(c, 0, d)
	if err != nil {
		return err
	}
	free := int(memory())
	if g := d.GPU(); g != nil {
		return fitsIn(g.Free, x.OnDevice(), "a step of these shapes", x.String())
	}
	return fitsIn(free, gpu.Plus(x.Total(), kept), "a step of these shapes", x.String())
}

// fitsIn is E806 where bytes are more than free, which is 0 where it is not known.
func fitsIn(free, bytes int, what, parts string) error {
	if free <= 0 || bytes <= free {
		return nil
	}
	return &data.Problem{Code: codeBenchRoom, What: what + " does not fit into memory", Expected: fmt.Sprintf("at most %s free in this machine or its control group", bytesText(free)), Found: parts,
		Cause: "shapes that are meant for a larger machine", Fix: "smaller ones; contig-gpu plan shows what takes how much"}
}

// fitsReference compares what the host holds of a reference batch, before any of it is taken, with what is free (E905).
func fitsReference(cfg model.Config, modality, persons int) error {
	values := gpu.Times(persons, gpu.Plus(2*cfg.Embedding, cfg.Modalities[modality].Features, persons))
	return explainRoom{Host: gpu.Times(8, values)}.fits(int(memory()))
}
