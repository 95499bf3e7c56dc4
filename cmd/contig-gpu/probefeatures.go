package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"contig-gpu/cmd/internal/progress"
	emb "contig-gpu/data/embedded"
	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/probe"
	"contig-gpu/model/train"
)

// features are rows of an encoder's features: in a folder, or made now.
type features struct {
	name  string // as it was asked for
	rows  *emb.Rows
	width int
	read  func(rows []int, dst []float64) error // some of them, in the order asked for
	close func()
}

// matrix returns some of the rows as a matrix on d.
func (f *features) matrix(d *gpu.Device, rows []int) (*probe.Matrix, error) {
	m := probe.NewMatrix(d, max(1, len(rows)), f.width)
	return m, f.read(rows, m.V)
}

// folderFeatures opens a folder that embed wrote. What is NaN or infinite in it is an error.
func folderFeatures(dir string, byImage bool) (*features, error) {
	open := emb.Persons
	if byImage {
		open = emb.Images
	}
	rows, err := open(dir)
	if err != nil {
		return nil, err
	}
	m, err := rows.Open(emb.Features)
	if err != nil {
		return nil, err
	}
	gaps, err := m.Gaps()
	if err == nil && len(gaps.Absent)+len(gaps.Partly) > 0 {
		err = m.NotNumber(append(gaps.Absent, gaps.Partly...)[0])
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return &features{name: dir, rows: rows, width: m.Width, read: m.Some, close: func() { m.Close() }}, nil
}

// What --against takes beside paths, and how weights of other programs are named.
const (
	randomWord  = "random" // drawn, as a training would begin
	weightsName = ".safetensors"
)

// embedWith embeds the images that the settings name by an encoder: random, weights of other programs in safetensors, a checkpoint of ours, or a run. Of the first two the network is that of
// the checkpoint base.
func embedWith(ctx context.Context, s *probeSettings, which, base string, byImage bool, line *progress.Line) (*features, error) {
	d, err := gpu.Open(s.device, gpu.Options{Threads: s.threads})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	keepWithinMemory(1)
	from, foreign, err := networkOf(which, base)
	if err != nil {
		return nil, err
	}
	m, err := checkpoint.LoadWithin(from, d, "auto", int(memory()))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if foreign {
		m.Objective.Weights().Init(s.cohort.Seed)
	}
	if foreign && which != randomWord {
		if _, err := checkpoint.Init(which, m.Objective.Weights()); err != nil {
			return nil, err
		}
	}
	cfg, err := train.SettingsOf(m.Checkpoint)
	if err != nil {
		return nil, err
	}
	co, err := openEveryone(s.cohort, m)
	if err != nil {
		return nil, err
	}
	images := imagesFrom(0, len(co.Images))
	e, err := embedded(ctx, m, co, cfg, images, line)
	if err != nil {
		return nil, err
	}
	return embeddingOf(e, co, images, splitsOf(from), aboutEmbedding{}).features(which, byImage), nil
}

// networkOf returns the checkpoint that an encoder's network is read from, and whether its weights come from elsewhere: then it is that of base.
func networkOf(which, base string) (from string, foreign bool, err error) {
	if which == randomWord {
		from, err = checkpointAt(base)
		return from, true, err
	}
	if from, err = checkpointAt(which); err != nil {
		return "", false, err
	}
	if _, err := checkpoint.ReadHeader(from); err != nil && strings.HasSuffix(which, weightsName) {
		from, err = checkpointAt(base)
		return from, true, err
	}
	return from, false, nil
}

// features returns what an embedding has in memory as rows.
func (e *embedding) features(name string, byImage bool) *features {
	persons, images := e.keys()
	f := &features{name: name, width: e.Width, close: func() {}, rows: &emb.Rows{Path: name}}
	keys, values, of := persons, e.PersonFeatures, e.Persons
	if byImage {
		keys, values, of = images, e.Features, e.Person
	}
	for i, p := range of {
		f.rows.IDs = append(f.rows.IDs, e.persons[p].ID)
		if byImage {
			f.rows.Images = append(f.rows.Images, keys[i][1])
		}
		f.rows.Splits = append(f.rows.Splits, e.persons[p].Split)
	}
	f.read = func(rows []int, dst []float64) error {
		for k, i := range rows {
			for j, v := range values[i] {
				dst[k*f.width+j] = float64(v)
			}
		}
		return nil
	}
	return f
}

// isFeatures says whether a path is a folder of features.
func isFeatures(path string) bool {
	_, err := os.Stat(filepath.Join(path, "persons.tsv"))
	return err == nil
}
