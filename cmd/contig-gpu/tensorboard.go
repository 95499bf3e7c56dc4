package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data/folder"

	"github.com/urfave/cli/v2"
)

// eventFolder and eventName are where TensorBoard looks: it reads every file whose name has tfevents in it.
const (
	eventFolder = "tensorboard"
	eventName   = "events.out.tfevents.0.contig-gpu"
)

// tensorboards writes the event file of each run, from its metrics.jsonl; again it replaces it.
func tensorboards(c *cli.Context, dirs []string) error {
	for _, dir := range dirs {
		if err := needRun(dir, metricsName); err != nil {
			return err
		}
		file, err := writeEvents(dir)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.App.Writer, "wrote", file); err != nil {
			return err
		}
	}
	return nil
}

// writeEvents writes the event file of a run and returns its path.
func writeEvents(dir string) (string, error) {
	rows, err := readMetrics(dir)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, eventFolder)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	began, _ := time.Parse(time.RFC3339, readRecord(dir).Started) // of lines without a time
	file := filepath.Join(to, eventName)
	return file, folder.WriteFile(file, 0o644, func(w io.Writer) error { return report.Events(w, rows, began) })
}
