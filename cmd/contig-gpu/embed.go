package main

import (
	"context"
	"fmt"
	"path/filepath"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/shard"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

func embedCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "run", Usage: "run folder, of which the best checkpoint is taken"},
		&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example; a run folder means its best"},
		&cli.StringFlag{Name: "out", Usage: "folder to make"},
		&cli.BoolFlag{Name: "overwrite", Usage: "replace an embedding, or with --shard a shard, that embed made"},
		&cli.StringFlag{Name: "shard", Usage: shardUsage},
		&cli.StringFlag{Name: "device", Value: "auto", Usage: "auto, cpu, cuda or cuda:N"},
		&cli.IntFlag{Name: "threads", Usage: "CPU threads; 0 takes all"},
	}
	return &cli.Command{
		Name: "embed", Usage: "write features and embeddings of a cohort, per person and per image",
		Description: "--images alone gives the features of every image; with --data those who have genetics have these embedded too. Nobody is left out.\n" +
			"The statistics of the checkpoint are used, not those of the cohort. The files hold ids and are readable by their owner only.\n" +
			"With --shard I/N it writes a shard, for contig-gpu merge, which makes of all N what embed without --shard writes.",
		Flags: append(append(own, talkFlags()...), flags(newSettings(setting.Default).cohortRows())...),
		Action: func(c *cli.Context) error {
			for _, f := range []string{"images", "out"} {
				if _, err := need(c, f); err != nil {
					return err
				}
			}
			s := newSettings(setting.Default)
			if err := parse(c, s.cohortRows()); err != nil {
				return err
			}
			if n := c.Int("threads"); n < 0 || n > mostThreads {
				return usagef("embed: --threads: want a whole number from 0 to %d, found %d", mostThreads, n)
			}
			share, err := shareOf("embed", c.String("shard"))
			if err != nil {
				return err
			}
			from, err := checkpointOf(c)
			if err != nil {
				return err
			}
			return embed(c, s, from, share)
		},
	}
}

// embed writes an embedding, or a share of it.
func embed(c *cli.Context, s *settings, from string, share *shard.Share) error {
	dir := c.String("out")
	target := folder.Target{Dir: dir, Kind: folder.Embedding, Overwrite: c.Bool("overwrite"), Inputs: []string{from, s.Images, s.Data, s.ImageRoot}, Mode: privateFolder}
	if share != nil {
		target.Kind = folder.Shard
	}
	if err := target.Check(); err != nil {
		return err
	}
	d, err := gpu.Open(c.String("device"), gpu.Options{Threads: c.Int("threads")})
	if err != nil {
		return err
	}
	defer d.Close()
	keepWithinMemory(1)
	m, err := checkpoint.LoadWithin(from, d, "auto", int(memory()))
	if err != nil {
		return err
	}
	defer m.Close()
	cfg, err := train.SettingsOf(m.Checkpoint)
	if err != nil {
		return err
	}
	co, err := openEveryone(s, m)
	if err != nil {
		return err
	}
	for _, n := range co.Notes {
		if err := note(c, n); err != nil {
			return err
		}
	}
	line := progress.New(c.App.ErrWriter)
	images := imagesFrom(0, len(co.Images))
	if share != nil {
		images = imagesOfShare(co, *share)
	}
	e, err := embedded(c.Context, m, co, cfg, images, line)
	line.Done()
	if err != nil {
		return err
	}
	w := embeddingOf(e, co, images, splitsOf(from), aboutEmbedding{Checkpoint: from, Step: m.Step, Version: version + revision(), ImageSize: cfg.ImageSize, Fit: string(cfg.Fit), Encoder: cfg.Model.Encoder})
	if share != nil {
		return writeShard(c, target, w, aboutShard(*share, m, co, w))
	}
	if err := target.Publish(w.write); err != nil {
		return err
	}
	return w.wrote(c, dir)
}

// wrote says what was written.
func (e *embedding) wrote(c *cli.Context, dir string) error {
	return result(c, fmt.Sprintf("wrote %s: %d persons, %d images, %d features; %s says how to read it\n", dir, len(e.persons), len(e.images), e.Width, filepath.Join(dir, readmeName)), struct {
		Out string `json:"out"`
		aboutEmbedding
	}{dir, e.about})
}

// mostTogether is the most images that are embedded at a time, whatever the batches of the training were: more pay on no device, and a share computes up to two batches
// beyond its own images.
const mostTogether = 256

// embedded makes the embeddings of images, all of some persons', which ascend; E721 where they take more memory than is free, E716 where they are not finite. The
// batches are those of all images, also where only some are wanted: then those that hold one are computed, whole, so that every row is the same bits on every device.
func embedded(ctx context.Context, m *checkpoint.Loaded, co *data.Cohort, cfg train.Config, images []int, line *progress.Line) (*train.Embeddings, error) {
	if err := train.Usable(m.File.Path, co); err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return &train.Embeddings{Dim: m.Settings.Model.Embedding}, nil
	}
	batch := min(cfg.Batch, mostTogether, len(co.Images))
	rows := wholeBatches(images, len(co.Images), batch)
	src, err := loader.New(co, loader.Options{Only: rows, Batch: batch, Size: cfg.ImageSize, Fit: cfg.Fit, Raw: m.Device.Async()})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if free := int(memory()); m.Device.GPU() == nil && free > 0 {
		need, err := train.EmbedMemory(m, src.Dims())
		if err != nil {
			return nil, err
		}
		if need > free {
			return nil, &data.Problem{Code: 721, File: m.File.Path, What: fmt.Sprintf("embedding %d images at a time takes more memory than is free", batch),
				Expected: "at most " + bytesText(free), Found: bytesText(need), Cause: "a network that was trained on a larger machine", Fix: "end other programs, or take a larger machine"}
		}
	}
	e, err := train.Embed(ctx, m, co, counting(src, len(rows), line))
	if err != nil {
		return nil, err
	}
	e = onlyOf(e, rows, images)
	return e, e.NotFinite(m.File.Path, co)
}

// A countingSource tells how many images were taken from it.
type countingSource struct {
	data.Source
	done, all int
	line      *progress.Line
}

func counting(src data.Source, all int, line *progress.Line) data.Source {
	return &countingSource{Source: src, all: all, line: line}
}

// Next gives the next batch.
func (s *countingSource) Next(b *data.Batch) error {
	err := s.Source.Next(b)
	if err == nil {
		s.done += b.N
		s.line.Count(s.done, s.all, "images embedded")
	}
	return err
}
