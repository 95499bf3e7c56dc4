package train

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/setting"
)

func mustRecipe(t *testing.T, name string) Config {
	t.Helper()
	c, err := Recipe(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leaves returns pointers to all fields of a struct and of those in it, by the names that JSON gives them; "" is of fields
// that stay out of it.
func leaves(prefix string, v reflect.Value) map[any]string {
	out := map[any]string{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch {
		case v.Field(i).Kind() == reflect.Struct:
			for p, n := range leaves(prefix+name+".", v.Field(i)) {
				out[p] = n
			}
		case name == "-":
			out[v.Field(i).Addr().Interface()] = ""
		default:
			out[v.Field(i).Addr().Interface()] = prefix + name
		}
	}
	return out
}

// TestEveryFieldIsASetting: once, but for the modalities and the head, which come from the data.
func TestEveryFieldIsASetting(t *testing.T) {
	var c Config
	fields, names := leaves("", reflect.ValueOf(&c).Elem()), map[string]bool{}
	delete(fields, &c.Model.Modalities)
	delete(fields, &c.Head) // made of the task
	for _, r := range append(c.Settings(), c.FreezeSettings()...) {
		if _, ok := fields[r.To()]; !ok || names[r.Name] || r.Usage == "" {
			t.Errorf("--%s has no field, no usage, or one of another setting", r.Name)
		}
		delete(fields, r.To())
		names[r.Name] = true
	}
	if len(fields) > 0 {
		t.Errorf("fields without a setting: %v", fields)
	}
}

// TestRecipesStay holds the defaults that runs depend on.
func TestRecipesStay(t *testing.T) {
	want := Config{
		Recipe: "default", Device: "auto", Precision: "auto", Deterministic: true, Objective: "contig",
		Schedule: "cosine", Warmup: 0.05, Clip: 1, Accumulate: 1, Epochs: 101, Batch: 64, ImageSize: 448, Augment: true, Shuffle: true, Seed: 42, Keep: 3, Best: bestRetrieval, Norm: normShare, Gradients: gradientsWhole, Fit: data.FitPad, BadImages: badStop, MaxBad: 0.01,
		Augmentation: data.Augmentation{CropScale: .5, FlipHorizontal: .5, Rotation: 20, Brightness: .2, Contrast: .2, Saturation: .2, BlurSigma: 2},
	}
	want.Model = model.Config{Encoder: "resnet50", Genetics: "h1", Hidden: 2048, Embedding: 128, Tau: 0.1, Lambda: 0.75, Weights: "mean", Pairs: "avoid"}
	o := &want.Optimizer
	o.Name, o.LR, o.WeightDecay, o.Beta1, o.Beta2, o.Eps, o.Momentum = "adamw", 1e-3, 1e-2, 0.9, 0.999, 1e-8, 0.9
	if got := mustRecipe(t, setting.Default); !reflect.DeepEqual(got, want) {
		t.Errorf("default %+v, want %+v", got, want)
	}
	want.Recipe, want.Fit = "paper", data.FitStretch
	want.Augmentation = data.Augmentation{CropScale: 1, FlipHorizontal: .5, Rotation: 20, BlurSigma: 2}
	o.Name, o.WeightDecay, o.DecayAll = "adam", 1e-6, true
	want.Schedule, want.Warmup, want.Clip = "constant", 0, 0
	if got := mustRecipe(t, setting.Paper); !reflect.DeepEqual(got, want) {
		t.Errorf("paper %+v, want %+v", got, want)
	}
}

// without returns the JSON of c less one key, "a.b" that in an object.
func without(t *testing.T, c Config, key string) []byte {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	in, last := all, key
	for {
		head, rest, deeper := strings.Cut(last, ".")
		if !deeper {
			break
		}
		in, last = in[head].(map[string]any), rest
	}
	if _, ok := in[last]; !ok {
		t.Fatalf("%s has no %s", text, key)
	}
	delete(in, last)
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	return text
}

// change gives a setting another value that it may have.
func change(t *testing.T, r setting.Row) {
	t.Helper()
	was := r.Text()
	for _, text := range []string{"false", "true", "0.3", "7", "64", "f64", "resnet34", "linear", "sum", "mask", "sgd", "constant", "cosine", "loss", "stretch", "pad", "paper", "cpu", "simclr", "global", "bf16"} {
		if r.Parse(text) == nil && r.Text() != was {
			return
		}
	}
	t.Fatalf("no other value of --%s", r.Name)
}

// TestCheckpointsOlderThanASetting: what a checkpoint does not name is as in its recipe, in both; a run that has anything
// else goes on only as itself.
func TestCheckpointsOlderThanASetting(t *testing.T) {
	for _, recipe := range []string{setting.Default, setting.Paper} {
		c := mustRecipe(t, recipe)
		c.Model.Modalities = []model.Modality{{Name: "a", Features: 3}}
		keys, tried := leaves("", reflect.ValueOf(&c).Elem()), 0
		for _, r := range c.Settings() {
			key := keys[r.To()]
			if key == "" || r.Name == "recipe" && recipe != setting.Default {
				continue
			}
			tried++
			var was Config
			if err := json.Unmarshal(without(t, c, key), &was); err != nil || !reflect.DeepEqual(was, c) {
				t.Errorf("%s, without %s: %v, %v", recipe, key, err, differences(was, c))
			}
			is := c
			is.Model.Modalities = slices.Clone(c.Model.Modalities)
			all := is.Settings()
			change(t, all[slices.IndexFunc(all, func(x setting.Row) bool { return x.Name == r.Name })])
			want := []string{"--" + r.Name + " was " + r.Text() + ", is " + setting.Of(all, pointer(t, all, r.Name))[0].Text()}
			if r.Name == "epochs" || r.Name == "max-steps" {
				want = nil // a run may become longer
			}
			if got := differences(was, is); !slices.Equal(got, want) {
				t.Errorf("%s, %s: differences %q, want %q", recipe, r.Name, got, want)
			}
		}
		if tried < 40 {
			t.Errorf("%d settings were tried", tried)
		}
	}
}

func pointer(t *testing.T, rows []setting.Row, name string) any {
	t.Helper()
	for _, r := range rows {
		if r.Name == name {
			return r.To()
		}
	}
	t.Fatal(name)
	return nil
}

// TestCheckpointOfNoRecipe: a checkpoint that names a recipe of another program is refused, not read as the default.
func TestCheckpointOfNoRecipe(t *testing.T) {
	for _, text := range []string{`{"recipe":"soup"}`, `{"recipe":3}`, `[]`} {
		if err := json.Unmarshal([]byte(text), new(Config)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// TestResumeOfAnOlderRun: a checkpoint from before there were settings of augmentation goes on to the same bytes.
func TestResumeOfAnOlderRun(t *testing.T) {
	slow(t)
	c := tiny(t)
	c.Epochs, c.Precision = 2, "f32"
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	mustRun(t, options(c, whole))
	o := options(c, parts)
	interrupt(t, o, 3)
	last := CheckpointPath(parts, "last")
	f, err := safetensors.Read(last)
	if err != nil {
		t.Fatal(err)
	}
	old := map[string]any{}
	if err := json.Unmarshal([]byte(f.Metadata["config"]), &old); err != nil {
		t.Fatal(err)
	}
	delete(old, "augmentation")
	delete(old, "fit")
	text, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata["config"] = string(text)
	if err := safetensors.WriteFile(last, f.Tensors, f.Metadata); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	turned := o
	turned.Config.Augmentation.Rotation = 10
	_, err = Run(t.Context(), turned)
	wantCode(t, err, codeConfigDiffers)
	if p := new(data.Problem); !errors.As(err, &p) || p.Found != "--rotation was 20, is 10" {
		t.Errorf("another rotation: %v", err)
	}
	mustRun(t, o)
	sameRuns(t, whole, parts)
}

func TestWarmup(t *testing.T) {
	for warmup, want := range map[float64]int{0: 0, 0.05: 10, 0.5: 100, 2: 2, 200: 200} {
		c := mustRecipe(t, setting.Default)
		if c.Warmup = warmup; c.Validate() != nil || c.schedule(200).Warmup != want {
			t.Errorf("%g of 200 steps: %d (%v), want %d", warmup, c.schedule(200).Warmup, c.Validate(), want)
		}
	}
	for _, warmup := range []float64{1, 1.5, 2.5, -1} {
		c := mustRecipe(t, setting.Default)
		var bad *setting.Error
		if c.Warmup = warmup; !errors.As(c.Validate(), &bad) || bad.Name != "warmup" {
			t.Errorf("%g: %v", warmup, c.Validate())
		}
	}
}
