// Package model is ContIG: an image encoder and, for each modality of genetics, an image head, a genetics encoder
// and a genetics head, trained together by the contrastive loss. No name of a modality means anything here.
package model

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/loss"
	"contig-gpu/model/objective"
	"contig-gpu/model/setting"
	"contig-gpu/model/trunk"
)

// A Modality is a table of genetics: its name, which its parameters carry, and its width.
type Modality = objective.Table

// Config says what a model is made of. Its zero value is not valid: start from Defaults.
type Config struct {
	Encoder    string     `json:"encoder"`    // resnet18, resnet34, resnet50, resnet101
	Genetics   string     `json:"genetics"`   // none, linear, h1, h12
	Hidden     int        `json:"hidden"`     // width of the genetics encoders and of the heads' middle
	Embedding  int        `json:"embedding"`  // dimension of the space in which image and genetics are compared
	Modalities []Modality `json:"modalities"` // in the order of objective.Batch.Tables
	Tau        float64    `json:"tau"`        // temperature of the loss
	Lambda     float64    `json:"lambda"`     // share of image to genetics in the loss
	Weights    string     `json:"weights"`    // mean, sum, present
	Pairs      string     `json:"pairs"`      // avoid, mask, positive: pairs of one person in a batch
}

// MostFeatures is the most features of all modalities together: with setting.MostSize it keeps the bytes of a model in an int.
const MostFeatures = 1 << 28

// mostEmbedding bounds the embedding, of which there is one for each person of a reference.
const mostEmbedding = 1 << 16

// mostModalities does the same for the number of modalities.
const mostModalities = 1 << 10

// genetics are the names that blocksOf knows.
func genetics() []string { return []string{"none", "linear", "h1", "h12"} }

// Settings returns the settings of a model; the modalities are none, they come from the data. The defaults are the paper's.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.New("encoder", &c.Encoder, "resnet50", setting.OneOf(trunk.Names()...), "image encoder: {}"),
		setting.New("genetics", &c.Genetics, "h1", setting.OneOf(genetics()...), "genetics encoder: {}"),
		setting.New("hidden", &c.Hidden, 2048, setting.Size(1), "hidden units of the heads and genetics encoders"),
		setting.New("embedding", &c.Embedding, 128, setting.Between(1, mostEmbedding), "embedding dimension"),
		setting.New("tau", &c.Tau, 0.1, setting.Above(0), "temperature of the loss"),
		setting.New("lambda", &c.Lambda, 0.75, setting.Between(0, 1), "weight of the image-to-genetics direction, {}"),
		setting.New("weights", &c.Weights, loss.MeanName, setting.OneOf(loss.WeightNames()...), "weight of a modality's loss: mean (1 / number of modalities), "+
			"sum (1) or present (1 / number of modalities with at least 2 rows in the batch)"),
		setting.New("pairs", &c.Pairs, loss.AvoidName, setting.OneOf(loss.PairNames()...), "two images of a person or group: avoid in a batch, mask in the loss, or count as positive"),
	}
}

// Defaults returns the default settings, without modalities.
func Defaults() Config {
	var c Config
	setting.Apply(c.Settings(), setting.Default)
	return c
}

// Validate reports the first field that makes no sense.
func (c Config) Validate() error {
	if err := setting.Check(c.Settings()); err != nil {
		return err
	}
	return c.validateModalities()
}

func (c Config) validateModalities() error {
	if len(c.Modalities) == 0 {
		return fmt.Errorf("a model needs at least one modality")
	}
	if len(c.Modalities) > mostModalities {
		return fmt.Errorf("%d modalities: want at most %d", len(c.Modalities), mostModalities)
	}
	seen, left := map[string]bool{}, MostFeatures
	for _, m := range c.Modalities {
		switch {
		case m.Name == "":
			return fmt.Errorf("a modality has no name")
		case seen[m.Name]:
			return fmt.Errorf("modality %q is named twice", m.Name)
		case m.Features < 1:
			return fmt.Errorf("modality %q has %d features: want at least 1", m.Name, m.Features)
		case m.Features > left:
			return fmt.Errorf("modality %q has %d features: want at most %d in all modalities together", m.Name, m.Features, MostFeatures)
		}
		seen[m.Name], left = true, left-m.Features
	}
	return nil
}

// contrast returns the loss's constants of a valid Config.
func (c Config) contrast() gpu.InfoNCESpec {
	pairs, _ := loss.ParsePairs(c.Pairs)
	return gpu.InfoNCESpec{Tau: c.Tau, Lambda: c.Lambda, Pairs: pairs}
}
