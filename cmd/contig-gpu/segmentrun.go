package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/folder"
	"contig-gpu/data/loader"
	"contig-gpu/data/mask"
	"contig-gpu/model/measure"
	"contig-gpu/model/train"
	"contig-gpu/model/train/engine"
	"contig-gpu/model/tune"
	"contig-gpu/model/unet"

	"github.com/urfave/cli/v2"
)

// codeNoMasks is the number of splits without masks.
const codeNoMasks = 1054

// A segmenting is one call of segment.
type segmenting struct {
	c                 *cli.Context
	set               *segmentSettings
	dir               string
	resume, overwrite bool

	cfg    train.Config
	line   *progress.Line
	cohort *data.Cohort // of the images with a mask
	names  []string     // of each of them, as the manifest has it
	masks  *mask.Set    // of them
	square *mask.Squares
	notes  []string
	start  time.Time
	failed error // of writing beside the training
}

func headOf(classes []string) *tune.Config { return &tune.Config{Task: unet.Task, Names: classes} }

// sideOf returns what the sides of images must be a multiple of.
func sideOf(cfg train.Config) (int, error) {
	n, err := unet.NewNet(cfg.Model.Encoder, len(cfg.Head.Names))
	if err != nil {
		return 0, err
	}
	return n.Side(), nil
}

func (g *segmenting) say(format string, a ...any) {
	g.line.Print(data.Plain(fmt.Sprintf(format, a...)))
}

func (g *segmenting) note(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	g.notes = append(g.notes, text)
	g.say("%s", text)
}

func (g *segmenting) run(ctx context.Context) (err error) {
	g.line, g.start = progress.New(g.c.App.Writer), time.Now()
	defer g.line.Done()
	lock, err := train.Take(g.dir, g.resume, g.overwrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if err := g.open(ctx); err != nil {
		return err
	}
	g.say("%s", g.set.said(g.cfg))
	from := ""
	if g.set.From != "" {
		if from, err = checkpointAt(g.set.From); err != nil {
			return err
		}
	}
	device, err := train.OpenDevice(g.cfg, nil)
	if err != nil {
		return err
	}
	g.say("device: %s: %s", device.Name(), device.Why())
	keepWithinMemory(1)
	_, err = train.Run(ctx, train.Options{
		Device: device, Config: g.cfg, Cohort: g.cohort, NewSource: g.source, Dir: g.dir, Lock: lock, Resume: g.resume, Overwrite: g.overwrite, InitFrom: from, Judge: g.judge, Progress: g.progress, Version: version,
		Memory: hostMemory(g.cohort),
	})
	g.line.Done()
	switch {
	case errors.Is(err, train.ErrInterrupted):
		g.say("go on with: contig-gpu segment --run %s --resume", shellWords([]string{g.dir}))
		return err
	case err != nil || g.failed != nil:
		return errors.Join(err, g.failed)
	}
	return g.test(ctx)
}

// open joins images and masks, and reads every mask.
func (g *segmenting) open(ctx context.Context) error {
	table, err := mask.Read(g.set.Masks)
	if err != nil {
		return err
	}
	keepWithinMemory(1)
	all, err := cohort.Open(cohort.Options{Manifest: g.set.Images, ImageRoot: g.set.ImageRoot, Seed: g.set.Seed})
	if err != nil {
		return err
	}
	for _, n := range all.Notes {
		g.say("%s", n)
	}
	names := make([]string, len(all.Images))
	for i := range names {
		names[i] = all.Row(i).Fields[1]
	}
	set, err := table.Join(names, g.set.classes())
	if err != nil {
		return err
	}
	if g.cfg, err = g.set.training(set.Classes); err != nil {
		return err
	}
	g.keep(all, names, set)
	if err := g.splits(); err != nil {
		return err
	}
	if g.square, err = g.read(ctx); err != nil {
		return err
	}
	g.cohort.Hash = digest(all.Hash, g.square.Digest)
	if g.cohort.Content, err = cohort.Content(ctx, g.cohort, cohort.ContentOptions{}); err == nil {
		g.cohort.Content = digest(g.cohort.Content, g.square.Digest)
		d := g.square.Digest
		g.cohort.Sources = append(g.cohort.Sources, data.SourceDigest{Name: "masks", Rows: len(g.cohort.Images), Features: len(g.masks.Classes), Stats: d, Train: d, Held: d})
	}
	return err
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts)))
	return hex.EncodeToString(sum[:])
}

