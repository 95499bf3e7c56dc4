package main

import (
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/data/folder"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/downstream"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// tuneSettings are all flags of finetune, which are the keys of its config.toml too.
type tuneSettings struct {
	settings
	checkpoint, labels, target, task, split, shares, fractions, against, best string
}

// lossWord is the --best of the checkpoint with the least loss.
const lossWord = "loss"

// newTuneSettings returns the defaults. A whole network is trained at a rate that leaves of the encoder what it knows.
func newTuneSettings() *tuneSettings {
	s := &tuneSettings{settings: *newSettings(setting.Default)}
	setting.Apply(s.own(), setting.Default)
	s.Epochs, s.Batch, s.Optimizer.LR = 50, 32, 3e-4
	return s
}

// own are the settings that train has not.
func (s *tuneSettings) own() []setting.Row {
	return append([]setting.Row{
		setting.New("checkpoint", &s.checkpoint, randomWord, setting.Any(), "encoder to begin with: a checkpoint or run, weights of other programs in safetensors, or random"),
		setting.New("labels", &s.labels, "", setting.Any(), "labels.tsv: person_id or image, and columns"),
		setting.New("target", &s.target, "", setting.Any(), "column of the labels; of labels and traits several with commas between, or patterns such as 'RFMiD_*'. Without --labels NAME of a [target.NAME] in --data"),
		setting.New("task", &s.task, "auto", setting.OneOf("auto", string(downstream.Classes), string(downstream.Ordinal), string(downstream.Labels), string(downstream.Traits)), "{}; auto: as the column's values say"),
		setting.New("split", &s.split, "auto", setting.OneOf("auto", "labels", "run", "random"), "labels: their column split; run: of the checkpoint's run; random: --shares of the persons; auto: the first of these that gives training and test rows"),
		setting.New("shares", &s.shares, "0.6,0.2,0.2", setting.Any(), "of training, validation and test persons, where --split is random"),
		setting.New("fractions", &s.fractions, "1", setting.Any(), "of the training persons to train on, a training each: 0.1,1"),
		setting.New("against", &s.against, "", setting.Any(), "other encoders to begin with, a training each on the same persons, with commas between: as --checkpoint takes them"),
		setting.New("best", &s.best, "", setting.Any(), "metric of the validation split that the best checkpoint has most of, or loss; none: quadratic_kappa of grades, roc_auc or roc_auc_macro of classes and labels, r2 or r2_mean of traits"),
	}, s.FreezeSettings()...)
}

// rows are all settings, in the order in which they are written.
func (s *tuneSettings) rows() []setting.Row {
	rows := setting.Group("Task", s.own()...)
	a, o, f := &s.Augmentation, &s.Optimizer, &s.Config
	rows = append(rows, setting.Group("Data and length", setting.Of(s.settings.rows(), &s.Images, &s.Data, &s.ImageRoot, &f.Epochs, &f.MaxSteps, &f.Batch, &f.Shuffle, &f.Workers, &f.Seed,
		&f.CheckpointEvery, &f.CheckpointMinutes, &f.Keep, &f.Patience)...)...)
	rows = append(rows, setting.Group("Images", setting.Of(s.settings.rows(), &f.Model.Encoder, &f.ImageSize, &f.Fit, &f.Augment, &a.CropScale, &a.FlipHorizontal, &a.FlipVertical, &a.Rotation, &a.Brightness,
		&a.Contrast, &a.Saturation, &a.Greyscale, &a.Blur, &a.BlurSigma)...)...)
	return append(rows, append(setting.Group("Optimiser", setting.Of(s.settings.rows(), &o.Name, &o.LR, &o.WeightDecay, &o.DecayAll, &o.Beta1, &o.Beta2, &o.Eps, &o.Momentum, &o.Nesterov,
		&f.Schedule, &f.Warmup, &f.FinalLR, &f.Clip, &f.Accumulate, &f.EMA)...),
		setting.Group("Machine", setting.Of(s.settings.rows(), &f.Device, &f.Threads, &f.Deterministic, &f.Precision)...)...)...)
}

// plain gives a row another usage where train's does not fit.
func plain(rows []setting.Row) []setting.Row {
	for i, r := range rows {
		switch r.Name {
		case "images":
			rows[i] = r.Saying("manifest of the images, images.tsv or .csv")
		case "data":
			rows[i] = r.Saying("data.toml, of which [target.NAME] is read")
		case "encoder", "image-size", "fit":
			rows[i] = r.Saying(r.Usage + "; without the flag the checkpoint's")
		case "patience":
			rows[i] = r.Saying("end the training after so many validations without a better one; 0: after all epochs")
		}
	}
	return rows
}

func finetuneCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "run", Usage: "run folder"},
		&cli.BoolFlag{Name: "resume", Usage: "go on from the last checkpoint of --run, with its settings"},
		&cli.BoolFlag{Name: "overwrite", Usage: "begin anew in a run folder that is in use"},
	}
	return &cli.Command{
		Name: "finetune", Usage: "train an image encoder further to predict labels, and say how well it does, with intervals over persons",
		Description: "Trains the encoder with a linear head, or the head alone (--freeze). The validation split chooses the best checkpoint; the test split is predicted once, at the end:\n" +
			"RUN/metrics.json, RUN/report.html, and RUN/private/predictions.tsv, which holds ids.",
		Flags:  append(own, flags(plain(newTuneSettings().rows()))...),
		Action: finetuneAction,
	}
}

