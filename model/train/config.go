package train

import (
	"encoding/json"
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/build"
	"contig-gpu/model/optim"
	"contig-gpu/model/setting"
	"contig-gpu/model/tune"
)

// Config holds every setting of a training. Those with json:"-" do not change what is computed; they stay out of
// checkpoints.
type Config struct {
	Recipe    string `json:"recipe"`    // default or paper: where the defaults came from
	Device    string `json:"-"`         // as gpu.Open takes it
	Threads   int    `json:"-"`         // 0: all
	Precision string `json:"precision"` // as gpu.Device.Precision takes it

	Deterministic bool `json:"-"` // two runs on one device write the same bytes; see gpu.Options

	Objective string       `json:"objective"`      // what is minimised: see package build
	Head      *tune.Config `json:"head,omitempty"` // of an objective that predicts; nil of others
	Model     model.Config `json:"model"`          // Run fills Modalities from the cohort

	Freezing Freezing `json:"freezing,omitzero"` // of an objective that predicts

	Optimizer  optim.Config `json:"optimizer"`
	Schedule   string       `json:"schedule"`   // constant or cosine, per step
	Warmup     float64      `json:"warmup"`     // below 1: share of all steps; from 2 on: steps
	FinalLR    float64      `json:"final_lr"`   // where the cosine ends
	Clip       float64      `json:"clip"`       // largest L2 norm of the gradient; 0: not clipped
	Accumulate int          `json:"accumulate"` // batches per step
	EMA        float64      `json:"ema"`        // decay of the averaged parameters; 0: none

	Epochs    int      `json:"epochs"`    // 0: MaxSteps alone decides
	MaxSteps  int      `json:"max_steps"` // 0: Epochs alone decide
	Batch     int      `json:"batch"`
	Chunk     int      `json:"chunk"`      // images that the image encoder takes at a time; 0: the batch
	ImageSize int      `json:"image_size"` // pixels
	Fit       data.Fit `json:"fit"`        // how images become square, in evaluation too
	Augment   bool     `json:"augment"`    // training images, by Augmentation
	Shuffle   bool     `json:"shuffle"`
	Workers   int      `json:"-"` // decoding images; 0: as many as threads
	Seed      uint64   `json:"seed"`

	CheckpointEvery   int     `json:"-"` // steps; 0: at the end of each epoch only
	CheckpointMinutes float64 `json:"-"` // since the last one; 0: no matter how long ago
	Keep              int     `json:"-"` // how many epoch-N checkpoints stay

	Augmentation data.Augmentation `json:"augmentation"` // BlurSigma is at least data.LeastBlur, CropScale above 0

	BadImages string  `json:"-"` // what is done with images that cannot be decoded: stop or skip
	MaxBad    float64 `json:"-"` // skip: at most so many; below 1 a share of all images

	Patience int `json:"-"` // validations without a better one after which training ends; 0: it goes on

	Norm string `json:"norm,omitempty"` // which images the image encoder's norms count where ranks share a batch: share or global; in checkpoints "" is share

	Gradients string `json:"gradients,omitempty"` // what the gradient travels in between ranks: f32 or bf16; in checkpoints "" is f32

	Best string `json:"-"` // which checkpoint is the best: by retrieval or loss of the validation split
}

// Settings returns all settings of a training, with their defaults in both recipes. Recipe paper is Taleb et al., CVPR 2022, section
// 4.1 and supplement; its schedule is the constant one that their code runs.
func (c *Config) Settings() []setting.Row {
	recipe := setting.New("recipe", &c.Recipe, setting.Default, setting.OneOf(setting.Default, setting.Paper), "default, or paper: the published settings").Paper(setting.Paper)
	all := []setting.Row{recipe}
	for _, part := range [][]setting.Row{
		setting.Group("Data and length", c.lengthSettings()...),
		setting.Group("Augmentation", c.imageSettings()...),
		setting.Group("Model and loss", append([]setting.Row{c.objectiveSetting()}, c.Model.Settings()...)...),
		setting.Group("Optimiser", append(c.Optimizer.Settings(), c.scheduleSettings()...)...),
		setting.Group("Machine", c.machineSettings()...),
	} {
		all = append(all, part...)
	}
	return all
}

func (c *Config) objectiveSetting() setting.Row {
	names := build.Names()
	if c.Head != nil {
		names = []string{build.Finetune, build.Segment}
	}
	return setting.New("objective", &c.Objective, build.ContIG, setting.OneOf(names...), "what is trained for: contig (images against genetics) or simclr (two views of an image against each other; genetics are ignored)")
}

