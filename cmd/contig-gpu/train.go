package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

func trainCommand() *cli.Command {
	d, p := recipe("default"), recipe("paper")
	own := []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "TOML file of these flags; flags win over it"},
		&cli.StringFlag{Name: "run", Usage: "run folder (default: runs/run-N, or runs/demo-N without data)"},
		&cli.BoolFlag{Name: "resume", Usage: "go on from the last checkpoint of --run"},
		&cli.BoolFlag{Name: "overwrite", Usage: "begin anew in a run folder that is in use"},
	}
	all := append(own, flags("", trainSettings()[:1])...)
	all = append(all, flags("Data and length", runSettings(d, p))...)
	all = append(all, flags("Model and loss", modelSettings())...)
	all = append(all, flags("Optimiser", optimSettings(d, p))...)
	all = append(all, flags("Machine", machineSettings())...)
	return &cli.Command{Name: "train", Usage: "train; without --images and --data on a built-in demo cohort", Flags: all, Action: trainAction,
		Description: "Defaults are those of recipe default; recipe paper has others, which the run's config.toml shows."}
}

func trainAction(c *cli.Context) error {
	r, err := newRun(c)
	if err != nil {
		return err
	}
	if err := train.CheckDir(r.dir, r.resumed, c.Bool("overwrite")); err != nil {
		return err
	}
	r.say("contig-gpu %s", version+revision())
	if r.demo {
		dir, err := demoCohort(c.Context, r.say)
		if err != nil {
			return err
		}
		r.values["images"], r.values["data"] = filepath.Join(dir, "images.tsv"), filepath.Join(dir, "data.toml")
	}
	if r.cohort, err = openCohort(r.values, nil); err != nil {
		return err
	}
	for _, n := range r.cohort.Notes {
		r.say("%s", n)
	}
	for _, l := range joinTable(r.cohort) {
		r.say("%s", l)
	}
	if err := r.look(c.Context); err != nil {
		return err
	}
	keepWithinMemory()
	summary, err := train.Run(c.Context, train.Options{
		Config: r.cfg, Cohort: r.cohort, NewSource: sources(r.cohort, r.cfg), Dir: r.dir, Resume: c.Bool("resume"), Overwrite: c.Bool("overwrite"),
		InitFrom: r.values.Text("init"), Progress: r.progress, Version: version, Memory: hostMemory(r.cohort),
	})
	return r.finish(&summary, err)
}

// look decodes some of the images and tells what is odd about them; check looks at all.
func (r *trainRun) look(ctx context.Context) error {
	size := r.values.Int("image-size")
	seen, err := lookAt(ctx, sample(r.cohort.Images), size, progress.New(io.Discard))
	for _, n := range seen.notes(size) {
		r.say("%s", n)
	}
	return err
}

// newRun resolves the settings of a training; it touches no file but --config.
func newRun(c *cli.Context) (*trainRun, error) {
	settings := trainSettings()
	path := c.String("config")
	if path == "" && c.Bool("resume") && c.String("run") != "" {
		path = filepath.Join(c.String("run"), configName)
		if _, err := os.Stat(path); err != nil {
			path = "" // the checkpoint is missing too, or says what differs
		}
	}
	file := config.Values{}
	var err error
	if path != "" {
		if file, err = config.Load(path, settings); err != nil {
			return nil, err
		}
	}
	flags := given(c, settings)
	images, data := config.Resolve(settings, file, flags).Text("images"), config.Resolve(settings, file, flags).Text("data")
	if (images == "") != (data == "") {
		return nil, usagef("train: --images and --data go together; without both the demo cohort is trained on")
	}
	r := &trainRun{dir: c.String("run"), demo: images == "", out: c.App.Writer, err: c.App.ErrWriter, resumed: c.Bool("resume")}
	if r.demo {
		file = under(demoValues(), file)
	}
	r.values = config.Resolve(settings, file, flags)
	if r.resumed && r.dir == "" {
		return nil, usagef("train: --resume needs --run")
	}
	if r.cfg, err = trainConfig(r.values); err != nil {
		return nil, err
	}
	r.begin()
	return r, nil
}

// under lays over on top of base.
func under(base, over config.Values) config.Values {
	for k, v := range over {
		base[k] = v
	}
	return base
}

// trainConfig turns settings into train's own form and checks them.
func trainConfig(v config.Values) (train.Config, error) {
	c, err := train.Recipe(v.Text("recipe"))
	if err != nil {
		return c, usagef("train: %v", err)
	}
	c.Device, c.Threads, c.Precision, c.Model = v.Text("device"), v.Int("threads"), v.Text("precision"), modelConfig(v)
	c.Deterministic = v.Is("deterministic")
	o := &c.Optimizer
	o.Name, o.LR, o.WeightDecay, o.DecayAll = v.Text("optimizer"), v.Number("lr"), v.Number("weight-decay"), v.Is("decay-all")
	o.Beta1, o.Beta2, o.Eps, o.Momentum, o.Nesterov = v.Number("beta1"), v.Number("beta2"), v.Number("eps"), v.Number("momentum"), v.Is("nesterov")
	c.Schedule, c.Warmup, c.FinalLR, c.Clip = v.Text("schedule"), v.Number("warmup"), v.Number("final-lr"), v.Number("clip")
	c.Accumulate, c.EMA = v.Int("accumulate"), v.Number("ema")
	c.Epochs, c.MaxSteps, c.Batch, c.ImageSize = v.Int("epochs"), v.Int("max-steps"), v.Int("batch"), v.Int("image-size")
	c.Chunk = v.Int("chunk")
	if n := v.Int("steps"); n > 0 {
		c.Epochs, c.MaxSteps = 0, n
		if m := v.Int("max-steps"); m > 0 {
			c.MaxSteps = min(n, m)
		}
	}
	c.Augment, c.Shuffle, c.Workers, c.Seed = !v.Is("no-augment"), !v.Is("no-shuffle"), v.Int("workers"), uint64(v.Int("seed"))
	c.CheckpointEvery, c.Keep, c.Best = v.Int("checkpoint-every"), v.Int("keep"), v.Text("best")
	if err := validateData(v); err != nil {
		return c, err
	}
	if v.Int("steps") < 0 {
		return c, usagef("train: --steps must not be negative")
	}
	if err := c.Validate(); err != nil {
		return c, usagef("train: %v", err)
	}
	return c, nil
}

// freeRun returns the first of runs/KIND-1, runs/KIND-2, ... that does not exist.
func freeRun(kind string) string {
	for n := 1; ; n++ {
		dir := filepath.Join("runs", fmt.Sprintf("%s-%d", kind, n))
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return dir
		}
	}
}
