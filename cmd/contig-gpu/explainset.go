package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/shard"
	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/model/explain"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// Numbers of docs/errors.md that belong to explain.
const (
	codeNoGenetics  = 900
	codeStrangers   = 901
	codeNobody      = 902
	codeReference   = 903
	codeNotFinite   = 904
	codeExplainRoom = 905
	codeOtherWork   = 908
	codeNoWork      = 909
	codeNoDirection = 910
)

// mostSteps ends the refinement of paths, of which few need more than 1,000 nodes: where |f(x) - f(baseline)| is small beside what lies between.
const mostSteps = 1 << 15

// What --test may be.
const (
	testAuto   = "auto"
	testAll    = "all"
	testGroups = "groups"
	testNone   = "none"
)

// explainSettings are the flags of explain.
type explainSettings struct {
	Checkpoint, Run, Images, Data, ImageRoot, Join, Out string
	Persons, Reference, Modalities                      string
	Of, Method, Baseline                                string
	Steps, Draws                                        int
	Tolerance, Noise                                    float64
	FDR                                                 float64
	Window, Decoys, Maps, Parts                         int
	ImageMethod, Stage, Direction                       string
	Test, Genes, Names, Strata, Build                   string
	Seed                                                uint64
	Device, Precision, Shard                            string
	Threads                                             int
	Pictures, Overwrite, Resume                         bool

	methods      []explain.Method
	imageMethods []string
	of           explain.Of
	base         explain.Baseline
	share        *shard.Share // of the persons; nil: all
}

func newExplainSettings() *explainSettings {
	s := new(explainSettings)
	setting.Apply(s.rows(), setting.Default)
	return s
}

func (s *explainSettings) rows() []setting.Row {
	return slices.Concat(s.inputRows(), s.whatRows(), s.tableRows(), s.imageRows(), s.machineRows())
}

func (s *explainSettings) inputRows() []setting.Row {
	return setting.Group("Input and output",
		setting.New("run", &s.Run, "", setting.Any(), "run folder of a training: stands for --checkpoint (its best), --images and --data"),
		setting.New("checkpoint", &s.Checkpoint, "", setting.Any(), "trained network, such as RUN/checkpoints/best.safetensors"),
		setting.New("images", &s.Images, "", setting.Any(), "manifest of the images, images.tsv or .csv"),
		setting.New("data", &s.Data, "", setting.Any(), "data.toml, which names the genetic sources"),
		setting.New("image-root", &s.ImageRoot, "", setting.Any(), "folder that the manifest's paths start from; none: the manifest's own"),
		setting.New("join", &s.Join, "outer", setting.OneOf("outer", "inner"), "persons kept: outer (an image and one modality) or inner (all modalities); as in training"),
		setting.New("out", &s.Out, "", setting.Any(), "folder to make; it is there whole or not at all"),
		setting.New("overwrite", &s.Overwrite, false, setting.Any(), "replace an explanation, or with --shard a shard, that explain made"),
		setting.New("shard", &s.Shard, "", setting.Any(), shardUsage),
		setting.New("resume", &s.Resume, false, setting.Any(), "go on with what an interrupted run of the same flags has finished"),
		setting.New("pictures", &s.Pictures, false, setting.Any(), "show values of single participants in report.html; those of a synthetic cohort are shown anyway"))
}

