package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/folder"
	"contig-gpu/gpu"
	"contig-gpu/model/train"
)

// writePlans writes --write-plans: the plans of all convolutions that d, which plans for --gpu, was asked for. nil without it.
func writePlans(s *planSettings, c train.Config, d *gpu.Device, line *progress.Line) (p *gpu.PlanPack, err error) {
	if s.WritePlans == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(s.WritePlans), 0o777); err != nil {
		return nil, err
	}
	made := fmt.Sprintf("%s, %d px, batch %d, %s, for %s", c.Model.Encoder, c.ImageSize, c.Batch, c.Precision, s.GPU)
	err = folder.WriteFile(s.WritePlans, 0o644, func(w io.Writer) error {
		p, err = d.WritePlans(w, made, func(done, all int) { line.Count(done, all, "problems have plans") })
		return err
	})
	line.Done()
	return p, err
}
