package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/loader"
	"contig-gpu/model/build"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

func trainCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "TOML file of these flags; flags win over it"},
		&cli.StringFlag{Name: "run", Usage: "run folder (default: runs/run-N, or runs/demo-N without data)"},
		&cli.BoolFlag{Name: "resume", Usage: "go on from the last checkpoint of --run"},
		&cli.StringFlag{Name: "rerun", Usage: "`RUN` to do again in another folder: its settings and data; flags win over them"},
		&cli.BoolFlag{Name: "overwrite", Usage: "begin anew in a run folder that is in use"},
		&cli.BoolFlag{Name: "tensorboard", Usage: "write an event file for TensorBoard into tensorboard/ of the run, at every validation"},
		&cli.BoolFlag{Name: "quiet", Usage: "print warnings and the result only; train.log has all"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object of what became of it, and nothing else on stdout"},
		&cli.BoolFlag{Name: "dry-run", Usage: "say device, cohort, memory, disk and time, and end before the first step; writes nothing"},
	}
	demo := newSettings(setting.Default)
	demo.fitDemo()
	rows := flags(newSettings(setting.Default).rows(), preset{"paper", newSettings(setting.Paper).rows()}, preset{"demo", demo.rows()})
	return &cli.Command{Name: "train", Usage: "train; without --images and --data on a built-in demo cohort", Flags: slices.Concat(own, rows, inGroup("Ranks", append([]cli.Flag{&cli.StringFlag{Name: "gpus", Usage: "train on so many GPUs of this machine, a rank each, or on all; --batch is of them together"}}, ranksFlags("refuse any other `NUMBER` of ranks than this, under mpirun or srun; 1: alone")...))), Action: trainAction,
		Description: "contig-gpu train                                                       the demo: a result in minutes\n" +
			"contig-gpu train --images images.tsv --data data.toml --run run1 --dry-run   device, memory, disk and time first\n" +
			"contig-gpu train --run run1 --resume                                         after any interruption\n\n" +
			"Defaults are those of --recipe default, and of --recipe paper and the demo (no --images and --data) where they differ.\n" +
			"Flags win over --config, and --config over the defaults. The run's config.toml has every setting as used."}
}

func trainAction(c *cli.Context) error {
	if launched, err := launchRanks(c); launched || err != nil {
		return err
	}
	r := &trainRun{}
	if err := r.meet(c); err != nil {
		return err
	}
	return r.end(c.Context, r.together(func() error { return r.train(c) }))
}

// train is trainAction once all ranks are there.
func (r *trainRun) train(c *cli.Context) (err error) {
	if err := r.team.Together(r.resolve(c)); err != nil {
		return err
	}
	if err := r.alike(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.lock.Release()) }()
	done, err := r.begin(c.Bool("overwrite"))
	if err = r.team.Together(err); err != nil {
		return err
	}
	if done, err = r.team.Any(done); done || err != nil {
		return err
	}
	defer r.closeDevice()
	if err := r.prepare(c.Context); err != nil {
		return err
	}
	if err := r.team.Alike("data", r.cohort.Hash, "other files of data, or another version of them, on these ranks' hosts"); err != nil {
		return err
	}
	summary, err := train.Run(c.Context, r.options(c))
	if errors.Is(err, errDryRun) {
		r.say("dry run: nothing was written; the same command without --dry-run trains")
		return r.object(dryStatus, nil)
	}
	return r.finish(&summary, err)
}

// begin takes the run folder, where this rank has it, and reports whether the run is finished already.
func (r *trainRun) begin(overwrite bool) (done bool, err error) {
	r.start, r.line = time.Now(), progress.New(r.out)
	if !r.first() {
		return false, nil
	}
	if err := r.take(overwrite); err != nil {
		return false, err
	}
	if done, err := r.finished(); done || err != nil {
		return done, err
	}
	if r.resumed && r.demo {
		return false, r.noData()
	}
	r.say("contig-gpu %s", version+revision())
	r.introduce()
	if note := r.lock.Note(); note != "" {
		r.say("%s", note)
	}
	for _, n := range r.notes {
		r.say("%s", n)
	}
	return false, nil
}

// prepare opens device and data. What one of several ranks fails at by itself all hear of before they do the next thing together.
// Of a signal they tell each other before the first step; until then it ends what the first rank does, which may take long.
func (r *trainRun) prepare(ctx context.Context) error {
	if !r.first() {
		ctx = context.WithoutCancel(ctx)
	}
	if err := r.team.Together(r.openDevice()); err != nil {
		return err
	}
	if err := joinRanks(r.team, r.device); err != nil {
		return err
	}
	if err := r.team.Together(r.describeDevice()); err != nil {
		return err
	}
	if err := r.makeDemo(ctx); err != nil {
		return err
	}
	return r.team.Together(r.openData(ctx))
}

