package main

import (
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data/folder"
	"contig-gpu/model/downstream"
	"contig-gpu/model/probe"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// defaultK is how many neighbours vote: what DINO and lightly take is 20 and 200; of cohorts of some hundred persons 200 is nearly all.
const defaultK = 20

// defaultTemperature is DINO's, solo-learn's and ours; lightly takes 0.1.
const defaultTemperature = 0.07

func probeCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "features", Usage: "folder that embed wrote"},
		&cli.StringFlag{Name: "checkpoint", Usage: "instead of --features: a checkpoint or run, whose encoder sees --images"},
		&cli.StringFlag{Name: "labels", Usage: "labels.tsv: person_id or image, and columns"},
		&cli.StringSliceFlag{Name: "target", Usage: "`COLUMN` of the labels; of labels and traits several, or patterns such as 'RFMiD_*'. Without --labels NAME of a [target.NAME] in --data"},
		&cli.StringFlag{Name: "task", Value: "auto", Usage: "classes, ordinal, labels, traits; auto: as the column's values say"},
		&cli.StringFlag{Name: "method", Value: "linear", Usage: "linear: logistic or ridge regression; knn: nearest neighbours"},
		&cli.IntFlag{Name: "k", Value: defaultK, Usage: "neighbours of knn"},
		&cli.StringFlag{Name: "weights", Value: string(probe.Exponential), Usage: "of neighbours: exp and uniform by cosine, distance by Euclidean distance"},
		&cli.Float64Flag{Name: "temperature", Value: defaultTemperature, Usage: "of exp weights"},
		&cli.StringFlag{Name: "split", Value: "auto", Usage: "labels: their column split; run: of the run; random: --shares of the persons; auto: the first of these that gives training and test rows"},
		&cli.StringFlag{Name: "shares", Value: "0.6,0.2,0.2", Usage: "of training, validation and test persons, where --split is random"},
		&cli.StringFlag{Name: "fractions", Value: "1", Usage: "of the training persons to fit on, one after the other: 0.01,0.1,1"},
		&cli.StringSliceFlag{Name: "against", Usage: "`OTHER` encoders on the same persons: random, weights in safetensors, a run or checkpoint, or a folder of features"},
		&cli.StringFlag{Name: "out", Usage: "folder to make"},
		&cli.BoolFlag{Name: "overwrite", Usage: "replace what probe made"},
		&cli.StringFlag{Name: "device", Value: "auto", Usage: "of --checkpoint: auto, cpu, cuda or cuda:N; probes are fitted on the CPU in float64"},
		&cli.IntFlag{Name: "threads", Usage: "CPU threads; 0 takes all"},
	}
	return &cli.Command{
		Name: "probe", Usage: "what features are worth: predict labels from them, with intervals over persons",
		Description: "Fits a small model on the features of training persons and predicts the others: DIR/metrics.json, DIR/report.html, and DIR/private/predictions.tsv, which holds ids.\n" +
			"Standardisation and regularisation come from training persons alone; the test split is predicted once.",
		Flags: append(own, flags(newSettings(setting.Default).cohortRows())...),
		Action: func(c *cli.Context) error {
			s, err := probeSettingsOf(c)
			if err != nil {
				return err
			}
			return runProbe(c, s)
		},
	}
}

// probeSettings are what the flags of probe say.
type probeSettings struct {
	verb                                      string // probe, or finetune, which shares much of it
	name                                      string // of the target in data.toml; "" where --labels is given
	features, checkpoint, labels, task, split string
	target, against                           []string
	method                                    downstream.Method
	shares, fractions                         []float64
	device                                    string
	threads                                   int
	cohort                                    *settings
	folder                                    folder.Target
}

