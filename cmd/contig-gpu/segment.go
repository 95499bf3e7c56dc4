package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/data/folder"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/optim"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// segmentSettings are those of a segmentation: a training's, and what only masks have.
type segmentSettings struct {
	*settings
	Masks, Classes string
	From           string // the encoder: a run, a checkpoint, or weights of another program; "": drawn
	FreezeEpochs   int
	ThawLR         float64
}

// Defaults of segment, beside those of train: method, section 7 (Taleb et al. 2022, supplement).
const (
	segmentEpochs = 50
	segmentBatch  = 16
	segmentLR     = 1e-3
	segmentDecay  = 1e-5
	freezeEpochs  = 10
	thawLR        = 1e-4
)

func newSegmentSettings() *segmentSettings {
	s := &segmentSettings{settings: newSettings(setting.Default)}
	setting.Apply(s.own(), setting.Default)
	s.Epochs, s.Batch, s.Keep, s.FreezeEpochs = segmentEpochs, segmentBatch, 1, freezeEpochs
	s.Optimizer.Name, s.Optimizer.LR, s.Optimizer.WeightDecay = optim.AdamName, segmentLR, segmentDecay
	return s
}

func (s *segmentSettings) own() []setting.Row {
	return setting.Group("Masks and encoder",
		setting.New("masks", &s.Masks, "", setting.Any(), "masks.tsv: image, class, mask; synth --masks and manifest write it"),
		setting.New("classes", &s.Classes, "", setting.Any(), "classes to segment, with commas between them; none: all of the table"),
		setting.New("checkpoint", &s.From, "", setting.Any(), "encoder to begin with: a run, a checkpoint, or weights in safetensors as torchvision names them; none: drawn"),
		setting.New("freeze-epochs", &s.FreezeEpochs, freezeEpochs, setting.Count(0), "first epochs in which the encoder stays as it is; those of --epochs and more: all"),
		setting.New("thaw-lr", &s.ThawLR, thawLR, setting.Between(0, setting.MostNumber), "peak learning rate from then on"))
}

// foreign are settings of train that mean nothing to masks.
func foreign() []string {
	return []string{"recipe", "data", "join", "init", "pictures", "steps", "objective", "genetics", "hidden", "embedding", "tau", "lambda", "weights", "pairs", "chunk", "best", "bad-images", "max-bad"}
}

func (s *segmentSettings) rows() []setting.Row {
	rows := slices.DeleteFunc(s.settings.rows(), func(r setting.Row) bool { return slices.Contains(foreign(), r.Name) })
	return append(s.own(), rows...)
}

func segmentCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "TOML file of these flags; flags win over it"},
		&cli.StringFlag{Name: "run", Usage: "run folder"},
		&cli.StringFlag{Name: "weights", Usage: "the same as --checkpoint, of weights of another program"},
		&cli.BoolFlag{Name: "resume", Usage: "go on from the last checkpoint of --run, by its settings"},
		&cli.BoolFlag{Name: "overwrite", Usage: "begin anew in a run folder that is in use"},
	}
	return &cli.Command{
		Name: "segment", Usage: "train a U-Net on an encoder's stages to find classes in images, and score it on the test split",
		Description: "contig-gpu segment --checkpoint RUN --images images.tsv --masks masks.tsv --classes disc --run seg\n" +
			"contig-gpu segment --run seg --resume                                         after any interruption\n\n" +
			"The validation split chooses the checkpoint; the test split is predicted once, at the images' own size: RUN/metrics.json, RUN/report.html, and RUN/private/ with masks and overlays.",
		Flags:  append(own, flags(newSegmentSettings().rows())...),
		Action: segmentAction,
	}
}

func segmentAction(c *cli.Context) error {
	s, err := segmentSettingsOf(c)
	if err != nil {
		return err
	}
	g := &segmenting{c: c, set: s, dir: c.String("run"), resume: c.Bool("resume"), overwrite: c.Bool("overwrite")}
	if !g.resume {
		v := s.settings
		t := folder.Target{Dir: g.dir, Kind: folder.Run, Overwrite: g.overwrite, Inputs: []string{c.String("config"), v.Images, v.ImageRoot, s.Masks, s.From}}
		if err := t.Check(); err != nil {
			return err
		}
	}
	return g.run(c.Context)
}