// openData opens the cohort and looks at some of it; the first rank reads all of it.
func (r *trainRun) openData(ctx context.Context) error {
	if err := r.enter(); err != nil {
		return err
	}
	if err := r.look(ctx); err != nil || !r.first() {
		return err
	}
	return r.digest(ctx)
}

// options are those of the training itself, which takes the device over.
func (r *trainRun) options(c *cli.Context) train.Options {
	keepWithinMemory(localsOf(r.team))
	o := train.Options{Device: r.device, Approve: r.approve(r.device), Ready: r.team.Together,
		Config: r.cfg, Cohort: r.cohort, NewSource: sourcesBut(r.cohort, r.cfg, r.bad), Bad: r.bad, Dir: r.dir, Lock: r.lock, Resume: c.Bool("resume"), Overwrite: c.Bool("overwrite"),
		InitFrom: r.values.Init, Begun: r.team.Done, Paused: r.team.Pause, Progress: r.told, Version: version, Memory: hostMemory(r.cohort) / localsOf(r.team)}
	if !r.several() { // of several ranks each would decode them all
		o.Scan = loader.NewScan(r.cohort, r.bad)
	}
	r.device = nil
	return o
}

// makeDemo makes the demo's cohort, where that is what is trained on.
func (r *trainRun) makeDemo(ctx context.Context) error {
	if !r.demo {
		return nil
	}
	dir := ""
	if err := r.inTurn(func() (err error) {
		dir, err = demoCohort(ctx, r.say, r.line)
		return err
	}); err != nil {
		return err
	}
	r.values.Images, r.values.Data = filepath.Join(dir, "images.tsv"), filepath.Join(dir, "data.toml")
	return nil
}

// enter opens the cohort and says what is in it.
func (r *trainRun) enter() error {
	if err := r.join(); err != nil {
		return err
	}
	for _, l := range r.cohort.Notes {
		r.say("%s", l)
	}
	for _, l := range joinTable(r.cohort) {
		r.note(l)
	}
	for _, l := range joinFor(r.cohort, progress.Columns(r.out)) {
		if !r.quiet {
			r.line.Print(data.Plain(l))
		}
	}
	return nil
}

// noData is E801: what is resumed has data of its own, and the demo cohort is not to take their place.
func (r *trainRun) noData() error {
	return &data.Problem{Code: config.Code, File: filepath.Join(r.dir, configName), What: "the settings of the run to resume name no data", Expected: "images and data",
		Cause: "the run died before its first step, or the file was lost or cut", Fix: "give --images and --data of the run again, or begin anew without --resume"}
}

// look decodes some of the images, and those that the run has found broken before, and tells what is odd about them; check
// looks at all. Where broken images are skipped they are left to the training.
func (r *trainRun) look(ctx context.Context) error {
	images := append(r.brokenBefore(), sample(r.cohort.Images)...)
	images = slices.DeleteFunc(images, func(im data.Image) bool { return im.Skip })
	for {
		seen, err := lookAt(ctx, images, r.cfg.ImageSize, progress.New(io.Discard), nil)
		var p *data.Problem
		if errors.As(err, &p) && r.cfg.SkipsBad() {
			n := len(images)
			images = slices.DeleteFunc(images, func(im data.Image) bool { return im.Path == p.File })
			if len(images) < n {
				continue
			}
		}
		r.seen = seen
		for _, n := range seen.notes(r.cfg.ImageSize) {
			r.say("%s", n)
		}
		return err
	}
}

// digest reads what the training will read, so that --resume can tell whether it is still the same.
func (r *trainRun) digest(ctx context.Context) (err error) {
	o := cohort.ContentOptions{}
	if dir, err := os.UserCacheDir(); err == nil { // where there is none, all images are read at every start
		o.CacheDir = filepath.Join(dir, "contig-gpu", "images")
	}
	line := progress.New(r.err)
	o.Progress = func(done, images int) {
		line.Count(done, images, "images read, to tell on --resume whether they are the same")
	}
	r.cohort.Content, err = cohort.Content(ctx, r.cohort, o)
	line.Done()
	return err
}

