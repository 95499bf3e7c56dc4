package main

import (
	"contig-gpu/cmd/internal/config"
	"contig-gpu/model"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// modelSettings are the flags that say what the model is; `plan` and `bench step` have them too.
func modelSettings() []config.Setting {
	d := model.Defaults()
	return []config.Setting{
		{Name: "encoder", Default: d.Encoder, Usage: "image encoder: resnet18, resnet34, resnet50 or resnet101"},
		{Name: "genetics", Default: d.Genetics, Usage: "genetics encoder: none, linear, h1 or h12"},
		{Name: "hidden", Default: d.Hidden, Usage: "hidden units of the heads and genetics encoders"},
		{Name: "embedding", Default: d.Embedding, Usage: "numbers in an embedding"},
		{Name: "tau", Default: d.Tau, Usage: "temperature of the loss"},
		{Name: "lambda", Default: d.Lambda, Usage: "weight of the image-to-genetics direction, 0 to 1"},
		{Name: "weights", Default: d.Weights, Usage: "weight of a modality: mean (1/M), sum (1) or present (by how many have it)"},
		{Name: "pairs", Default: d.Pairs, Usage: "two images of a person or group: avoid in a batch, mask in the loss, or count as positive"},
	}
}

// chunkSetting is a flag of `train` and `plan`.
func chunkSetting(n int) config.Setting {
	return config.Setting{Name: "chunk", Default: n, Usage: "images that the image encoder takes at a time, 0: the batch. The loss stays the batch's, exactly, at the price of a second " +
		"forward pass; BatchNorm in the image encoder uses each chunk's own statistics, as --accumulate does each batch's"}
}

// machineSettings say what to compute on.
func machineSettings() []config.Setting {
	return []config.Setting{
		{Name: "device", Default: "auto", Usage: "auto, cpu, cuda or cuda:N; auto takes a GPU where there is one"},
		{Name: "threads", Default: 0, Usage: "CPU threads; 0 takes all; results do not depend on it"},
		deterministicSetting(),
		{Name: "precision", Default: "auto", Usage: "auto (bf16 on a GPU, f32 on the CPU), bf16, f16, tf32, f32 or f64 (CPU, the judge of the others)"},
	}
}

func deterministicSetting() config.Setting {
	return config.Setting{Name: "deterministic", Default: true, Usage: "the same bytes every time on one machine; =false lets a GPU take convolutions that sum in any order where they are faster"}
}

// optimSettings are the flags of optimiser and schedule; d and p are the two recipes.
func optimSettings(d, p train.Config) []config.Setting {
	return []config.Setting{
		{Name: "optimizer", Default: d.Optimizer.Name, Paper: p.Optimizer.Name, Usage: "adam, adamw or sgd"},
		{Name: "lr", Default: d.Optimizer.LR, Paper: p.Optimizer.LR, Usage: "learning rate at its highest"},
		{Name: "weight-decay", Default: d.Optimizer.WeightDecay, Paper: p.Optimizer.WeightDecay, Usage: "weight decay; L2 for adam and sgd"},
		{Name: "decay-all", Default: d.Optimizer.DecayAll, Paper: p.Optimizer.DecayAll, Usage: "weight decay on biases and norms too"},
		{Name: "beta1", Default: d.Optimizer.Beta1, Usage: "memory of Adam's first moment"},
		{Name: "beta2", Default: d.Optimizer.Beta2, Usage: "memory of Adam's second moment"},
		{Name: "eps", Default: d.Optimizer.Eps, Usage: "Adam's epsilon"},
		{Name: "momentum", Default: d.Optimizer.Momentum, Usage: "momentum of sgd"},
		{Name: "nesterov", Default: d.Optimizer.Nesterov, Usage: "Nesterov's momentum"},
		{Name: "schedule", Default: d.Schedule, Paper: p.Schedule, Usage: "learning rate over the steps: cosine or constant"},
		{Name: "warmup", Default: d.Warmup, Paper: p.Warmup, Usage: "steps over which the learning rate rises; below 1: part of all steps"},
		{Name: "final-lr", Default: d.FinalLR, Usage: "learning rate at the end of cosine"},
		{Name: "clip", Default: d.Clip, Paper: p.Clip, Usage: "longest gradient; 0 does not clip"},
		{Name: "accumulate", Default: d.Accumulate, Usage: "batches per optimiser step"},
		{Name: "ema", Default: d.EMA, Usage: "decay of an average of the parameters; 0 keeps none"},
	}
}

// runSettings are the flags of data and length; d and p are the two recipes.
func runSettings(d, p train.Config) []config.Setting {
	return []config.Setting{
		{Name: "images", Default: "", Usage: "manifest of the images, images.tsv or .csv; none: the demo cohort"},
		{Name: "data", Default: "", Usage: "data.toml, which names the genetic sources"},
		{Name: "image-root", Default: "", Usage: "folder that the manifest's paths start from; none: the manifest's own"},
		{Name: "join", Default: "outer", Usage: "persons kept: outer (an image and one modality) or inner (all modalities)"},
		{Name: "epochs", Default: d.Epochs, Paper: p.Epochs, Usage: "passes over the training images"},
		{Name: "steps", Default: 0, Usage: "optimiser steps, instead of epochs"},
		{Name: "max-steps", Default: 0, Usage: "at most so many optimiser steps, whatever the epochs"},
		{Name: "batch", Default: d.Batch, Paper: p.Batch, Usage: "images per batch"},
		chunkSetting(d.Chunk),
		{Name: "image-size", Default: d.ImageSize, Paper: p.ImageSize, Usage: "height and width of the images, in pixels"},
		{Name: "no-shuffle", Default: !d.Shuffle, Usage: "take the images in the manifest's order"},
		{Name: "no-augment", Default: !d.Augment, Usage: "resize and normalise only"},
		{Name: "workers", Default: d.Workers, Usage: "goroutines that decode images; 0 takes as many as processors"},
		{Name: "seed", Default: int(d.Seed), Usage: "of initialisation, order, augmentation and split"},
		{Name: "checkpoint-every", Default: d.CheckpointEvery, Usage: "steps between checkpoints; 0: at the end of each epoch"},
		{Name: "keep", Default: d.Keep, Usage: "checkpoints of epochs that are kept"},
		{Name: "best", Default: d.Best, Usage: "what makes a checkpoint the best: retrieval or loss, of the validation split"},
		{Name: "pictures", Default: false, Usage: "show some training images in report.html; those of a synthetic cohort are shown anyway"},
		{Name: "init", Default: "", Usage: "safetensors file to begin with: torchvision's names or ours"},
	}
}

// trainSettings are all keys of config.toml, in the order they are written in.
func trainSettings() []config.Setting {
	d, p := recipe("default"), recipe("paper")
	all := []config.Setting{{Name: "recipe", Default: "default", Usage: "default, or paper: the published settings"}}
	for _, part := range [][]config.Setting{runSettings(d, p), modelSettings(), optimSettings(d, p), machineSettings()} {
		all = append(all, part...)
	}
	return all
}

// recipe returns the settings of a recipe that exists.
func recipe(name string) train.Config {
	c, err := train.Recipe(name)
	if err != nil {
		panic(err)
	}
	return c
}

// flags returns one command line flag per setting.
func flags(category string, settings []config.Setting) []cli.Flag {
	var out []cli.Flag
	for _, s := range settings {
		switch d := s.Default.(type) {
		case string:
			out = append(out, &cli.StringFlag{Name: s.Name, Usage: s.Usage, Value: d, Category: category})
		case int:
			out = append(out, &cli.IntFlag{Name: s.Name, Usage: s.Usage, Value: d, Category: category})
		case float64:
			out = append(out, &cli.Float64Flag{Name: s.Name, Usage: s.Usage, Value: d, Category: category})
		case bool:
			out = append(out, &cli.BoolFlag{Name: s.Name, Usage: s.Usage, Value: d, Category: category})
		}
	}
	return out
}

// given returns the settings that stand on the command line.
func given(c *cli.Context, settings []config.Setting) config.Values {
	v := config.Values{}
	for _, s := range settings {
		if c.IsSet(s.Name) {
			v[s.Name] = c.Value(s.Name)
		}
	}
	return v
}
