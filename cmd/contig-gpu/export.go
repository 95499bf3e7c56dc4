package main

import (
	"fmt"
	"os"

	"contig-gpu/model/checkpoint"

	"github.com/urfave/cli/v2"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the image encoder under torchvision's names, or the whole model under ours",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example"},
			&cli.StringFlag{Name: "out", Usage: "safetensors file to write"},
			&cli.BoolFlag{Name: "torchvision", Usage: "the image encoder alone, as torchvision.models names it"},
		},
		Action: func(c *cli.Context) error {
			from, err := need(c, "checkpoint")
			if err != nil {
				return err
			}
			out, err := need(c, "out")
			if err != nil {
				return err
			}
			write := checkpoint.ExportAll
			if c.Bool("torchvision") {
				write = checkpoint.ExportTorchvision
			}
			if same(from, out) {
				return usagef("export: --out is the checkpoint itself, which a run goes on from")
			}
			if err := write(from, out); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.App.Writer, "wrote", out)
			return err
		},
	}
}

// same reports whether two paths are one file.
func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
