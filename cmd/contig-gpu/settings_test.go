package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// resolved returns the settings of `train` with the given flags over a file, or none where it is empty.
func resolved(t *testing.T, file string, args ...string) (s *settings, demo bool, err error) {
	t.Helper()
	app := &cli.App{Name: "contig-gpu", Commands: []*cli.Command{trainCommand()}, ExitErrHandler: func(*cli.Context, error) {}}
	app.Commands[0].Action = func(c *cli.Context) error {
		f := config.File{}
		if file != "" {
			path := filepath.Join(t.TempDir(), "c.toml")
			if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
				return err
			}
			if f, err = config.Load(path); err != nil {
				return err
			}
		}
		s, demo, err = resolve(c, f)
		return err
	}
	err = app.Run(append([]string{"contig-gpu", "train"}, args...))
	return s, demo, err
}

// others gives every setting another value than its default, if it can be one of neither recipe.
func others(t *testing.T) *settings {
	t.Helper()
	s, d, p := newSettings(setting.Default), newSettings(setting.Default).rows(), newSettings(setting.Paper).rows()
	for i, r := range s.rows() {
		if r.Name == "recipe" {
			continue
		}
		done := false
		for _, text := range []string{"cpu", "true", "false", "0.3", "7", "64", "f64", "resnet34", "linear", "sum", "mask", "sgd", "loss", "inner", "some \"path\"", "stretch", "cosine", "constant", "simclr", "skip", "global", "bf16"} {
			if done = r.Parse(text) == nil && r.Text() != d[i].Text() && r.Text() != p[i].Text(); done {
				break
			}
		}
		if !done && (p[i].Text() == d[i].Text() || r.Parse(p[i].Text()) != nil) { // where there are but two, that of paper
			t.Fatalf("no other value of --%s", r.Name)
		}
	}
	return s
}

// TestEverySettingIsAFlagAndAKey: all of them reach their fields by either way, and a flag wins over the file.
func TestEverySettingIsAFlagAndAKey(t *testing.T) {
	want := others(t)
	var args []string
	var text, defaults strings.Builder
	for _, r := range want.rows() {
		args = append(args, "--"+r.Name+"="+r.Text())
	}
	if err := errors.Join(want.write(&text), newSettings(setting.Default).write(&defaults)); err != nil {
		t.Fatal(err)
	}
	for what, get := range map[string]func() (*settings, bool, error){
		"file": func() (*settings, bool, error) { return resolved(t, text.String()) }, "flags": func() (*settings, bool, error) { return resolved(t, "", args...) },
		"flags over file": func() (*settings, bool, error) { return resolved(t, defaults.String(), args...) },
	} {
		if got, demo, err := get(); err != nil || demo || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, demo %v\ngot  %+v\nwant %+v", what, err, demo, got, want)
		}
	}
	names, fields := map[string]bool{}, map[any]bool{}
	for _, r := range want.rows() {
		if names[r.Name] || fields[r.To()] {
			t.Errorf("--%s or its field is there twice", r.Name)
		}
		names[r.Name], fields[r.To()] = true, true
	}
	for v, i := reflect.ValueOf(want).Elem(), 1; i < v.NumField(); i++ { // 0 is the training's
		if p := v.Field(i).Addr().Interface(); !fields[p] {
			t.Errorf("field %s has no row", v.Type().Field(i).Name)
		}
	}
}

