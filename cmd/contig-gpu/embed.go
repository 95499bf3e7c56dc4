package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path/filepath"

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
		&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example"},
		&cli.StringFlag{Name: "out", Usage: "folder to make"},
		&cli.BoolFlag{Name: "overwrite", Usage: "replace an embedding that embed made"},
		&cli.StringFlag{Name: "device", Value: "auto", Usage: "auto, cpu, cuda or cuda:N"},
		&cli.IntFlag{Name: "threads", Usage: "CPU threads; 0 takes all"},
	}
	return &cli.Command{
		Name: "embed", Usage: "write features and embeddings of a cohort, per person and per image",
		Description: "The statistics of the checkpoint are used, not those of the cohort. The files hold ids and are readable by their owner only.",
		Flags:       append(own, flags(newSettings(setting.Default).cohortRows())...),
		Action: func(c *cli.Context) error {
			for _, f := range []string{"checkpoint", "images", "out"} {
				if _, err := need(c, f); err != nil {
					return err
				}
			}
			s := newSettings(setting.Default)
			if err := parse(c, s.cohortRows()); err != nil {
				return err
			}
			return embed(c, s)
		},
	}
}

func embed(c *cli.Context, s *settings) error {
	dir := c.String("out")
	if n := c.Int("threads"); n < 0 || n > mostThreads {
		return usagef("embed: --threads: want a whole number from 0 to %d, found %d", mostThreads, n)
	}
	target := folder.Target{Dir: dir, Kind: folder.Embedding, Overwrite: c.Bool("overwrite"), Inputs: []string{c.String("checkpoint"), s.Images, s.Data, s.ImageRoot}, Mode: privateFolder}
	if err := target.Check(); err != nil {
		return err
	}
	d, err := gpu.Open(c.String("device"), gpu.Options{Threads: c.Int("threads")})
	if err != nil {
		return err
	}
	defer d.Close()
	keepWithinMemory()
	m, err := checkpoint.LoadWithin(c.String("checkpoint"), d, "auto", int(memory()))
	if err != nil {
		return err
	}
	defer m.Close()
	cfg, err := train.SettingsOf(m.Checkpoint)
	if err != nil {
		return err
	}
	co, err := openAligned(s, m)
	if err != nil {
		return err
	}
	for _, n := range co.Notes {
		if _, err := fmt.Fprintln(c.App.Writer, n); err != nil {
			return err
		}
	}
	e, err := embedded(c.Context, m, co, cfg)
	if err != nil {
		return err
	}
	if err := target.Publish(func(temp string) error { return writeEmbeddings(temp, e, co, splitsOf(c.String("checkpoint"))) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s: %d persons, %d images, %d features\n", dir, len(e.Persons), len(e.Person), e.Width)
	return err
}

// embedded makes the embeddings of a cohort; E721 where they take more memory than is free, E716 where they are not finite.
func embedded(ctx context.Context, m *checkpoint.Loaded, co *data.Cohort, cfg train.Config) (*train.Embeddings, error) {
	if err := train.Usable(m.File.Path, co); err != nil {
		return nil, err
	}
	batch := min(cfg.Batch, max(1, len(co.Images)))
	src, err := loader.New(co, loader.Options{Whole: true, Batch: batch, Size: cfg.ImageSize, Fit: cfg.Fit, Raw: m.Device.Async()})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if free := int(memory()); m.Device.Card() == nil && free > 0 {
		need, err := train.EmbedMemory(m, src.Dims())
		if err != nil {
			return nil, err
		}
		if need > free {
			return nil, &data.Problem{Code: 721, File: m.File.Path, What: fmt.Sprintf("embedding %d images at a time takes more memory than is free", batch),
				Expected: "at most " + bytesText(free), Found: bytesText(need), Cause: "a network that was trained on a larger machine", Fix: "end other programs, or take a larger machine"}
		}
	}
	e, err := train.Embed(ctx, m, co, src)
	if err != nil {
		return nil, err
	}
	return e, e.NotFinite(m.File.Path, co)
}

// A matrix is one file to write.
type matrix struct {
	name  string
	width int
	rows  [][]float32
}

// strangerSplit is the split of persons whom a run has never seen, unknownSplit that of all where it is not known who they were.
const (
	strangerSplit = "new"
	unknownSplit  = "unknown"
)

// writeEmbeddings writes the files of embed; splits are those of the checkpoint's run by person, nil where they are not known.
func writeEmbeddings(dir string, e *train.Embeddings, co *data.Cohort, splits map[string]string) error {
	perImage := filepath.Join(dir, "per-image")
	if err := makePrivate(perImage); err != nil {
		return err
	}
	var persons, images [][]string
	table := [][]string{{"person_id", "split"}}
	for _, p := range e.Persons {
		id := co.Persons[p].ID
		split := unknownSplit
		if splits != nil {
			split = cmp.Or(splits[id], strangerSplit)
		}
		persons, table = append(persons, []string{id}), append(table, []string{id, split})
	}
	for i, p := range e.Person {
		images = append(images, []string{co.Persons[p].ID, co.Images[i].Path})
	}
	byPerson, byImage := []matrix{{"features", e.Width, e.PersonFeatures}}, []matrix{{"features", e.Width, e.Features}}
	if len(co.Tables) == 0 { // trained on images alone: one head
		byImage = append(byImage, matrix{"projection", e.Dim, e.Image[0]})
	}
	for i, t := range co.Tables {
		name := url.PathEscape(t.Name())
		byPerson = append(byPerson, matrix{name + ".image", e.Dim, e.PersonImage[i]}, matrix{name + ".genetics", e.Dim, e.PersonGenetics[i]})
		byImage = append(byImage, matrix{name + ".image", e.Dim, e.Image[i]})
	}
	if err := writeLines(filepath.Join(dir, "persons.txt"), persons); err != nil {
		return err
	}
	if err := writeLines(filepath.Join(dir, "persons.tsv"), table); err != nil {
		return err
	}
	if err := writeLines(filepath.Join(perImage, "images.txt"), images); err != nil {
		return err
	}
	if err := writeMatrices(dir, []string{"person_id"}, persons, byPerson); err != nil {
		return err
	}
	return writeMatrices(perImage, []string{"person_id", "image"}, images, byImage)
}

// writeMatrices writes each matrix as .npy and, with the keys of its rows, as .tsv.
func writeMatrices(dir string, head []string, keys [][]string, all []matrix) error {
	for _, m := range all {
		if err := writeNPY(filepath.Join(dir, m.name+".npy"), m.width, m.rows); err != nil {
			return err
		}
		if err := writeTSV(filepath.Join(dir, m.name+".tsv"), head, keys, m); err != nil {
			return err
		}
	}
	return nil
}