func (s *explainSettings) whatRows() []setting.Row {
	d := explain.Defaults()
	return setting.Group("What is explained",
		setting.New("persons", &s.Persons, "test", setting.Any(), "persons explained: test, validation, train, all, or a file with one id a line"),
		setting.New("reference", &s.Reference, "256", setting.Any(), "reference batch that persons are compared with: how many training persons who have every modality that is explained are drawn, or a file with one id a line"),
		setting.New("reference-parts", &s.Parts, 2, setting.Between(0, mostReference), "disjoint parts of the reference that the first method is repeated with, of at most 256 persons: how little the order of features depends on it; 0 or 1: it is not measured"),
		setting.New("modalities", &s.Modalities, "", setting.Any(), "modalities explained, separated by commas; none: all that the data have"),
		setting.New("of", &s.Of, explain.Loss.String(), setting.OneOf(explain.Names()...), "function explained: loss of the reference batch with the person added (positive makes the match worse), one of its two directions, or similarity, the cosine of the person's own image and genetics (positive brings them together): {}"),
		setting.New("method", &s.Method, explain.IG.String(), setting.Any(), "methods, separated by commas; the first one fills the tables: "+strings.Join(explain.MethodNames(), ", ")),
		setting.New("baseline", &s.Baseline, explain.Zero.String(), setting.OneOf(explain.BaselineNames()...), "what a person is compared with: zero (of centred features the mean of training), mean (of the reference) or reference (persons drawn from it)"),
		setting.New("steps", &s.Steps, 0, setting.Between(0, mostNodes), "nodes on the path of Integrated Gradients; 0: doubled until --tolerance is kept"),
		setting.New("tolerance", &s.Tolerance, d.Tolerance, setting.Above(0), "completeness gap allowed, as a share of |f(x) - f(baseline)|"),
		setting.New("draws", &s.Draws, d.Draws, setting.Between(1, mostNodes), "draws of smooth, of expected, and of baseline reference, per person"),
		setting.New("noise", &s.Noise, d.Noise, setting.Between(0, setting.MostNumber), "noise of smooth, in units of each feature's standard deviation"),
		setting.New("seed", &s.Seed, 42, setting.AtLeast(0), "of all that is drawn here: the reference, noise, baselines, permutations, bootstrap"))
}

func (s *explainSettings) tableRows() []setting.Row {
	return setting.Group("Tables and tests",
		setting.New("fdr", &s.FDR, 0.1, setting.AboveTo(0, 1), "false discovery rate q at which discoveries are counted"),
		setting.New("test", &s.Test, testAuto, setting.OneOf(testAuto, testAll, testGroups, testNone), fmt.Sprintf("held-out test of which features and groups the network uses: {}; auto tests single features where a modality has no groups or at most %d features, since they take time", autoFeatures)),
		setting.New("window", &s.Window, 0, setting.Count(0), "base pairs of the windows that variants are grouped by; 0: blocks of linkage disequilibrium"),
		setting.New("genes", &s.Genes, "", setting.Any(), "intervals that variants are grouped by instead: BED, GTF, or a table with gene, chrom, start, end"),
		setting.New("names", &s.Names, "", setting.Any(), "table of features and the traits that they are of, which groups them"),
		setting.New("strata", &s.Strata, "", setting.Any(), "table of persons and strata, such as ancestries: values are exchanged within them only"),
		setting.New("decoys", &s.Decoys, 0, setting.Between(0, mostNodes), "train so many networks anew with a decoy of every feature: which groups are associated with the images (1: knockoff+, several: e-values)"),
		setting.New("build", &s.Build, "auto", setting.OneOf("auto", string(genome.GRCh37), string(genome.GRCh38)), "genome build of the positions, for the lengths of chromosomes: {}"))
}

func (s *explainSettings) imageRows() []setting.Row {
	return setting.Group("Images",
		setting.New("maps", &s.Maps, 0, setting.Size(0), "heat maps of the first image of so many persons, under private/maps: where in the image the match rests"),
		setting.New("image-method", &s.ImageMethod, "smooth", setting.Any(), "methods of heat maps, separated by commas: "+strings.Join(imageMethods(), ", ")),
		setting.New("stage", &s.Stage, "layer4", setting.Any(), "stage of the image encoder whose feature map gradcam takes"),
		setting.New("direction", &s.Direction, "", setting.Any(), "MODALITY:FEATURE: also maps of what in the image moves with this feature; with --maps"))
}

func (s *explainSettings) machineRows() []setting.Row {
	return setting.Group("Machine",
		setting.New("device", &s.Device, "auto", setting.Any(), "auto, cpu, cuda or cuda:N"),
		setting.New("precision", &s.Precision, "auto", setting.OneOf("auto", "f32", "f64"), "auto: f64 of a network trained in it where the device computes in f64, else f32"),
		setting.New("threads", &s.Threads, 0, setting.Between(0, mostThreads), "CPU threads; 0 takes all"))
}

