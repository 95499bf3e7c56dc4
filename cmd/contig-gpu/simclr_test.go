package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/checkpoint/safetensors"
)

// TestSimCLR trains on images, alone or beside genetics that it ignores, is resumed, embeds and exports. Beside genetics the
// persons and splits are those of a ContIG, to compare with.
func TestSimCLR(t *testing.T) {
	cohort := tiny(t)
	images := filepath.Join(cohort, "images.tsv")
	for name, data := range map[string][]string{"alone": nil, "beside genetics": {"--data", filepath.Join(cohort, "data.toml")}} {
		run, out := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "out")
		args := append([]string{"train", "--objective", "simclr", "--images", images, "--run", run, "--encoder", "resnet18", "--image-size", "32", "--batch", "8",
			"--hidden", "8", "--embedding", "8", "--seed", "1", "--max-steps", "3", "--blur", "0.5", "--greyscale", "0.2"}, data...)
		if text := must(t, args...); !strings.Contains(text, "validation loss") || strings.Contains(text, "chance") {
			t.Errorf("%s: train printed %s", name, text)
		}
		must(t, "train", "--run", run, "--resume", "--max-steps", "4")
		rows, err := report.ReadMetrics(bytes.NewReader(read(t, run, metricsName)))
		if err != nil || len(report.Of(rows, "step")) != 4 || rows[0].Losses["ntxent"].Loss != rows[0].Loss || len(rows[0].Losses) != 1 {
			t.Errorf("%s: metrics %+v, %v", name, rows, err)
		}
		last := filepath.Join(run, "checkpoints", "last.safetensors")
		must(t, append([]string{"embed", "--checkpoint", last, "--images", images, "--out", out}, data...)...)
		for _, file := range []string{"features.npy", "persons.txt", "per-image/projection.npy"} {
			if _, err := os.Stat(filepath.Join(out, file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		file := filepath.Join(out, "resnet18.safetensors")
		must(t, "export", "--checkpoint", last, "--torchvision", "--out", file)
		if f, err := safetensors.Read(file); err != nil || len(f.Tensors) != 120 {
			t.Errorf("%s: export: %v", name, err)
		}
	}
}
