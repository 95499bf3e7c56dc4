// Package model is ContIG: an image encoder and, for each modality of genetics, an image head, a genetics encoder
// and a genetics head, trained together by the contrastive loss. No name of a modality means anything here.
package model

import (
	"fmt"
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/loss"
	"contig-gpu/model/objective"
	"contig-gpu/model/trunk"
)

// A Modality is a table of genetics: its name, which its parameters carry, and its width.
type Modality = objective.Table

// Config says what a model is made of. Its zero value is not valid: start from Defaults.
type Config struct {
	Encoder    string     `toml:"encoder" json:"encoder"`       // resnet18, resnet34, resnet50, resnet101
	Genetics   string     `toml:"genetics" json:"genetics"`     // none, linear, h1, h12
	Hidden     int        `toml:"hidden" json:"hidden"`         // width of the genetics encoders and of the heads' middle
	Embedding  int        `toml:"embedding" json:"embedding"`   // numbers that image and genetics are compared by
	Modalities []Modality `toml:"modalities" json:"modalities"` // in the order of objective.Batch.Tables
	Tau        float64    `toml:"tau" json:"tau"`               // temperature of the loss
	Lambda     float64    `toml:"lambda" json:"lambda"`         // share of image to genetics in the loss
	Weights    string     `toml:"weights" json:"weights"`       // mean, sum, present
	Pairs      string     `toml:"pairs" json:"pairs"`           // avoid, mask, positive: pairs of one person in a batch
}

// Defaults are the paper's, but for the modalities, which only the data know.
func Defaults() Config {
	return Config{Encoder: "resnet50", Genetics: "h1", Hidden: 2048, Embedding: 128, Tau: 0.1, Lambda: 0.75, Weights: "mean", Pairs: "avoid"}
}

// Validate reports the first field that makes no sense.
func (c Config) Validate() error {
	if _, err := trunk.New(c.Encoder, ""); err != nil {
		return err
	}
	if _, err := blocksOf(c.Genetics); err != nil {
		return err
	}
	if c.Hidden < 1 || c.Embedding < 1 {
		return fmt.Errorf("hidden size %d and embedding size %d: want at least 1", c.Hidden, c.Embedding)
	}
	if !(c.Tau > 0) || math.IsInf(c.Tau, 0) {
		return fmt.Errorf("tau %g: want a number above 0", c.Tau)
	}
	if !(c.Lambda >= 0 && c.Lambda <= 1) {
		return fmt.Errorf("lambda %g: want a number from 0 to 1", c.Lambda)
	}
	if _, err := loss.ParseWeights(c.Weights); err != nil {
		return err
	}
	if _, err := loss.ParsePairs(c.Pairs); err != nil {
		return err
	}
	return c.validateModalities()
}

func (c Config) validateModalities() error {
	if len(c.Modalities) == 0 {
		return fmt.Errorf("a model needs at least one modality")
	}
	seen := map[string]bool{}
	for _, m := range c.Modalities {
		switch {
		case m.Name == "":
			return fmt.Errorf("a modality has no name")
		case seen[m.Name]:
			return fmt.Errorf("modality %q is named twice", m.Name)
		case m.Features < 1:
			return fmt.Errorf("modality %q has %d features: want at least 1", m.Name, m.Features)
		}
		seen[m.Name] = true
	}
	return nil
}

// contrast returns the loss's constants of a valid Config.
func (c Config) contrast() gpu.InfoNCESpec {
	pairs, _ := loss.ParsePairs(c.Pairs)
	return gpu.InfoNCESpec{Tau: c.Tau, Lambda: c.Lambda, Pairs: pairs}
}
