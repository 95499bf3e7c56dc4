package train

import (
	"fmt"
	"math"
	"slices"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/build"
	"contig-gpu/model/optim"
)

// Config holds every setting of a training. Those with json:"-" do not change what is computed; they stay out of
// checkpoints.
type Config struct {
	Recipe    string `toml:"recipe" json:"recipe"`       // default or paper: where the defaults came from
	Device    string `toml:"device" json:"-"`            // as gpu.Open takes it
	Threads   int    `toml:"threads" json:"-"`           // 0: all
	Precision string `toml:"precision" json:"precision"` // as gpu.Device.Precision takes it

	Deterministic bool `toml:"deterministic" json:"-"` // two runs on one device write the same bytes; see gpu.Options

	Objective string       `toml:"objective" json:"objective"` // what is minimised: see package build
	Model     model.Config `toml:"model" json:"model"`         // Run fills Modalities from the cohort

	Optimizer  optim.Config `toml:"optimizer" json:"optimizer"`
	Schedule   string       `toml:"schedule" json:"schedule"`     // constant or cosine, per step
	Warmup     float64      `toml:"warmup" json:"warmup"`         // below 1: share of all steps; else steps
	FinalLR    float64      `toml:"final_lr" json:"final_lr"`     // where the cosine ends
	Clip       float64      `toml:"clip" json:"clip"`             // largest length of the gradient; 0: not clipped
	Accumulate int          `toml:"accumulate" json:"accumulate"` // batches per step
	EMA        float64      `toml:"ema" json:"ema"`               // decay of the averaged parameters; 0: none

	Epochs    int    `toml:"epochs" json:"epochs"`       // 0: MaxSteps alone decides
	MaxSteps  int    `toml:"max_steps" json:"max_steps"` // 0: Epochs alone decide
	Batch     int    `toml:"batch" json:"batch"`
	Chunk     int    `toml:"chunk" json:"chunk"`           // images that the image encoder takes at a time; 0: the batch
	ImageSize int    `toml:"image_size" json:"image_size"` // pixels
	Augment   bool   `toml:"augment" json:"augment"`
	Shuffle   bool   `toml:"shuffle" json:"shuffle"`
	Workers   int    `toml:"workers" json:"-"` // decoding images; 0: as many as threads
	Seed      uint64 `toml:"seed" json:"seed"`

	CheckpointEvery int `toml:"checkpoint_every" json:"-"` // steps; 0: at the end of each epoch only
	Keep            int `toml:"keep" json:"-"`             // how many epoch-N checkpoints stay

	Best string `toml:"best" json:"-"` // which checkpoint is the best: by retrieval or loss of the validation split
}

// Recipe returns the settings called default (what we think is right) or paper (what the authors ran).
func Recipe(name string) (Config, error) {
	c := Config{
		Recipe: name, Device: "auto", Precision: "auto", Deterministic: true, Objective: build.ContIG, Model: model.Defaults(), Optimizer: optim.Defaults(),
		Schedule: "cosine", Warmup: 0.05, Clip: 1, Accumulate: 1, Epochs: 101, Batch: 64, ImageSize: 448,
		Augment: true, Shuffle: true, Seed: 42, Keep: 3, Best: bestRetrieval,
	}
	switch name {
	case "default":
		return c, nil
	case "paper":
		// Taleb et al., CVPR 2022, section 4.1 and supplement; the schedule is the constant one that their code runs.
		c.Optimizer.Name, c.Optimizer.LR, c.Optimizer.WeightDecay, c.Optimizer.DecayAll = "adam", 1e-3, 1e-6, true
		c.Schedule, c.Warmup, c.Clip = "constant", 0, 0
		c.Model.Weights = "mean"
		return c, nil
	}
	return Config{}, fmt.Errorf("recipe %q: want default or paper", name)
}

// leastBatch is the fewest images that have a negative. leastChunk is the fewest of --chunk: its parts of a batch, as equal
// as can be, have two images then, of which batch normalisation has statistics whatever the size of the images.
const leastBatch, leastChunk = 2, 3

// Validate reports the first setting that makes no sense. Model.Modalities may be empty: Run fills them.
func (c Config) Validate() error {
	if !slices.Contains(gpu.Precisions(), c.Precision) {
		return fmt.Errorf("precision %q: want one of %v", c.Precision, gpu.Precisions())
	}
	if c.Schedule != "constant" && c.Schedule != "cosine" {
		return fmt.Errorf("schedule %q: want constant or cosine", c.Schedule)
	}
	if c.Best != bestRetrieval && c.Best != bestLoss {
		return fmt.Errorf("best %q: want retrieval or loss", c.Best)
	}
	if err := c.Optimizer.Validate(); err != nil {
		return err
	}
	if err := c.validateRanges(); err != nil {
		return err
	}
	if c.Chunk != 0 && c.Chunk < leastChunk {
		return fmt.Errorf("chunk is %d, want 0 or at least %d images", c.Chunk, leastChunk)
	}
	return c.objective().Validate()
}

// objective returns what says how the network is built.
func (c Config) objective() build.Config {
	return build.Config{Objective: c.Objective, Model: c.Model, Chunk: c.Chunk}
}

func (c Config) validateRanges() error {
	inf := math.Inf(1)
	for _, f := range []struct {
		name          string
		value, lo, hi float64
	}{
		{"warmup", c.Warmup, 0, math.MaxInt32}, {"final lr", c.FinalLR, 0, math.MaxFloat64}, {"clip", c.Clip, 0, math.MaxFloat64},
		{"accumulate", float64(c.Accumulate), 1, math.MaxInt32}, {"ema", c.EMA, 0, math.Nextafter(1, 0)},
		{"epochs", float64(c.Epochs), 0, math.MaxInt32}, {"max steps", float64(c.MaxSteps), 0, math.MaxInt32},
		{"epochs or max steps", float64(c.Epochs + c.MaxSteps), 1, inf}, {"batch", float64(c.Batch), leastBatch, math.MaxInt32},
		{"image size", float64(c.ImageSize), 32, 1 << 14}, {"threads", float64(c.Threads), 0, 1 << 14}, {"workers", float64(c.Workers), 0, 1 << 14},
		{"checkpoint every", float64(c.CheckpointEvery), 0, math.MaxInt32}, {"keep", float64(c.Keep), 0, math.MaxInt32},
	} {
		if !(f.value >= f.lo && f.value <= f.hi) {
			return fmt.Errorf("%s is %.15g, want %.15g to %.15g", f.name, f.value, f.lo, f.hi)
		}
	}
	return nil
}

// steps returns the number of steps of the whole training, given those of an epoch.
func (c Config) steps(perEpoch int) int {
	n := c.Epochs * perEpoch
	if c.MaxSteps > 0 && (n == 0 || c.MaxSteps < n) {
		n = c.MaxSteps
	}
	return n
}

func (c Config) schedule(total int) optim.Schedule {
	warm := c.Warmup
	if warm < 1 {
		warm *= float64(total)
	}
	return optim.Schedule{Kind: c.Schedule, Warmup: int(warm), Total: total, Base: c.Optimizer.LR, Final: c.FinalLR}
}
