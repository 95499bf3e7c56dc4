package main

import (
	"fmt"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/gpu"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// benchLosses is what `bench loss --json` prints.
type benchLosses struct {
	benchWhere
	Modalities int                 `json:"modalities"`
	Embedding  int                 `json:"embedding"`
	Rows       []*bench.LossResult `json:"rows"`
}

// lossSettings are those of bench loss.
type lossSettings struct {
	settings
	timing
	Batches    string
	Modalities int
	Missing    float64
}

// newLossSettings returns the defaults. The loss is in f32, whatever activations are.
func newLossSettings() *lossSettings {
	s := &lossSettings{settings: *newSettings(setting.Default), timing: timing{Windows: 7, Seconds: 1}, Batches: "64,1024", Modalities: 3}
	s.Precision = gpu.F32.String()
	return s
}

func (s *lossSettings) rows() []setting.Row {
	rows := append(s.timing.rows(&s.settings), setting.Of(s.Model.Settings(), &s.Model.Embedding, &s.Model.Tau, &s.Model.Lambda)...)
	return append(rows,
		setting.New("batch", &s.Batches, "", setting.Any(), "numbers of persons, separated by commas"),
		setting.New("modalities", &s.Modalities, 0, setting.Between(1, 1<<10), "modalities, each with its own embeddings"),
		missing(&s.Missing))
}

func benchLossCommand() *cli.Command {
	return benchVerb("loss", "speed and memory of the contrastive loss, forward and backward", newLossSettings, benchLoss,
		func(c *cli.Context, result any) error {
			r := result.(*benchLosses)
			fmt.Fprintf(c.App.Writer, "%d modalities, dimension %d, %s\n", r.Modalities, r.Embedding, r.Device)
			for _, x := range r.Rows {
				took := x.Problem
				if x.Time != nil {
					took = fmt.Sprintf("%.4f ms (%.4f to %.4f)", x.Time.Median, x.Time.Min, x.Time.Max)
				}
				fmt.Fprintf(c.App.Writer, "%7d persons  %10s  %s\n", x.Batch, bytesText(x.Bytes), took)
			}
			return nil
		})
}

func benchLoss(c *cli.Context, s *lossSettings) (any, error) {
	batches, err := atLeastOne("bench loss", "batch", s.Batches, setting.MostSize)
	if err != nil {
		return nil, err
	}
	o := bench.LossOptions{Modalities: s.Modalities, Embedding: s.Model.Embedding, Tau: s.Model.Tau, Lambda: s.Model.Lambda,
		Missing: s.Missing, Windows: s.Windows, Seconds: s.Seconds, Memory: int(memory())}
	d, _, where, err := openBench(&s.settings)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if where.GPU != nil {
		o.Memory = where.GPU.Free
	}
	r := &benchLosses{benchWhere: where, Modalities: o.Modalities, Embedding: o.Embedding}
	for _, n := range batches {
		row, err := bench.Loss(c.Context, d, n, o)
		if err != nil {
			return nil, err
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}
