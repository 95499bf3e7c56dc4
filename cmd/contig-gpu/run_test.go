package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model"
	"contig-gpu/model/optim"
)

// exec runs the program and returns its exit code and what it printed.
func exec(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return execContext(t, context.Background(), args...)
}

func execContext(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = finish(run(ctx, args, &out, &errs), &errs)
	return code, out.String(), errs.String()
}

// must runs the program and fails the test if it fails.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := exec(t, args...)
	if code != 0 {
		t.Fatalf("contig-gpu %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"bench"}, {"train", "--help"}, {"bench", "step", "--help"}} {
		out := must(t, args...)
		if !strings.Contains(out, "USAGE") {
			t.Errorf("%v printed %q", args, out)
		}
	}
	out := must(t)
	for _, verb := range []string{"train", "synth", "check", "embed", "explain", "export", "pgs", "burden", "plan", "bench", "doctor", "version", "completion"} {
		if !strings.Contains(out, "\n   "+verb) {
			t.Errorf("the help does not name %s", verb)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"fly"}, {"--fast"}, {"train", "--fast"}, {"train", "extra"}, {"train", "--batch", "many"}, {"train", "--images", "i.tsv"}, {"train", "--recipe", "cake"},
		{"train", "--encoder", "vgg"}, {"train", "--precision", "f8"}, {"train", "--resume"}, {"train", "--batch", "1"}, {"train", "--join", "left"},
		{"synth"}, {"synth", "--out", "x", "--missing", "snps"}, {"synth", "--out", "x", "--missing", "snps=2"}, {"synth", "--out", "x", "--effect", "7"},
		{"check"}, {"embed"}, {"explain"}, {"plan", "explain", "--method", "x"}, {"plan", "explian"}, {"plan", "explain", "--reference", "1"}, {"export"}, {"export", "--checkpoint", "c"}, {"plan", "--features", "a"}, {"plan", "--memory", "lots"},
		{"plan", "--genetics", "h9"}, {"plan", "--gpu", "gt210"}, {"plan", "--gpu", "h200", "--precision", "f64"}, {"check", "--images", "i", "--data", "d", "--join", "left"}, {"check", "--images", "i", "--data", "d", "--seed", "-1"},
		{"embed", "--checkpoint", "c", "--images", "i", "--data", "d", "--out", "o", "--threads", "-1"}, {"completion", "bash", "zsh"}, {"bench", "leap"}, {"bench", "step", "--windows", "0"}, {"bench", "step", "--threads", "-1"}, {"plan", "--threads", "-1"},
		{"bench", "step", "--missing", "1"}, {"bench", "step", "--batch", "1"}, {"bench", "step", "--input", "cake"}, {"bench", "step", "--device", "cpu", "--input", "raw"}, {"bench", "floor", "--batch", "1"}, {"bench", "loss", "--batch", "x"}, {"bench", "loss", "--tau", "0"}, {"bench", "kernels", "--batch", "0"},
		{"pgs"}, {"pgs", "--genotypes", "g", "--out", "o"}, {"pgs", "--scores", "s", "--out", "o"}, {"pgs", "--scores", "s", "--genotypes", "g"}, {"pgs", "--scores", "s", "--genotypes", "g", "--out", "o", "--min-overlap", "2"},
		{"pgs", "--scores", "s", "--genotypes", "g", "--out", "o", "--positions", "mine"}, {"pgs", "--scores", "s", "--genotypes", "g", "--out", "o", "--threads", "-1"}, {"burden"}, {"burden", "--out", "o"}, {"burden", "--out", "o", "--sets", "s"}, {"burden", "--out", "o", "--sets", "s", "--genotypes", "g", "--rule", "mean"}, {"burden", "--out", "o", "--sets", "s", "--genotypes", "g", "--aaf-bins", "2"},
		{"burden", "--out", "o", "--sets", "s", "--genotypes", "g", "--weights-col", "1"}, {"burden", "--out", "o", "--sets", "s", "--genotypes", "g", "--ref", "middle"}, {"completion", "tcsh"}, {"completion"}, {"plan", "--memory", "1e30"}, {"plan", "--memory", "nan"}, {"plan", "--memory", "0.5"}, {"train", "--crop-scale", "0"}, {"train", "--rotation", "181"},
	} {
		code, _, errs := exec(t, args...)
		if code != 2 || !strings.HasPrefix(errs, "contig-gpu: ") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit code %d, %q", args, code, errs)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"trian"}, `no command "trian", did you mean train?`}, {[]string{"bench", "stepp"}, "did you mean step?"},
		{[]string{"train", "--image_size", "8"}, "unknown flag --image_size, did you mean --image-size?"}, {[]string{"synth", "--person=9"}, "did you mean --persons?"},
		{[]string{"bench", "step", "--bathc", "8"}, "contig-gpu: bench step: unknown flag --bathc, did you mean --batch?; see contig-gpu bench step --help"},
		{[]string{"plan", "--gpus", "four"}, "contig-gpu: plan: --ranks, --gpus: want a whole number from 1 to "},
	} {
		code, _, errs := exec(t, c.args...)
		if code != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, %q, want %q", c.args, code, errs, c.want)
		}
	}
	if _, _, errs := exec(t, "fly"); strings.Contains(errs, "mean") {
		t.Errorf("a proposal from afar: %q", errs)
	}
}