// resolve fills what --run stands for and reads the lists of words.
func (s *explainSettings) resolve(c *cli.Context) error {
	if s.Run != "" {
		if err := s.fromRun(c); err != nil {
			return err
		}
	}
	for _, f := range []struct{ name, value string }{{"checkpoint", s.Checkpoint}, {"images", s.Images}, {"data", s.Data}, {"out", s.Out}} {
		if f.value == "" {
			return usagef("explain: --%s is required%s; see contig-gpu explain --help", f.name, map[bool]string{true: ", or --run"}[f.name != "out"])
		}
	}
	for _, read := range []func() error{s.readMethods, s.readImageMethods, s.readShare} {
		if err := read(); err != nil {
			return err
		}
	}
	if s.Direction != "" && s.Maps == 0 {
		return usagef("explain: --direction makes heat maps: say by --maps of how many persons")
	}
	if near := data.Nearest(s.Persons, splitWords()); near != "" && !slices.Contains(splitWords(), s.Persons) {
		if _, err := os.Stat(s.Persons); err != nil {
			return usagef("explain: --persons: no split and no file %q, did you mean %s?", s.Persons, near)
		}
	}
	return nil
}

// readMethods reads the words that say what is computed.
func (s *explainSettings) readMethods() error {
	s.of, _ = explain.ParseOf(s.Of)
	s.base, _ = explain.ParseBaseline(s.Baseline)
	for _, word := range strings.Split(s.Method, ",") {
		m, err := explain.ParseMethod(strings.TrimSpace(word))
		if err != nil {
			return usagef("explain: --method: want %s, separated by commas, found %q%s", strings.Join(explain.MethodNames(), ", "), word, didYouMean(word, "", explain.MethodNames()))
		}
		if slices.Contains(s.methods, m) {
			return usagef("explain: --method: %s is there twice", m)
		}
		s.methods = append(s.methods, m)
	}
	return nil
}

// readShare reads which share of the persons is explained.
func (s *explainSettings) readShare() (err error) {
	s.share, err = shareOf("explain", s.Shard)
	return err
}

// readImageMethods reads the words that say how maps are made.
func (s *explainSettings) readImageMethods() error {
	for _, word := range strings.Split(s.ImageMethod, ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains(imageMethods(), word) {
			return usagef("explain: --image-method: want %s, separated by commas, found %q%s", strings.Join(imageMethods(), ", "), word, didYouMean(word, "", imageMethods()))
		}
		s.imageMethods = append(s.imageMethods, word)
	}
	return nil
}

// splitWords are what --persons may be beside a file.
func splitWords() []string { return []string{"test", "validation", "train", "all"} }

// fromRun takes checkpoint, images, data, image-root and join from a run folder, where no flag says them.
func (s *explainSettings) fromRun(c *cli.Context) error {
	best, err := bestOf(s.Run)
	if err != nil {
		return err
	}
	f, err := config.LoadRun(filepath.Join(s.Run, configName))
	if err != nil {
		return err
	}
	t := newSettings(setting.Default)
	if err := f.Into(t.rows()); err != nil {
		return err
	}
	for _, x := range []struct {
		flag  string
		to    *string
		value string
	}{{"checkpoint", &s.Checkpoint, best}, {"images", &s.Images, t.Images}, {"data", &s.Data, t.Data}, {"image-root", &s.ImageRoot, t.ImageRoot}, {"join", &s.Join, t.Join}} {
		if !c.IsSet(x.flag) {
			*x.to = x.value
		}
	}
	return nil
}

// attribution returns how genetics are attributed, within so many bytes.
func (s *explainSettings) attribution(bytes int) explain.Settings {
	a := explain.Defaults()
	a.MaxSteps, a.Methods, a.Baseline, a.Steps, a.Tolerance, a.Draws, a.Noise, a.Seed = mostSteps, s.methods, s.base, s.Steps, s.Tolerance, s.Draws, s.Noise, s.Seed
	if bytes > 0 {
		a.Bytes = min(a.Bytes, bytes)
	}
	return a
}