// segmentSettingsOf lays flags over the file over the defaults, of which encoder and size of the images are those of the checkpoint.
func segmentSettingsOf(c *cli.Context) (*segmentSettings, error) {
	dir, err := need(c, "run")
	if err != nil {
		return nil, err
	}
	if c.Bool("resume") && c.Bool("overwrite") {
		return nil, usagef("segment: --resume goes on with the run that is there, --overwrite replaces it: give one of them")
	}
	if w := c.String("weights"); w != "" {
		if c.IsSet("checkpoint") {
			return nil, usagef("segment: --checkpoint and --weights say the same thing: give one of them")
		}
		if err := c.Set("checkpoint", w); err != nil {
			return nil, err
		}
	}
	var file config.File
	switch path := c.String("config"); {
	case path != "":
		file, err = config.Load(path)
	case c.Bool("resume"):
		if file, err = config.LoadRun(filepath.Join(dir, configName)); errors.Is(err, fs.ErrNotExist) {
			file, err = config.File{}, nil // the run never began, or flags say it all
		}
	}
	if err != nil {
		return nil, err
	}
	asked := newSegmentSettings()
	if err := errors.Join(file.Into(asked.rows()), parse(c, asked.rows())); err != nil {
		return nil, err
	}
	s := newSegmentSettings()
	if err := s.like(asked.From); err != nil {
		return nil, err
	}
	if err := errors.Join(file.Into(s.rows()), parse(c, s.rows())); err != nil {
		return nil, err
	}
	return s, s.check()
}

// like takes the encoder of a checkpoint of ours and the size of its images for defaults.
func (s *segmentSettings) like(from string) error {
	if from == "" {
		return nil
	}
	path, err := checkpointAt(from)
	if err != nil {
		return err
	}
	h, err := checkpoint.ReadHeader(path)
	if err != nil {
		if strings.HasSuffix(from, weightsName) {
			return nil // of another program: it is read when the training begins
		}
		return err
	}
	cfg, err := train.SettingsOf(h)
	if err != nil {
		return err
	}
	s.Model.Encoder, s.ImageSize, s.Fit = cfg.Model.Encoder, cfg.ImageSize, cfg.Fit
	return nil
}

func (s *segmentSettings) check() error {
	for flag, v := range map[string]string{"images": s.Images, "masks": s.Masks} {
		if v == "" {
			return usagef("segment: --%s is required; see contig-gpu segment --help", flag)
		}
	}
	if s.Epochs < 1 {
		return usagef("segment: --epochs: want a whole number from 1")
	}
	return nil
}

// classes returns the words of --classes.
func (s *segmentSettings) classes() []string {
	if s.Classes == "" {
		return nil
	}
	words := strings.Split(s.Classes, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}

// training returns the training that the settings ask for, of some classes.
func (s *segmentSettings) training(classes []string) (train.Config, error) {
	cfg := s.Config
	cfg.Objective, cfg.Head = build.Segment, headOf(classes)
	cfg.Freezing = train.Freezing{Epochs: s.FreezeEpochs, LR: s.ThawLR}
	switch {
	case s.FreezeEpochs >= s.Epochs:
		cfg.Freezing = train.Freezing{Always: true}
	case s.FreezeEpochs == 0:
		cfg.Freezing = train.Freezing{}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, misused("segment", err)
	}
	side, err := sideOf(cfg)
	if err == nil && cfg.ImageSize%side != 0 {
		err = usagef("segment: --image-size: want a multiple of %d, by which %s shrinks images, found %d", side, cfg.Model.Encoder, cfg.ImageSize)
	}
	return cfg, err
}

// said is what settings come to in a few words.
func (s *segmentSettings) said(cfg train.Config) string {
	from := s.From
	if from == "" {
		from = "drawn weights"
	}
	frozen := fmt.Sprintf("frozen for %d of %d epochs", cfg.Freezing.Epochs, cfg.Epochs)
	if cfg.Freezing.Always {
		frozen = "frozen throughout"
	}
	return fmt.Sprintf("U-Net on %s (%s), %s, images of %d pixels", cfg.Model.Encoder, from, frozen, cfg.ImageSize)
}
