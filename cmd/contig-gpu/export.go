package main

import (
	"fmt"

	"contig-gpu/data/folder"
	"contig-gpu/model/checkpoint"

	"github.com/urfave/cli/v2"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the image encoder under torchvision's names, or the whole model under ours",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "run", Usage: "run folder, of which the best checkpoint is taken"},
			&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example; a run folder means its best"},
			&cli.StringFlag{Name: "out", Usage: "safetensors file to write"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a safetensors file that is there"},
			&cli.BoolFlag{Name: "torchvision", Usage: "the image encoder alone, as torchvision.models names it"},
		},
		Action: func(c *cli.Context) error {
			from, err := checkpointOf(c)
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
			file := folder.File{Path: out, Overwrite: c.Bool("overwrite"), Ours: folder.Safetensors, Inputs: []string{from}}
			if err := file.Check(); err != nil {
				return err
			}
			undo, err := file.Parents()
			if err != nil {
				return err
			}
			if err := write(from, out); err != nil {
				undo()
				return err
			}
			_, err = fmt.Fprintln(c.App.Writer, "wrote", out)
			return err
		},
	}
}