// resolve finds the settings of a training; it touches no file but --config and those of the run that is resumed.
func (r *trainRun) resolve(c *cli.Context) error {
	r.dry, r.quiet, r.events, r.args, r.dir, r.config = c.Bool("dry-run"), c.Bool("quiet"), c.Bool("tensorboard"), commandOf(c), c.String("run"), c.String("config")
	r.out, r.err, r.resumed = c.App.Writer, c.App.ErrWriter, c.Bool("resume")
	if c.Bool("json") {
		r.out, r.json = c.App.ErrWriter, c.App.Writer
	}
	switch {
	case r.resumed && r.dir == "":
		return usagef("train: --resume needs --run")
	case c.String("rerun") != "" && (r.resumed || c.String("config") != ""):
		return usagef("train: --rerun has settings of its own: give no --resume or --config with it")
	case r.resumed && c.Bool("overwrite"):
		return usagef("train: --resume goes on with the run that is there, --overwrite replaces it: give one of them")
	}
	file, err := r.configFile(c)
	if err != nil {
		return err
	}
	if r.values, r.demo, err = resolve(c, file); err != nil {
		return err
	}
	r.rebase(c)
	if r.values.Init, err = checkpointAt(r.values.Init); err != nil {
		return err
	}
	r.cfg = r.values.training()
	if err := r.cfg.Validate(); err != nil {
		return misused("train", err)
	}
	return r.suit()
}

// rebase makes the paths of a run that is done again start where they did, in the folder that its command was given in.
func (r *trainRun) rebase(c *cli.Context) {
	base := readRecord(r.again).Folder
	if r.again == "" || base == "" || r.demo {
		return
	}
	for flag, path := range map[string]*string{"images": &r.values.Images, "data": &r.values.Data, "image-root": &r.values.ImageRoot, "init": &r.values.Init} {
		if *path != "" && !c.IsSet(flag) && !filepath.IsAbs(*path) {
			*path = filepath.Join(base, *path)
		}
	}
}

// configFile reads --config, or the file of the run that is resumed. What that lacks, or all where it is lost, is taken from the
// run's newest checkpoint, which has every setting but paths and those of the machine.
func (r *trainRun) configFile(c *cli.Context) (config.File, error) {
	path := c.String("config")
	if again := c.String("rerun"); again != "" {
		r.again = again
		if err := needRun(again, configName); err != nil {
			return config.File{}, err
		}
		return config.LoadRun(filepath.Join(again, configName))
	}
	if path == "" && !r.resumed {
		return config.File{}, nil
	}
	var file config.File
	var err error
	if path != "" {
		if file, err = config.Load(path); err != nil || !r.resumed {
			return file, err
		}
	} else {
		file, err = config.LoadRun(filepath.Join(r.dir, configName))
	}
	r.standing = train.StandingOf(r.dir)
	switch {
	case r.standing == nil && errors.Is(err, fs.ErrNotExist):
		return config.File{}, nil // there is nothing to resume, or flags say it all
	case r.standing == nil:
		return file, err
	case err != nil:
		r.notes = append(r.notes, configName+" of the run is lost or damaged: settings are the checkpoint's")
		file = config.File{}
	}
	return file.Or(r.standing.Config.Settings()), nil
}

// resolve lays the flags over the file over the defaults, which are those of the recipe or the demo that file and flags ask for.
func resolve(c *cli.Context, file config.File) (s *settings, demo bool, err error) {
	if err := everyTime(c); err != nil {
		return nil, false, err
	}
	lay := func(s *settings) error {
		if err := file.Into(s.rows()); err != nil {
			return err
		}
		return parse(c, s.rows())
	}
	asked := newSettings(setting.Default)
	if err := lay(asked); err != nil {
		return nil, false, err
	}
	if c.Bool("resume") && (asked.Images == "") != (asked.Data == "") && build.UsesTables(asked.Objective) {
		asked.Images, asked.Data = "", "" // the file was cut: noData says so
		return asked, true, nil
	}
	if alone := asked.Images != "" && !build.UsesTables(asked.Objective); (asked.Images == "") != (asked.Data == "") && !alone {
		return nil, false, usagef("train: --images and --data go together; without both the demo cohort is trained on; --objective %s takes --images alone", build.SimCLR)
	}
	s, demo = newSettings(asked.Recipe), asked.Images == ""
	if demo {
		s.fitDemo()
	}
	return s, demo, lay(s)
}

// everyTime turns --checkpoint-every 30m, a time and not a number of steps, into --checkpoint-minutes.
func everyTime(c *cli.Context) error {
	text := c.String("checkpoint-every")
	every, err := time.ParseDuration(text)
	if err != nil || every <= 0 {
		return nil // steps, or what their row refuses
	}
	if c.IsSet("checkpoint-minutes") {
		return usagef("train: --checkpoint-every %s and --checkpoint-minutes say the same thing: give one of them", text)
	}
	return errors.Join(c.Set("checkpoint-minutes", strconv.FormatFloat(every.Minutes(), 'g', -1, 64)), c.Set("checkpoint-every", "0"))
}
