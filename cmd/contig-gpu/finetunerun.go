package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	emb "contig-gpu/data/embedded"
	"contig-gpu/data/folder"
	"contig-gpu/data/label"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/downstream"
	"contig-gpu/model/finetune"
	"contig-gpu/model/measure"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// fitsFolder is the folder of a run with the trainings on fewer persons and from other encoders.
const fitsFolder = "fits"

// A finetuning is one call of finetune. What it predicts, of whom and how well is told as of a probe.
type finetuning struct {
	probing
	values            *tuneSettings
	dir               string
	resume, overwrite bool
	began             time.Time
	cohort            *data.Cohort
	images            [][]int // of each row of first
	steps             int     // of the first training
}

func newFinetuning(c *cli.Context, s *tuneSettings, dir string) *finetuning {
	return &finetuning{probing: probing{c: c, line: progress.New(c.App.ErrWriter)}, values: s, dir: dir, resume: c.Bool("resume"), overwrite: c.Bool("overwrite"), began: time.Now()}
}

func (f *finetuning) run(ctx context.Context) (err error) {
	if f.set, err = f.values.probing(f.dir); err != nil {
		return err
	}
	f.set.folder.Overwrite = f.overwrite
	if !f.resume {
		if err := f.set.folder.Check(); err != nil {
			return err
		}
	}
	lock, err := train.Take(f.dir, f.resume, f.overwrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if f.labels, err = label.Read(f.set.labels); err != nil {
		return err
	}
	keepWithinMemory(1)
	if err := f.openImages(); err != nil {
		return err
	}
	if err := f.join(); err != nil {
		return err
	}
	if err := f.splitRows(); err != nil {
		return err
	}
	if err := f.bestMetric(); err != nil {
		return err
	}
	if err := f.trainAll(ctx, lock); err != nil {
		return err
	}
	f.line.Done()
	f.remarks()
	if err := f.writeRun(); err != nil {
		return err
	}
	return f.conclude()
}

// openImages opens the cohort and makes its images, or persons, the rows that labels are joined to.
func (f *finetuning) openImages() (err error) {
	o := f.values.settings.cohort()
	o.DataTOML, o.Everyone = "", true
	if f.cohort, err = cohort.Open(o); err != nil {
		return err
	}
	f.cohort = imagesOf(f.cohort)
	var splits map[string]string
	if f.set.checkpoint != randomWord {
		path, err := checkpointAt(f.set.checkpoint)
		if err != nil {
			return err
		}
		splits = splitsOf(path)
	}
	f.first = &features{name: f.set.checkpoint, close: func() {}, rows: &emb.Rows{Path: f.values.Images}}
	add := func(person int, images []int, name string) {
		id, split := f.cohort.Persons[person].ID, emb.Unknown
		if splits != nil {
			if split = splits[id]; split == "" {
				split = emb.New
			}
		}
		r := f.first.rows
		r.IDs, r.Splits, f.images = append(r.IDs, id), append(r.Splits, split), append(f.images, images)
		if f.labels.ByImage {
			r.Images = append(r.Images, name)
		}
	}
	if !f.labels.ByImage {
		for p, person := range f.cohort.Persons {
			if len(person.Images) > 0 {
				add(p, person.Images, "")
			}
		}
		return nil
	}
	for i, im := range f.cohort.Images {
		name := im.Path
		if f.cohort.Row != nil {
			name = f.cohort.Row(i).Fields[1]
		}
		add(im.Person, []int{i}, name)
	}
	return nil
}

// bestMetric refuses a --best that the task has not.
func (f *finetuning) bestMetric() error {
	names := append(finetune.MetricNames(f.task), lossWord)
	if b := f.values.best; b != "" && !slices.Contains(names, b) {
		return usagef("finetune: --best: want a metric of the task or %s, found %.200q%s", lossWord, b, didYouMean(b, "", names))
	}
	return nil
}

// study returns what is trained on a fraction of the training persons, and which of f.rows its rows are.
func (f *finetuning) study(fraction float64) (*finetune.Study, []int) {
	train := downstream.Fraction(f.task, indices(f.split, emb.Train), fraction, f.set.method.Seed)
	var rows []int
	var split []data.Split
	var images [][]int
	for i, word := range f.split {
		s, ok := map[string]data.Split{emb.Train: data.Train, emb.Validation: data.Validation, emb.Test: data.Test}[word]
		if !ok || s == data.Train && !slices.Contains(train, i) {
			continue
		}
		rows, split, images = append(rows, i), append(split, s), append(images, f.images[f.rows[i]])
	}
	return finetune.New(f.cohort, f.task.Some(rows), images, split), rows
}

// trainAll trains from the first encoder on the largest fraction, whose run is the folder itself, then on the others, and from the other encoders.
func (f *finetuning) trainAll(ctx context.Context, lock *folder.Lock) error {
	fractions := slices.Clone(f.set.fractions)
	slices.Reverse(fractions)
	for i, share := range fractions {
		dir := f.dir
		if i > 0 {
			dir = filepath.Join(f.dir, fitsFolder, fmt.Sprintf("fraction-%g", share))
			lock = nil
		}
		o, err := f.fit(ctx, dir, lock, f.set.checkpoint, share)
		if err != nil {
			return err
		}
		f.found = append([]*outcome{o}, f.found...)
	}
	last := f.last()
	for i, which := range f.set.against {
		o, err := f.fit(ctx, filepath.Join(f.dir, fitsFolder, fmt.Sprintf("against-%d", i+1)), nil, which, last.fraction)
		if err != nil {
			return err
		}
		x := comparison{name: which, found: o}
		if last.undefined == "" && o.undefined == "" {
			x.diff = measure.Differences(last.test.metrics, o.test.metrics, last.test.units, len(last.test.rows))
		}
		f.against = append(f.against, x)
	}
	return nil
}

// fit trains in a folder from an encoder on a fraction of the training persons, and predicts validation and test rows by the best checkpoint.
func (f *finetuning) fit(ctx context.Context, dir string, lock *folder.Lock, from string, fraction float64) (*outcome, error) {
	s, rows := f.study(fraction)
	var trained []int
	for i, split := range s.Split {
		if split == data.Train {
			trained = append(trained, i)
		}
	}
	o := &outcome{fraction: fraction, fitted: len(trained), persons: measure.UnitsOf(s.Task.Some(trained).Person).Len()}
	if o.undefined = s.Task.Fittable(trained); o.undefined != "" {
		o.undefined = "training rows: " + o.undefined
		return o, nil
	}
	cfg := s.Config(f.values.settings.training())
	if f.values.best == lossWord {
		cfg.Best = lossWord
	}
	var err error
	if s.Cohort.Content, err = cohort.Content(ctx, s.Cohort, cohort.ContentOptions{}); err != nil {
		return nil, err
	}
	if err := f.train(ctx, s, cfg, dir, lock, from, fraction); err != nil {
		return nil, err
	}
	return o, f.predict(ctx, s, cfg, dir, rows, o)
}

func (f *finetuning) train(ctx context.Context, s *finetune.Study, cfg train.Config, dir string, lock *folder.Lock, from string, fraction float64) error {
	o := train.Options{Config: cfg, NewSource: sources(s.Cohort, noPairs(cfg)), Dir: dir, Lock: lock, Resume: f.resume, Overwrite: f.overwrite, Version: version, Memory: hostMemory(s.Cohort)}
	if dir != f.dir { // there is nothing of others in it
		o.Resume = f.resume && train.StandingOf(dir) != nil
		o.Overwrite = !o.Resume
	}
	if from != randomWord {
		var err error
		if o.InitFrom, err = checkpointAt(from); err != nil {
			return err
		}
	}
	name := shortName(from)
	if fraction < 1 {
		name += fmt.Sprintf(", %g of the persons", fraction)
	}
	o.Progress = func(e train.Event) { f.progress(e, name, dir) }
	sum, err := train.Run(ctx, s.Options(o, f.values.best))
	if dir == f.dir {
		f.steps = sum.Steps
	}
	if errors.Is(err, train.ErrInterrupted) {
		f.say("go on with: contig-gpu finetune --run %s --resume", f.dir)
	}
	if err == nil {
		f.say("%s: %d steps on %s; best at step %d", name, sum.Steps, sum.Device, sum.BestStep)
	}
	return err
}

// noPairs says that two images of a person may share a batch.
func noPairs(cfg train.Config) train.Config {
	cfg.Model.Pairs = "mask"
	return cfg
}

// progress tells of a training.
func (f *finetuning) progress(e train.Event, name, dir string) {
	switch e.Kind {
	case train.Started:
		if dir == f.dir {
			if err := f.mark(); err != nil {
				f.say("warning: %v", err)
			}
		}
	case train.Stepped:
		f.line.Step(e.Step, e.Total, fmt.Sprintf("%s  epoch %d  loss %.4f  %.1f images/s", name, e.Epoch, e.Loss, e.ImagesPerSecond))
	case train.Validated:
		text := ""
		if j := e.Judged; j != nil {
			best := f.metric()
			if v, ok := j.Metrics[best]; ok {
				text = fmt.Sprintf(", %s %.4f", best, v)
			}
		}
		f.say("epoch %d, step %d: validation loss %.4f%s", e.Epoch, e.Step, e.Loss, text)
	case train.Warned:
		f.say("warning: %s", e.Text)
	case train.Noted, train.Chosen:
		f.say("%s", e.Text)
	}
}

// metric is what the best checkpoint has most of.
func (f *finetuning) metric() string {
	if f.values.best != "" && f.values.best != lossWord {
		return f.values.best
	}
	return finetune.Standard(f.task)
}

// predict fills an outcome by the best checkpoint of a folder, the last where nothing was validated.
func (f *finetuning) predict(ctx context.Context, s *finetune.Study, cfg train.Config, dir string, rows []int, o *outcome) error {
	d, err := train.OpenDevice(cfg, nil)
	if err != nil {
		return err
	}
	defer d.Close()
	path, err := bestOf(dir)
	if err != nil {
		return err
	}
	l, err := checkpoint.LoadIn(path, d, cfg.Precision)
	if err != nil {
		return err
	}
	defer l.Close()
	o.notes = append(o.notes, f.notesOf(filepath.Base(path), l.Step, s))
	for _, to := range []struct {
		split data.Split
		into  *scored
	}{{data.Validation, &o.validation}, {data.Test, &o.test}} {
		src, err := s.Sources(sources(s.Cohort, noPairs(cfg)))(train.Feed{Split: to.split, Raw: d.Async(), Views: 1, NoTables: true})
		if err != nil {
			return err
		}
		if src.Batches() > 0 {
			var found *finetune.Found
			if found, err = finetune.Predict(ctx, l, s, src); err == nil {
				*to.into = f.measured(s, found, rows)
			}
		}
		if err := errors.Join(err, src.Close()); err != nil {
			return err
		}
	}
	return nil
}

// notesOf says which checkpoint predicts.
func (f *finetuning) notesOf(file string, step int, s *finetune.Study) string {
	how := "the last: there is no validation row to choose by"
	if slices.Contains(s.Split, data.Validation) {
		how = "the best of the validation split by " + f.metric()
		if f.values.best == lossWord {
			how = "the best of the validation split by its loss"
		}
	}
	return fmt.Sprintf("Predictions are of %s, of step %d, %s.", file, step, how)
}

// measured returns what a split came to.
func (f *finetuning) measured(s *finetune.Study, found *finetune.Found, rows []int) scored {
	out := scored{task: s.Task.Some(found.Rows), pred: found.Pred, metrics: found.Metrics(s)}
	for _, r := range found.Rows {
		out.rows = append(out.rows, rows[r])
	}
	out.units = measure.UnitsOf(out.task.Person)
	out.results = measure.Intervals(out.metrics, out.units, len(out.rows))
	return out
}

// isForeign reports whether a file is no checkpoint of ours.
func isForeign(err error) bool {
	var p *data.Problem
	return errors.As(err, &p) && p.Code == 709
}

// trainedWord says how the network was trained.
func (f *finetuning) trainedWord() string {
	z := f.values.Freezing
	switch {
	case z.Always:
		return "fine-tuning of a linear head; the encoder stays as it is"
	case z.Epochs > 0:
		return fmt.Sprintf("fine-tuning: a linear head for %s, then encoder and head", counted(z.Epochs, "epoch"))
	}
	return "fine-tuning of encoder and head"
}