func finetuneAction(c *cli.Context) error {
	dir, err := need(c, "run")
	if err != nil {
		return err
	}
	s, err := tuneSettingsOf(c, dir)
	if err != nil {
		return err
	}
	f := newFinetuning(c, s, dir)
	defer f.line.Done()
	return f.run(c.Context)
}

// tuneSettingsOf lays the flags over the settings of the run that is resumed, or over the defaults with what the checkpoint says of its encoder.
func tuneSettingsOf(c *cli.Context, dir string) (*tuneSettings, error) {
	s := newTuneSettings()
	if c.Bool("resume") && c.Bool("overwrite") {
		return nil, usagef("finetune: --resume goes on with the run that is there, --overwrite replaces it: give one of them")
	}
	if c.Bool("resume") {
		file, err := config.LoadRun(filepath.Join(dir, configName))
		if err == nil {
			err = file.Into(s.rows())
		}
		if err != nil {
			return nil, err
		}
	}
	if err := parse(c, s.rows()); err != nil {
		return nil, err
	}
	if s.Images == "" {
		return nil, usagef("finetune: --images is required; see contig-gpu finetune --help")
	}
	if s.Freezing.Always && s.Freezing.Epochs > 0 {
		return nil, usagef("finetune: --freeze leaves the image encoder as it is, --freeze-epochs at first: give one of them")
	}
	if !c.Bool("resume") {
		if err := s.asTrained(c); err != nil {
			return nil, err
		}
	}
	if err := s.training().Validate(); err != nil {
		return nil, misused("finetune", err)
	}
	return s, nil
}

// asTrained takes encoder, size and fit of the images from the checkpoint, where no flag says them.
func (s *tuneSettings) asTrained(c *cli.Context) error {
	if s.checkpoint == randomWord {
		return nil
	}
	path, err := checkpointAt(s.checkpoint)
	if err != nil {
		return err
	}
	h, err := checkpoint.ReadHeader(path)
	if err != nil {
		if strings.HasSuffix(path, weightsName) && isForeign(err) {
			return nil
		}
		return err
	}
	cfg, err := train.SettingsOf(h)
	if err != nil {
		return err
	}
	if !c.IsSet("encoder") {
		s.Model.Encoder = cfg.Model.Encoder
	}
	if !c.IsSet("image-size") {
		s.ImageSize = cfg.ImageSize
	}
	if !c.IsSet("fit") {
		s.Fit = cfg.Fit
	}
	return nil
}

// training returns the training that the settings ask for; the head is missing.
func (s *tuneSettings) training() train.Config {
	c := s.settings.training()
	if c.Freezing != (train.Freezing{}) && c.Head == nil {
		c.Freezing = train.Freezing{} // has its own check, with the head
	}
	return c
}

// probing returns what the settings say to the part that finetune shares with probe.
func (s *tuneSettings) probing(dir string) (*probeSettings, error) {
	p := &probeSettings{verb: "finetune", checkpoint: s.checkpoint, labels: s.labels, task: s.task, split: s.split, target: split(s.target), against: split(s.against),
		device: s.Device, threads: s.Threads, cohort: &s.settings}
	p.method.Seed = int64(s.Seed)
	p.folder = folder.Target{Dir: dir, Kind: folder.Run, Inputs: append([]string{s.checkpoint, s.labels, s.Images, s.Data, s.ImageRoot}, p.against...)}
	for i, in := range p.folder.Inputs {
		if in == randomWord {
			p.folder.Inputs[i] = ""
		}
	}
	if err := p.named(s.task != "auto", s.split != "auto"); err != nil {
		return nil, err
	}
	p.folder.Inputs = append(p.folder.Inputs, p.labels)
	return p, p.numbers(s.fractions, s.shares)
}

// split returns the words between commas.
func split(list string) []string {
	words := strings.Split(list, ",")
	for i, w := range words {
		words[i] = strings.TrimSpace(w)
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