func TestUsageIsSaidInWords(t *testing.T) {
	for want, args := range map[string][]string{
		"train: --batch: want a whole number from 2 to 65536, found 1":                                               {"train", "--batch", "1"},
		`train: --batch: want a whole number from 2 to 65536, found "4.5"`:                                           {"train", "--batch", "4.5"},
		`embed: --join: want outer or inner, found "left"`:                                                           {"embed", "--checkpoint", "c", "--images", "i", "--data", "d", "--out", "o", "--join", "left"},
		`train: --encoder: want resnet18, resnet34, resnet50 or resnet101, found "resnet19", did you mean resnet18?`: {"train", "--encoder", "resnet19"},
		"bench loss: --tau: want a number above 0, found 0":                                                          {"bench", "loss", "--tau", "0"},
		`train: --no-augment: want true or false, behind an equals sign, found "maybe"`:                              {"train", "--no-augment=maybe"},
		`plan: --features: want whole numbers from 1 to 268435456, separated by commas, found "3,x"`:                 {"plan", "--features", "3,x"},
		"whole number of at least 2 (1 could be either), found 1":                                                    {"train", "--warmup", "1"},
		"train: --blur: want a number from 0 to 1, found 1.5":                                                        {"train", "--blur", "1.5"},
		"train: --epochs and --max-steps are both 0":                                                                 {"train", "--epochs", "0"},
		`train: --epochs: want a whole number of at least 0, found "three"`:                                          {"train", "--epochs", "three"},
		"train: --epochs: want a whole number of at least 0, found 3000000000, which is too large":                   {"train", "--epochs", "3000000000"},
		"train: --seed: want a whole number of at least 0, found 99999999999999999999, which is too large":           {"train", "--seed", "99999999999999999999"},
		`train: --lr: want a number of at least 0, found "x"`:                                                        {"train", "--lr", "x"},
		"train: --eps: want a number of at least 0, found 1e31, which is too large":                                  {"train", "--eps", "1e31"},
	} {
		if code, _, errs := exec(t, args...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %q, want %q", args, code, errs, want)
		}
	}
}

func TestErrorsOfFilesHaveNumbers(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{
		{"check", "--images", missing, "--data", missing}, {"train", "--images", missing, "--data", missing, "--run", missing + "-run"},
		{"export", "--checkpoint", missing, "--out", missing + "-out"}, {"train", "--config", missing}, {"train", "--run", missing, "--resume"},
		{"embed", "--checkpoint", missing, "--images", missing, "--data", missing, "--out", missing + "-out"},
		{"synth", "--out", "/proc/none/none"}, {"train", "--run", "/proc/none/none"}, {"bench", "step", "--device", "cuda:0"},
	} {
		code, _, errs := exec(t, args...)
		if code != 1 || !numberedLine(errs) {
			t.Errorf("%v: exit code %d, %q", args, code, errs)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(missing), "*")); err != nil || len(left) != 0 {
			t.Errorf("%v left %v", args, left)
		}
	}
}

func numberedLine(s string) bool {
	rest, ok := strings.CutPrefix(s, "contig-gpu: E")
	number, _, colon := strings.Cut(rest, ":")
	return ok && colon && len(number) == 3 && strings.Trim(number, "0123456789") == ""
}

func TestFinish(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0}, {errors.New("x"), 1}, {usagef("x"), 2}, {interrupt{syscall.SIGINT}, 130}, {interrupt{syscall.SIGTERM}, 143},
		{errors.Join(&os.PathError{Op: "open", Path: "p", Err: syscall.EACCES}), 1},
	} {
		var b bytes.Buffer
		if code := finish(c.err, &b); code != c.code || (c.code == 1) != numberedLine(b.String()) {
			t.Errorf("%v: exit code %d, %q", c.err, code, b.String())
		}
	}
}

