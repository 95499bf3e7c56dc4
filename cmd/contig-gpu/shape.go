package main

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/setting"
)

// shapeSettings are what the shapes of a step follow from, for verbs that have no data.
type shapeSettings struct {
	settings
	Features string // of each modality
}

// newShapeSettings returns defaults that need no data: images as most benchmarks have them, and the optimiser of the paper.
func newShapeSettings() *shapeSettings {
	s := &shapeSettings{settings: *newSettings(setting.Default)}
	s.ImageSize, s.Optimizer, s.Features = 224, newSettings(setting.Paper).Optimizer, "481,7854"
	return s
}

func (s *shapeSettings) rows() []setting.Row {
	all := s.settings.rows()
	rows := append(s.Model.Settings(), setting.Of(all, &s.Batch, &s.ImageSize)...)
	rows = append(rows, setting.New("features", &s.Features, "", setting.Any(), "features of each modality, separated by commas"))
	return setting.Group("", append(rows, setting.Of(all, &s.Precision, &s.Optimizer.Name)...)...)
}

// model returns the model that the settings ask for, whose modalities have the widths of --features.
func (s *shapeSettings) model(verb string) (model.Config, error) {
	cfg := s.Model
	widths, err := atLeastOne(verb, "features", s.Features, model.MostFeatures)
	if err != nil {
		return cfg, err
	}
	for i, n := range widths {
		cfg.Modalities = append(cfg.Modalities, model.Modality{Name: fmt.Sprintf("m%d", i), Features: n})
	}
	if err := cfg.Validate(); err != nil {
		return cfg, misused(verb, err)
	}
	return cfg, nil
}

// dtype returns the type of activations that --precision means to a device, and its name.
func dtype(s *settings, d *gpu.Device) (gpu.DType, string, error) {
	t, name, err := d.Precision(s.Precision)
	if err != nil {
		return 0, "", usagef("--precision: %v", err)
	}
	return t, name, nil
}