func probeSettingsOf(c *cli.Context) (*probeSettings, error) {
	if _, err := need(c, "out"); err != nil {
		return nil, err
	}
	s := &probeSettings{verb: "probe", features: c.String("features"), checkpoint: c.String("checkpoint"), labels: c.String("labels"), task: c.String("task"), split: c.String("split"), target: wordsOf(c, "target"), against: wordsOf(c, "against"),
		device: c.String("device"), threads: c.Int("threads"), cohort: newSettings(setting.Default),
		method: downstream.Method{Linear: c.String("method") == "linear", K: c.Int("k"), Weighting: probe.Weighting(c.String("weights")), Temperature: c.Float64("temperature")}}
	if err := parse(c, s.cohort.cohortRows()); err != nil {
		return nil, err
	}
	s.method.Seed = int64(s.cohort.Seed)
	if err := s.named(c.IsSet("task"), c.IsSet("split")); err != nil {
		return nil, err
	}
	s.folder = folder.Target{Dir: c.String("out"), Kind: folder.Probe, Overwrite: c.Bool("overwrite"), Mode: privateFolder,
		Inputs: append([]string{s.features, s.checkpoint, s.labels, s.cohort.Images, s.cohort.Data, s.cohort.ImageRoot}, s.against...)}
	if err := s.words(c); err != nil {
		return nil, err
	}
	return s, s.numbers(c.String("fractions"), c.String("shares"))
}

// words checks what is one of several words.
func (s *probeSettings) words(c *cli.Context) error {
	for flag, words := range map[string][]string{
		"task": {"auto", string(downstream.Classes), string(downstream.Ordinal), string(downstream.Labels), string(downstream.Traits)}, "method": {"linear", "knn"},
		"weights": {string(probe.Exponential), string(probe.Uniform), string(probe.Distance)}, "split": {"auto", "labels", "run", "random"},
	} {
		if !slices.Contains(words, c.String(flag)) {
			return usagef("probe: --%s: want %s, found %.200q", flag, strings.Join(words, ", "), c.String(flag))
		}
	}
	switch {
	case (s.features == "") == (s.checkpoint == ""):
		return usagef("probe: give --features, or --checkpoint with --images")
	case s.checkpoint != "" && s.cohort.Images == "":
		return usagef("probe: --checkpoint needs --images")
	case s.features != "" && s.cohort.Images != "" && len(s.against) == 0:
		return usagef("probe: --images goes with --checkpoint; --features has features already")
	}
	return nil
}

func (s *probeSettings) numbers(fractions, shares string) (err error) {
	if s.fractions, err = numbersIn(s.verb, "fractions", fractions, 0, 1); err != nil {
		return err
	}
	if s.shares, err = numbersIn(s.verb, "shares", shares, -1, 1); err != nil {
		return err
	}
	switch {
	case slices.Contains(s.fractions, 0):
		return usagef("%s: --fractions: want shares above 0", s.verb)
	case len(s.shares) != 3 || s.shares[0] <= 0 || s.shares[2] <= 0 || s.shares[0]+s.shares[1]+s.shares[2] > 1+1e-9:
		return usagef("%s: --shares: want three shares of training, validation and test persons, of at most 1 together, found %.200q", s.verb, shares)
	case s.verb == "probe" && s.method.K < 1:
		return usagef("probe: --k: want a whole number from 1, found %d", s.method.K)
	case s.verb == "probe" && !(s.method.Temperature > 0 && s.method.Temperature < 1e6):
		return usagef("probe: --temperature: want a number above 0, found %g", s.method.Temperature)
	case s.threads < 0 || s.threads > mostThreads:
		return usagef("probe: --threads: want a whole number from 0 to %d, found %d", mostThreads, s.threads)
	}
	slices.Sort(s.fractions)
	s.fractions = slices.Compact(s.fractions)
	return nil
}

// numbersIn reads numbers with commas between them, from a lower to a higher bound.
func numbersIn(verb, flag, text string, low, high float64) ([]float64, error) {
	var out []float64
	for word := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || !(v >= low && v <= high) {
			return nil, usagef("%s: --%s: want numbers up to %g with commas between them, found %.200q", verb, flag, high, text)
		}
		out = append(out, v)
	}
	return out, nil
}