func (c *Config) lengthSettings() []setting.Row {
	return []setting.Row{
		setting.New("epochs", &c.Epochs, 101, setting.Count(0), "passes over the training images"),
		setting.New("max-steps", &c.MaxSteps, 0, setting.Count(0), "at most so many optimiser steps, whatever the epochs; 0: no such limit"),
		setting.New("batch", &c.Batch, 64, setting.Between(leastBatch, mostBatch), "images per batch"),
		setting.New("chunk", &c.Chunk, 0, setting.Between(leastChunk, mostBatch).OrZero(), "memory saver: images that the image encoder takes at a time, 0: the batch. The loss stays the batch's, exactly, "+
			"at the price of a second forward pass; BatchNorm in the image encoder uses each chunk's own statistics, as --accumulate does each batch's"),
		setting.Not("no-shuffle", &c.Shuffle, "take the images in the manifest's order"),
		setting.New("workers", &c.Workers, 0, setting.Between(0, mostThreads), "goroutines that decode images; 0 takes as many as processors"),
		setting.New("seed", &c.Seed, 42, setting.AtLeast(0), "random seed: initialisation, order, augmentation, split"),
		setting.New("checkpoint-every", &c.CheckpointEvery, 0, setting.Count(0), "steps between checkpoints, or a time such as 30m or 2h; 0: at the end of each epoch"),
		setting.New("checkpoint-minutes", &c.CheckpointMinutes, 0.0, setting.Between(0, mostMinutes), "minutes after which a checkpoint is written beside those; 0: none"),
		setting.New("keep", &c.Keep, 3, setting.Count(0), "how many epoch checkpoints to keep"),
		setting.New("bad-images", &c.BadImages, badStop, setting.OneOf(badStop, badSkip), "images that cannot be decoded: {} (another takes the place of one)"),
		setting.New("max-bad", &c.MaxBad, 0.01, setting.ShareOrCount(), "images that may be skipped: a share of all (0.01 or 1%), or a number from 2 on"),
		setting.New("best", &c.Best, bestRetrieval, setting.OneOf(bestRetrieval, bestLoss), "selection rule for the best checkpoint: {}, of the validation split"),
		setting.New("patience", &c.Patience, 0, setting.Count(0), "end the training after so many validations without a better one, by --best; 0: after all epochs"),
	}
}

// imageSettings are those of package fundus. The blur is SimCLR's, whose probability is 0.5; there are none in the recipes, nor greyscale.
func (c *Config) imageSettings() []setting.Row {
	a, share := &c.Augmentation, setting.Between(0, 1)
	return []setting.Row{
		setting.New("image-size", &c.ImageSize, 448, setting.Between(32, 1<<14), "height and width of the images, in pixels"),
		setting.New("fit", &c.Fit, data.FitPad, setting.OneOf(data.FitPad, data.FitStretch), "how images become square: pad (black bars) or stretch").Paper(data.FitStretch),
		setting.Not("no-augment", &c.Augment, "resize and normalise only"),
		setting.New("crop-scale", &a.CropScale, 0.5, setting.AboveTo(0, 1), "least share of the area that the random resized crop keeps; 1: no crop").Paper(1),
		setting.New("flip-horizontal", &a.FlipHorizontal, 0.5, share, "probability of exchanging left and right"),
		setting.New("flip-vertical", &a.FlipVertical, 0, share, "probability of exchanging top and bottom"),
		setting.New("rotation", &a.Rotation, 20, setting.Between(0, 180), "largest rotation to either side, in degrees"),
		setting.New("brightness", &a.Brightness, 0.2, share, "colour jitter: the factor of brightness lies in 1-x to 1+x").Paper(0),
		setting.New("contrast", &a.Contrast, 0.2, share, "colour jitter: the factor of contrast lies in 1-x to 1+x").Paper(0),
		setting.New("saturation", &a.Saturation, 0.2, share, "colour jitter: the factor of saturation lies in 1-x to 1+x").Paper(0),
		setting.New("greyscale", &a.Greyscale, 0, share, "probability of losing all colour"),
		setting.New("blur", &a.Blur, 0, share, "probability of a Gaussian blur"),
		setting.New("blur-sigma", &a.BlurSigma, 2, setting.Between(data.LeastBlur, 64), "largest standard deviation of the blur, in pixels of the image before the crop; the smallest is 0.1"),
	}
}

func (c *Config) scheduleSettings() []setting.Row {
	return []setting.Row{
		setting.New("schedule", &c.Schedule, optim.CosineName, setting.OneOf(optim.CosineName, optim.ConstantName), "learning rate over the steps: {}").Paper(optim.ConstantName),
		setting.New("warmup", &c.Warmup, 0.05, setting.ShareOrCount(), "length of the linear rise of the learning rate: a share of all steps (0.05 or 5%), or a number of steps from 2 on").Paper(0),
		setting.New("final-lr", &c.FinalLR, 0, setting.Between(0, setting.MostNumber), "learning rate at the end of cosine"),
		setting.New("clip", &c.Clip, 1, setting.Between(0, setting.MostNumber), "clip the gradient to this L2 norm; 0: off").Paper(0),
		setting.New("accumulate", &c.Accumulate, 1, setting.Size(1), "batches per optimiser step"),
		setting.New("ema", &c.EMA, 0, setting.Below(0, 1), "decay of an exponential moving average of the parameters; 0 keeps none"),
	}
}

