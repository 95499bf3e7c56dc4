package main

import (
	"fmt"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/cmd/internal/config"

	"github.com/urfave/cli/v2"
)

// benchLosses is what `bench loss --json` prints.
type benchLosses struct {
	benchWhere
	Modalities int                 `json:"modalities"`
	Embedding  int                 `json:"embedding"`
	Rows       []*bench.LossResult `json:"rows"`
}

func benchLossCommand() *cli.Command {
	settings := append(benchSettings(7, 1),
		config.Setting{Name: "batch", Default: "64,1024", Usage: "numbers of persons, separated by commas"},
		config.Setting{Name: "modalities", Default: 3, Usage: "modalities, each with its own embeddings"},
		config.Setting{Name: "embedding", Default: 128, Usage: "numbers in an embedding"},
		config.Setting{Name: "tau", Default: 0.1, Usage: "temperature of the loss"},
		config.Setting{Name: "lambda", Default: 0.75, Usage: "weight of the image-to-genetics direction"},
		config.Setting{Name: "missing", Default: 0.0, Usage: "share of the persons that lack a modality"})
	return benchVerb("loss", "speed and memory of the contrastive loss, forward and backward", settings,
		func(c *cli.Context, v config.Values) (any, error) { return benchLoss(c, v) },
		func(c *cli.Context, result any) error {
			r := result.(*benchLosses)
			fmt.Fprintf(c.App.Writer, "%d modalities, %d numbers, %s\n", r.Modalities, r.Embedding, r.Device)
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

func benchLoss(c *cli.Context, v config.Values) (any, error) {
	o := bench.LossOptions{Modalities: v.Int("modalities"), Embedding: v.Int("embedding"), Tau: v.Number("tau"), Lambda: v.Number("lambda"),
		Missing: v.Number("missing"), Windows: v.Int("windows"), Seconds: v.Number("seconds"), Memory: int(memory())}
	if o.Modalities < 1 || o.Embedding < 1 || !(o.Tau > 0) || !(o.Missing >= 0 && o.Missing < 1) {
		return nil, usagef("bench loss: --modalities and --embedding must be at least 1, --tau above 0, --missing from 0 to below 1")
	}
	var batches []int
	for _, f := range strings.Split(v.Text("batch"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n < 1 {
			return nil, usagef("bench loss: --batch %q: want whole numbers above 0, separated by commas", v.Text("batch"))
		}
		batches = append(batches, n)
	}
	v["precision"] = "f32" // which the loss is in, whatever activations are
	d, _, where, err := openBench(v)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if where.Card != nil {
		o.Memory = where.Card.Free
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
