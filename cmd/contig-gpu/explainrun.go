package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/shard"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/train"
)

// An explanation is one `explain`.
type explanation struct {
	set  *explainSettings
	line *progress.Line
	out  io.Writer

	dev     *gpu.Device
	exact   *gpu.Device // a CPU, for float64; nil: dev computes in it
	net     *checkpoint.Loaded
	model   *model.Model
	trained train.Config // of the checkpoint
	cohort  *data.Cohort

	reference, persons []int         // into Cohort.Persons, ascending
	everyone           []int         // persons of all shards; persons where there are none
	same               identity      // of everyone
	shards             []*shard.Part // that merge joins; nil: the persons are explained
	parts              []*part       // by modality explained
	strata             map[int]int   // of persons; nil: one
	work               *work
	maps               []heatMaps
	direction          *direction
	notes              []string // told, and kept for the report; no ids
}

// A part is one modality of an explanation.
type part struct {
	at    int // into Cohort.Tables, and the model's modalities
	name  string
	table data.Table

	reference, persons []int             // who have the modality, ascending
	joined             int               // files of records that shards left; 0: a file a chunk
	image, genetics    [][]float32       // embeddings of reference persons
	imageOf            map[int][]float32 // of persons, likewise
	geneticsOf         map[int][]float32

	found
}

// say prints a line.
func (e *explanation) say(format string, a ...any) { e.line.Print(fmt.Sprintf(format, a...)) }

// note prints a line that the report shows too.
func (e *explanation) note(format string, a ...any) {
	e.notes = append(e.notes, fmt.Sprintf(format, a...))
	e.say(format, a...)
}

func (e *explanation) close() {
	e.line.Done()
	if e.net != nil {
		e.net.Close()
	}
	if e.exact != nil && e.exact != e.dev {
		e.exact.Close()
	}
	if e.dev != nil {
		e.dev.Close()
	}
}

// run explains, and publishes the folder whole. What an interrupted run has finished stays beside it, for --resume.
func (e *explanation) run(ctx context.Context) error {
	if err := e.open(); err != nil {
		return err
	}
	if err := e.choose(); err != nil {
		return err
	}
	for _, read := range []func() error{e.readTables, e.findDirection, e.findStage} {
		if err := read(); err != nil {
			return err
		}
	}
	if err := e.takeShare(); err != nil {
		return err
	}
	room, err := e.plan()
	if err != nil {
		return err
	}
	e.say("%s", deviceText(e.dev, e.precision()))
	e.say("memory: %s", room)
	if e.work, err = e.openWork(); err != nil {
		return err
	}
	err = e.explain(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = e.target().Publish(func(temp string) error { return e.fill(ctx, temp) })
	}
	keep := errors.Is(err, context.Canceled) && e.work.finished() > 0 && e.shards == nil // which are all there
	if keep {
		e.say("%d finished parts are kept; go on with the same command and --resume", e.work.finished())
	}
	if closed := e.work.close(keep); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if s := e.set.share; s != nil {
		e.say("wrote %s: shard %s, %d persons; contig-gpu merge --out FOLDER SHARD... joins all %d", e.set.Out, s, len(e.persons), s.N)
		return nil
	}
	e.conclude()
	return nil
}

// explain makes the embeddings, attributes every chunk that is not finished, sums, tests, and makes heat maps. Of a share of the persons it makes what merge takes
// for all.
func (e *explanation) explain(ctx context.Context) error {
	for _, step := range []func(context.Context) error{e.embed, e.attribute} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if e.set.share != nil {
		return nil
	}
	for i := range e.parts {
		if err := e.sum(ctx, i); err != nil {
			return err
		}
		if err := e.keepTest(ctx, i); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{e.keepClaims, e.explainImages} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *explanation) precision() string {
	if e.net.DType == gpu.F64 {
		return "float64"
	}
	return "float32"
}

// makePrivate makes the folder of files that hold ids.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, privateFolder); err != nil {
		return err
	}
	return os.Chmod(dir, privateFolder) // whatever the umask
}

// target is the folder to make. What it is made from may not lie in it.
func (e *explanation) target() folder.Target {
	s := e.set
	t := folder.Target{Dir: s.Out, Kind: folder.Explanation, Overwrite: s.Overwrite,
		Inputs: []string{s.Run, s.Checkpoint, s.Images, s.Data, s.ImageRoot, s.Genes, s.Names, s.Strata, s.Persons, s.Reference}}
	if s.share != nil {
		t.Kind, t.Mode = folder.Shard, privateFolder
	}
	for _, p := range e.shards {
		t.Inputs = append(t.Inputs, p.Dir)
	}
	return t
}