// keep leaves out images of which no class is known, and persons without an image.
func (g *segmenting) keep(all *data.Cohort, names []string, set *mask.Set) {
	c := *all
	c.Images, c.Persons = nil, nil
	g.masks = &mask.Set{Classes: set.Classes, Foreground: set.Foreground}
	person := map[int]int{}
	var rows []int
	for i, im := range all.Images {
		if set.Known(i) == 0 {
			continue
		}
		p, there := person[im.Person]
		if !there {
			p = len(c.Persons)
			person[im.Person] = p
			who := all.Persons[im.Person]
			who.Images = nil
			c.Persons = append(c.Persons, who)
		}
		c.Persons[p].Images = append(c.Persons[p].Images, len(c.Images))
		im.Person = p
		c.Images, rows = append(c.Images, im), append(rows, i)
		g.names, g.masks.Rows = append(g.names, names[i]), append(g.masks.Rows, set.Rows[i])
	}
	c.Row = func(i int) data.ManifestRow { return all.Row(rows[i]) }
	g.cohort = &c
	if n := len(all.Images) - len(c.Images); n > 0 {
		g.note("%d of %d images have no mask of %s and are left out.", n, len(all.Images), strings.Join(set.Classes, ", "))
	}
	if set.Strangers > 0 {
		g.note("W1050: %d masks are of images that are not in the manifest, and are left out.", set.Strangers)
	}
}

// splits is E1054 where one that is needed has no mask, and tells of classes that one does not know.
func (g *segmenting) splits() error {
	images, known := map[data.Split]int{}, map[data.Split][]int{}
	for i, im := range g.cohort.Images {
		s := g.cohort.Persons[im.Person].Split
		if images[s]++; known[s] == nil {
			known[s] = make([]int, len(g.masks.Classes))
		}
		for k, r := range g.masks.Rows[i] {
			if r != nil {
				known[s][k]++
			}
		}
	}
	for _, s := range []data.Split{data.Train, data.Validation, data.Test} {
		if images[s] == 0 && s != data.Validation {
			return &data.Problem{Code: codeNoMasks, File: g.set.Masks, What: "the " + s.String() + " split has no image with a mask", Expected: "one at least", Found: fmt.Sprintf("%d images with a mask in all", len(g.cohort.Images)),
				Cause: "few masks, or a column split by which all are of others", Fix: "more masks, or another split in the manifest"}
		}
		for k, n := range known[s] {
			if n == 0 {
				g.note("W1051: of no %s image is it known where %s is.", s, g.masks.Classes[k])
			}
		}
	}
	if images[data.Validation] == 0 {
		g.note("W1051: there is no validation image with a mask: the last checkpoint is taken for the best.")
	}
	g.say("images with masks of %s: train %d, validation %d, test %d", strings.Join(g.masks.Classes, ", "), images[data.Train], images[data.Validation], images[data.Test])
	return nil
}

// read reads all masks, and keeps them at the size that images are varied from, or else looked at.
func (g *segmenting) read(ctx context.Context) (*mask.Squares, error) {
	paths, sides := make([]string, len(g.cohort.Images)), make([]int, len(g.cohort.Images))
	work := loaderOptions(g.cfg, train.Feed{Split: data.Train, Train: true, Views: 1}).PixelSide()
	for i, im := range g.cohort.Images {
		if paths[i], sides[i] = im.Path, g.cfg.ImageSize; g.cohort.Persons[im.Person].Split == data.Train {
			sides[i] = work
		}
	}
	line := progress.New(g.c.App.ErrWriter)
	defer line.Done()
	return g.masks.Load(ctx, paths, sides, g.cfg.Fit, func(done, images int) { line.Count(done, images, "images whose masks were read") })
}