// TestLayers: flags over file over demo over recipe.
func TestLayers(t *testing.T) {
	s, demo, err := resolved(t, "recipe = \"paper\"\nclip = 3\nbatch = 8\n", "--clip", "4", "--images", "i", "--data", "d")
	if err != nil || demo || s.Recipe != "paper" || s.Clip != 4 || s.Batch != 8 || s.Optimizer.Name != "adam" || s.ImageSize != 448 || !s.Augment {
		t.Errorf("%+v, demo %v, %v", s, demo, err)
	}
	if s, demo, err = resolved(t, "recipe = \"paper\"\n", "--recipe", "default", "--epochs", "2"); err != nil || !demo || s.Recipe != "default" || s.Epochs != 2 || s.ImageSize != 48 || s.Augment {
		t.Errorf("%+v, demo %v, %v", s, demo, err)
	}
	if s, _, err = resolved(t, "no-augment = false\n", "--crop-scale", "0.2", "--recipe", "paper"); err != nil || !s.Augment || s.Augmentation.CropScale != 0.2 || s.Augmentation.Rotation != 20 || s.Fit != data.FitStretch {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestSteps: --steps stands in place of epochs, within --max-steps.
func TestSteps(t *testing.T) {
	for _, c := range []struct{ steps, limit, epochs, max int }{{0, 0, 101, 0}, {0, 5, 101, 5}, {7, 0, 0, 7}, {7, 5, 0, 5}, {4, 5, 0, 4}} {
		s := newSettings(setting.Default)
		s.Steps, s.MaxSteps = c.steps, c.limit
		if got := s.training(); got.Epochs != c.epochs || got.MaxSteps != c.max {
			t.Errorf("%+v: %d epochs, at most %d steps", c, got.Epochs, got.MaxSteps)
		}
	}
}

// TestHelpOfTrain: every setting is told, with what paper and demo have else.
func TestHelpOfTrain(t *testing.T) {
	out := strings.Join(strings.Fields(must(t, "train", "--help-all")), " ")
	for _, r := range newSettings(setting.Default).rows() {
		if !strings.Contains(out, "--"+r.Name+" ") {
			t.Errorf("the help lacks --%s", r.Name)
		}
	}
	for _, want := range []string{"(default: 448; demo: 48)", "(default: 101; demo: 8)", "(default: adamw; paper: adam)", "(default: false; demo: true)", "(default: 0.05; paper: 0)", "(default: resnet50; demo: resnet18)",
		"with at least 2 rows in the batch", "image encoder: resnet18, resnet34, resnet50 or resnet101"} {
		if !strings.Contains(out, want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}

// TestAugmentationIsDocumented: docs/run-folder.md has the defaults of both recipes of everything that varies images.
func TestAugmentationIsDocumented(t *testing.T) {
	text := string(read(t, "..", "..", "docs", "run-folder.md"))
	standard, paper, n := newSettings(setting.Default).rows(), newSettings(setting.Paper).rows(), 0
	for i, r := range standard {
		if r.Group != "Augmentation" || r.Name == "image-size" || r.Bool() {
			continue
		}
		n++
		row := regexp.MustCompile("(?m)^\\| `--" + r.Name + "` \\| .* \\| (\\S+) \\| (\\S+) \\|$").FindStringSubmatch(text)
		if row == nil || row[1] != r.Text() || row[2] != paper[i].Text() {
			t.Errorf("--%s: %q, want %s and %s", r.Name, row, r.Text(), paper[i].Text())
		}
	}
	if n < 10 {
		t.Errorf("%d settings", n)
	}
}

// TestShapes: what verbs without data plan and measure is train's, but for what they say themselves.
func TestShapes(t *testing.T) {
	s, paper := newShapeSettings(), newSettings(setting.Paper)
	if s.ImageSize != 224 || s.Batch != 64 || s.Optimizer != paper.Optimizer || s.Model.Tau != 0.1 || s.Features == "" {
		t.Errorf("%+v", s)
	}
	for _, rows := range [][]setting.Row{newPlanSettings().rows(), newStepSettings().rows(), newLossSettings().rows(), newKernelSettings().rows(), s.rows(), paper.cohortRows()} {
		names := map[string]bool{}
		for _, r := range rows {
			if names[r.Name] || r.Group != "" {
				t.Errorf("--%s is there twice, or under a heading", r.Name)
			}
			names[r.Name] = true
		}
		if err := setting.Check(rows); err != nil {
			t.Error(err)
		}
	}
}

// TestLoaderOptions: training images alone are varied, by the settings and not by the recipe's name.
func TestLoaderOptions(t *testing.T) {
	c := newSettings(setting.Paper).training()
	c.Augmentation.Blur = 0.25
	for _, x := range []struct {
		feed    train.Feed
		augment bool
		want    data.Augmentation
	}{{train.Feed{Train: true}, true, c.Augmentation}, {train.Feed{Train: true}, false, data.Augmentation{}}, {train.Feed{Split: data.Test}, true, data.Augmentation{}}} {
		c.Augment = x.augment
		if o := loaderOptions(c, x.feed); o.Augment != x.want || o.Fit != data.FitStretch || o.Split != x.feed.Split || !o.OneImagePerGroup {
			t.Errorf("%+v, augment %v: %+v", x.feed, x.augment, o)
		}
	}
	c.Model.Pairs = "mask"
	if o := loaderOptions(c, train.Feed{}); o.OneImagePerGroup || !reflect.DeepEqual(o.Augment, loader.Options{}.Augment) {
		t.Errorf("%+v", o)
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "16G": 16 << 30, "512m": 512 << 20, "1.5K": 1536, "2TB": 2 << 40, "7b": 7, "9223372036854774784": 9223372036854774784} {
		if n, err := parseBytes(text); err != nil || n != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "G", "-1", "0", "0.5", "1e30", "1e30G", "9223372036854775808", "8388608T", "1e400", "nan", "inf", "infG", "1GG", "lots"} {
		if n, err := parseBytes(text); err == nil {
			t.Errorf("%q is %d bytes", text, n)
		}
	}
}

// TestKeysOfFilesThatAreWrong: an unknown key, a wrong type and a value out of range are E801 with the line.
func TestKeysOfFilesThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{"batch = 8\nbatsch = 9": `did you mean "batch"`, "batch = 8\nrotation = 200": "a number from 0 to 180", "batch = 8\nfit = \"crop\"": "pad or stretch", "batch = 8\nwarmup = 1": "found"} {
		_, _, err := resolved(t, text)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != config.Code || p.Line != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