func (c *Config) machineSettings() []setting.Row {
	return []setting.Row{
		setting.New("device", &c.Device, auto, setting.Any(), "auto, cpu, cuda or cuda:N; auto takes a GPU where there is one"),
		setting.New("threads", &c.Threads, 0, setting.Between(0, mostThreads), "CPU threads; 0 takes all; results do not depend on it"),
		setting.New("norm", &c.Norm, normShare, setting.OneOf(normShare, normGlobal), "with several ranks, the images that the image encoder's norms count: share (those of a rank) or global (those of all; slower); genetics are normalised over all"),
		setting.New("gradients", &c.Gradients, gradientsWhole, setting.OneOf(gradientsWhole, gradientsHalf), "with several ranks on GPUs, what the gradient travels in between them: f32, or bf16, half the bytes, rounded at each rank: for slow networks"),
		setting.New("deterministic", &c.Deterministic, true, setting.Any(), "the same bytes every time on one machine; =false lets a GPU take convolutions that sum in any order where they are faster"),
		setting.New("precision", &c.Precision, auto, setting.OneOf(gpu.Precisions()...), "auto (on a GPU bf16 or f16, whichever it takes the shorter steps in; f32 on the CPU), bf16, f16, tf32, f32 or f64 (CPU, the reference of the others)"),
	}
}

// FreezeSettings are those of a training that predicts, beside Settings.
func (c *Config) FreezeSettings() []setting.Row {
	f := &c.Freezing
	return []setting.Row{
		setting.New("freeze", &f.Always, false, setting.Any(), "train the head alone: the image encoder stays as it is, to the byte"),
		setting.New("freeze-epochs", &f.Epochs, 0, setting.Count(0), "train the head alone in the first so many epochs; then the optimiser and the schedule begin anew"),
		setting.New("thaw-lr", &f.LR, 0.0, setting.Between(0, setting.MostNumber), "peak learning rate after --freeze-epochs; 0: as before"),
	}
}

// Recipe returns the settings of recipe setting.Default (what we think is right) or setting.Paper (what the authors ran).
func Recipe(name string) (Config, error) {
	var c Config
	setting.Apply(c.Settings(), name)
	if c.Recipe != name {
		return Config{}, fmt.Errorf("recipe %q: want %s or %s", name, setting.Default, setting.Paper)
	}
	return c, nil
}

// UnmarshalJSON reads the settings of a checkpoint, which may be older than some of them: what it does not name is as in its recipe, or
// as runs were before there was such a setting (setting.Row.Before).
func (c *Config) UnmarshalJSON(text []byte) error {
	head := struct {
		Recipe string `json:"recipe"`
	}{setting.Default}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	base, err := Recipe(head.Recipe)
	if err != nil {
		return err
	}
	setting.Earlier(base.Settings())
	type fields Config // without this method
	if err := json.Unmarshal(text, (*fields)(&base)); err != nil {
		return err
	}
	*c = base
	return nil
}

// leastBatch is the fewest images that have a negative. leastChunk is the fewest of --chunk: its parts of a batch, as equal
// as can be, have two images then, of which batch normalisation has statistics whatever the size of the images.
const leastBatch, leastChunk = 2, 3

// What Config.BadImages may be.
const (
	badStop = "stop"
	badSkip = "skip"
)

// SkipsBad reports whether training goes on without images that cannot be decoded.
func (c Config) SkipsBad() bool { return c.BadImages == badSkip }

// auto is the device and the precision that are chosen by what there is.
const auto = "auto"

// mostMinutes between checkpoints is a year.
const mostMinutes = 365 * 24 * 60

// mostThreads bounds threads and workers.
const mostThreads = 1 << 14

// mostBatch bounds the batch: with images of 2^14 pixels a side, some 2^12 bytes each, a step's bytes fit an int.
const mostBatch = 1 << 16

// Validate reports the first setting that makes no sense, as a *setting.Error where it is one alone. Model.Modalities may be
// empty: Run fills them.
func (c Config) Validate() error {
	if err := setting.Check(c.Settings()); err != nil {
		return err
	}
	if c.Epochs+c.MaxSteps < 1 {
		return fmt.Errorf("--epochs and --max-steps are both 0: there is nothing to do")
	}
	if c.Objective == build.SimCLR && !c.Augment {
		return &setting.Error{Name: "no-augment", Want: "augmentation with objective " + build.SimCLR + ", whose two views of an image differ by nothing else", Found: "none"}
	}
	if f := c.Freezing; f.Epochs < 0 || !(f.LR >= 0 && f.LR <= setting.MostNumber) || f.Always && f.Epochs > 0 || f != (Freezing{}) && c.Head == nil {
		return fmt.Errorf("freezing: %+v is of no training", f)
	}
	return c.objective().Validate()
}

// objective returns what says how the network is built.
func (c Config) objective() build.Config {
	return build.Config{Objective: c.Objective, Model: c.Model, Head: c.Head, Chunk: c.Chunk}
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
