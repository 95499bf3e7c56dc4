package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/checkpoint/safetensors"
)

func openCPU(t *testing.T) *gpu.Device {
	t.Helper()
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

// oneStep trains a step and returns the path of its checkpoint.
func oneStep(t *testing.T, change func(*Config)) string {
	t.Helper()
	c := tiny(t)
	c.MaxSteps, c.Keep = 1, 0
	change(&c)
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, options(c, dir))
	return CheckpointPath(dir, "last")
}

func TestExport(t *testing.T) {
	slow(t)
	last := oneStep(t, func(c *Config) { c.EMA = 0.5 })
	dir := t.TempDir()
	torch, all := filepath.Join(dir, "torch"), filepath.Join(dir, "all")
	if _, err := checkpoint.ExportTorchvision(last, torch, nil); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.ExportAll(last, all); err != nil {
		t.Fatal(err)
	}
	ck, tv, full := mustRead(t, last), mustRead(t, torch), mustRead(t, all)
	avg, _ := ck.Lookup("ema.trunk.conv1.weight")
	got, _ := tv.Lookup("conv1.weight")
	if string(avg.Data) != string(got.Data) {
		t.Error("the export is not of the averaged parameters")
	}
	if raw, _ := ck.Lookup("trunk.conv1.weight"); string(avg.Data) == string(raw.Data) {
		t.Error("the averages are the last parameters")
	}
	for _, x := range full.Tensors {
		if strings.HasPrefix(x.Name, "ema.") || strings.HasPrefix(x.Name, "optimizer.") {
			t.Errorf("ExportAll wrote %s", x.Name)
		}
	}
	dev := openCPU(t)
	a, b := mustLoad(t, last, dev), mustLoad(t, all, dev)
	for i, p := range a.Objective.Weights().Params() {
		if string(checkpoint.Encode("", p.Value).Data) != string(checkpoint.Encode("", b.Objective.Weights().Params()[i].Value).Data) {
			t.Fatalf("%s differs between checkpoint and export", p.Name)
		}
	}
	if a.Stats["scores"].Width() != 5 || a.Step != 1 || a.Cohort != "abc" {
		t.Errorf("loaded %+v", a)
	}
	testInit(t, torch, all)
}

func mustRead(t *testing.T, path string) *safetensors.File {
	t.Helper()
	f, err := safetensors.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustLoad(t *testing.T, path string, dev *gpu.Device) *checkpoint.Loaded {
	t.Helper()
	l, err := checkpoint.Load(path, dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// testInit starts trainings from exports.
func testInit(t *testing.T, torch, all string) {
	want, _ := mustRead(t, torch).Lookup("layer1.0.conv1.weight")
	for _, path := range []string{torch, all} {
		o := options(tiny(t), t.TempDir())
		o.InitFrom = path
		tr, err := newTrainer(&o)
		defer tr.close()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range tr.engine.Objective().Weights().Params() {
			if p.Name == "trunk.layer1.0.conv1.weight" && string(checkpoint.Encode("", p.Value).Data) != string(want.Data) {
				t.Errorf("%s: the weights did not arrive", path)
			}
		}
	}
	c := tiny(t)
	c.Model.Encoder = "resnet34"
	o := options(c, filepath.Join(t.TempDir(), "run"))
	o.InitFrom = torch
	_, err := Run(context.Background(), o)
	if p := wantCode(t, err, 706); !strings.Contains(p.Found, "layer1.2.conv1.weight") {
		t.Errorf("found %q", p.Found)
	}
	_, err = checkpoint.Load(torch, openCPU(t))
	wantCode(t, err, 709)
}

func TestNamesAndShapesAreTorchvisions(t *testing.T) {
	slow(t)
	for _, folder := range golden.Folders(t, "torchvision_names") {
		var nets map[string][][]any
		folder.JSON(t, "torchvision_names", &nets)
		for net, entries := range nets {
			t.Run(folder.Name+":"+net, func(t *testing.T) { compareExport(t, net, entries) })
		}
	}
}

// compareExport exports an untrained network and holds every tensor's name, shape and type to want.
func compareExport(t *testing.T, net string, want [][]any) {
	out := filepath.Join(t.TempDir(), "out")
	if _, err := checkpoint.ExportTorchvision(untrained(t, net), out, nil); err != nil {
		t.Fatal(err)
	}
	f := mustRead(t, out)
	types := map[safetensors.DType]string{safetensors.F32: "float32", safetensors.I64: "int64"}
	for _, e := range want {
		x, ok := f.Lookup(e[0].(string))
		if !ok || fmt.Sprint(x.Shape) != fmt.Sprint(e[1]) || types[x.DType] != e[2] {
			t.Errorf("%s: %s %v, want %v", e[0], x.DType, x.Shape, e)
		}
	}
	if len(f.Tensors) != len(want) {
		t.Errorf("%d tensors, want %d", len(f.Tensors), len(want))
	}
}

// untrained writes a checkpoint of a network that was never trained.
func untrained(t *testing.T, net string) string {
	t.Helper()
	c := tiny(t)
	c.Model.Encoder = net
	c.Model.Modalities = []model.Modality{{Name: "any", Features: 2}}
	m, err := model.New(c.Model)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Weights().Place(openCPU(t), gpu.F32); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "checkpoint")
	meta, err := checkpoint.Meta{Config: c, State: state{}, Cohort: &data.Cohort{}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.WriteFile(path, checkpoint.Tensors(m.Weights()), meta); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEmbed(t *testing.T) {
	precisions := []string{"f32", "f64"}
	if testing.Short() {
		precisions = precisions[:1] // f64 takes minutes under the race detector, on the same goroutines
	}
	for _, precision := range precisions {
		l := mustLoad(t, oneStep(t, func(c *Config) { c.Precision = precision }), openCPU(t))
		cohort := testCohort(24)
		src := &memorySource{c: cohort, split: data.Train, batch: 8, size: 32}
		e, err := Embed(context.Background(), l, cohort, src)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Person) != 36 || len(e.Persons) != 18 || len(e.Features[0]) != 512 || len(e.Image[1][35]) != 8 || len(e.PersonFeatures) != 18 {
			t.Fatalf("%d images, %d persons", len(e.Person), len(e.Persons))
		}
		for i, table := range cohort.Tables {
			for j, p := range e.Persons {
				if absent := math.IsNaN(float64(e.PersonGenetics[i][j][0])); absent == table.Has(p) {
					t.Errorf("person %d, %s: absent %v", p, table.Name(), absent)
				}
			}
		}
		if mean := (e.Features[0][3] + e.Features[1][3]) / 2; math.Abs(float64(mean-e.PersonFeatures[0][3])) > 1e-6 {
			t.Error("a person's features are not the mean")
		}
	}
}

func TestEmbedRefusesOtherModalities(t *testing.T) {
	slow(t)
	l := mustLoad(t, oneStep(t, func(*Config) {}), openCPU(t))
	cohort := testCohort(24)
	cohort.Tables = cohort.Tables[:1]
	if _, err := Embed(context.Background(), l, cohort, &memorySource{c: cohort, batch: 8, size: 32}); err == nil {
		t.Error("no error")
	}
}