// source opens the batches of a split, with their masks.
func (g *segmenting) source(f train.Feed) (data.Source, error) {
	o := loaderOptions(g.cfg, f)
	o.OneImagePerGroup = false
	src, err := loader.New(g.cohort, o)
	if err != nil {
		return nil, err
	}
	return mask.NewSource(src, g.square, mask.SourceOptions{Size: o.Size, Varies: f.Train && o.Augment != data.Augmentation{}, Augment: o.Augment, Seed: o.Seed, Workers: o.Workers}), nil
}

// progress takes what the training tells.
func (g *segmenting) progress(e train.Event) {
	switch e.Kind {
	case train.Started:
		g.failed = errors.Join(g.failed, g.begin())
	case train.Stepped:
		g.line.Step(e.Step, e.Total, fmt.Sprintf("epoch %d  loss %.4f  %.1f images/s", e.Epoch, e.Loss, e.ImagesPerSecond))
	case train.Validated:
		if e.Judged != nil {
			dice := "undefined"
			if !math.IsNaN(e.Judged.Score) {
				dice = fmt.Sprintf("%.4f", e.Judged.Score)
			}
			g.say("epoch %d, step %d: validation loss %.4f, dice %s", e.Epoch, e.Step, e.Loss, dice)
		}
	case train.Planned:
		g.say("memory: %s%s", bytesText(e.Memory.Total()), freeText(e.Free))
	case train.Warned:
		g.say("warning: %s", e.Text)
	case train.Noted, train.Chosen:
		g.say("%s", e.Text)
	}
}

// begin writes what a run folder has beside the checkpoints.
func (g *segmenting) begin() error {
	text := &bytes.Buffer{}
	rows := [][]string{{"person_id", "split"}}
	for _, p := range g.cohort.Persons {
		rows = append(rows, []string{p.ID, p.Split.String()})
	}
	private := filepath.Join(g.dir, privateName)
	return errors.Join(folder.MarkRun(g.dir), config.Write(text, g.set.rows()), writeText(filepath.Join(g.dir, configName), text), makePrivate(private), writeLines(filepath.Join(private, splitName), rows))
}

// judge begins an evaluation whose score is the mean Dice at the network's size, where masks are the nearest pixels.
func (g *segmenting) judge(data.Split) train.Judge { return &maskJudge{classes: g.masks.Classes} }

// A maskJudge scores an evaluation by dice.
type maskJudge struct {
	classes []string
	rows    [][]*measure.Overlap
}

// Add implements train.Judge.
func (j *maskJudge) Add(b *data.Batch, s engine.Swept) {
	k := len(j.classes)
	per := len(s.Predicted) / b.N
	truth, logits := make([]uint8, per/k), make([]float64, per/k)
	for row := range b.N {
		overlaps := make([]*measure.Overlap, k)
		for c := range k {
			if b.Known[row*per+c] == 0 {
				continue
			}
			for i := range truth {
				at := row*per + i*k + c
				truth[i], logits[i] = uint8(b.Target[at]), s.Predicted[at]
			}
			o := measure.OverlapOf(truth, logits)
			overlaps[c] = &o
		}
		j.rows = append(j.rows, overlaps)
	}
}

// Judged implements train.Judge.
func (j *maskJudge) Judged() train.Judgement {
	out := train.Judgement{Metrics: map[string]float64{}}
	for _, m := range measure.OverlapMetrics(j.classes, j.rows) {
		v := m.Of(nil)
		if m.Name == "dice" {
			out.Score = v
		}
		if v == v {
			out.Metrics[m.Name] = v
		}
	}
	return out
}