// TestPlanForAGPU: with --gpu its memory is what batches are for, and it is said what of its scratch memory is known.
func TestPlanForAGPU(t *testing.T) {
	for batch, want := range map[string][3]bool{"64": {true, false, false}, "100": {false, true, false}} {
		var p memoryPlan
		out := must(t, "plan", "--encoder", "resnet18", "--image-size", "224", "--features", "3", "--gpu", "a100", "--batch", batch, "--json")
		if err := json.Unmarshal([]byte(out), &p); err != nil {
			t.Fatalf("plan %s: %v", out, err)
		}
		a := p.Convolutions
		if a == nil || [3]bool{a.Known > 30, a.Scaled > 30, a.Unknown > 0} != want || a.CuDNN == "" || p.Precision != "bf16" || p.Memory < 40e9 || p.Largest <= 64 {
			t.Errorf("batch %s: %s", batch, out)
		}
	}
}

func TestPlanAndBench(t *testing.T) {
	turn.Share(t)
	var p memoryPlan
	out := must(t, "plan", "--encoder", "resnet18", "--image-size", "32", "--batch", "2", "--features", "3,5", "--hidden", "8", "--memory", "1G", "--device", "cpu", "--json")
	if err := json.Unmarshal([]byte(out), &p); err != nil || p.Parameters < 11e6 || p.Precision != "f32" || len(p.Arenas) < 6 || p.Largest < 2 {
		t.Errorf("plan %s: %v", out, err)
	}
	sum := 0
	for _, h := range append(p.Arenas, p.Host...) {
		sum += h.Bytes
	}
	if sum != p.Total {
		t.Errorf("total %d, sum %d", p.Total, sum)
	}
	t.Setenv("CONTIG_LIBCUDA", "/nowhere/libcuda.so")
	out = must(t, "plan", "--encoder", "resnet18", "--image-size", "64", "--batch", "8", "--chunk", "4", "--device", "cuda", "--json")
	var q memoryPlan
	if err := json.Unmarshal([]byte(out), &q); err != nil || q.Precision != "bf16" || len(q.Notes) != 3 || q.Memory < 1<<36 || !strings.Contains(out, "pinned") {
		t.Errorf("plan %s: %v", out, err)
	}
	var r benchResult
	out = must(t, "bench", "step", "--encoder", "resnet18", "--image-size", "32", "--batch", "2", "--features", "3,5", "--hidden", "8", "--windows", "2", "--seconds", "0", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil || !(r.Rate.Min > 0 && r.Rate.Min <= r.Rate.Median && r.Rate.Median <= r.Rate.Max) || r.Input != "floats" || r.Busy != nil {
		t.Errorf("bench %s: %v", out, err)
	}
}

// TestServe drives the protocol by which another process alternates its windows with ours.
func TestServe(t *testing.T) {
	d, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	cfg := model.Defaults()
	cfg.Encoder, cfg.Hidden, cfg.Modalities = "resnet18", 8, []model.Modality{{Name: "a", Features: 3}}
	s, err := bench.NewStep(d, bench.StepOptions{Model: cfg, Precision: "f32", Batch: 2, ImageSize: 32, Batches: 1, Optimizer: optim.Defaults()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out bytes.Buffer
	if err := serve(context.Background(), strings.NewReader("window 0\nlosses 2\n"), &out, s, &benchResult{Batch: 2}, d); err != nil {
		t.Fatal(err)
	}
	var head benchResult
	var w bench.Window
	var losses []float64
	for i, into := range []any{&head, &w, &losses} {
		line, _ := out.ReadString('\n')
		if err := json.Unmarshal([]byte(line), into); err != nil {
			t.Errorf("line %d is %q: %v", i+1, line, err)
		}
	}
	if head.Batch != 2 || w.Runs != 1 || len(losses) != 2 || out.Len() != 0 {
		t.Errorf("head %+v, window %+v, losses %v, and then %q", head, w, losses, out.String())
	}
	for _, bad := range []string{"go", "window", "losses -1", "dance 3"} {
		if err := serve(context.Background(), strings.NewReader(bad+"\n"), &out, s, &benchResult{}, d); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestDoctorVersionCompletion(t *testing.T) {
	var h health
	if err := json.Unmarshal([]byte(must(t, "doctor", "--json")), &h); err != nil || h.Threads < 1 || len(h.SelfTest) < 4 {
		t.Errorf("doctor: %+v, %v", h, err)
	}
	if out := must(t, "version"); !strings.HasPrefix(out, "contig-gpu "+version) {
		t.Errorf("version printed %q", out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out := must(t, "completion", shell)
		if !strings.Contains(out, "image-size") || !strings.Contains(out, "doctor") {
			t.Errorf("completion for %s lacks words", shell)
		}
	}
}
