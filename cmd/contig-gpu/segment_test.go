package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint/safetensors"

	"golang.org/x/image/bmp"
)

// maskedCohort is a synthetic cohort with masks.
func maskedCohort(t *testing.T, persons, size, seed string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cohort")
	must(t, "synth", "--out", dir, "--persons", persons, "--image-size", size, "--snps", "0", "--pgs", "2", "--burden", "0", "--covariates", "0", "--masks", "--seed", seed)
	return dir
}

// toSegment are the words of a segmentation of a cohort, of a small network from scratch.
func toSegment(cohort, run string, more ...string) []string {
	return append([]string{"segment", "--images", filepath.Join(cohort, "images.tsv"), "--masks", filepath.Join(cohort, "masks.tsv"), "--run", run, "--encoder", "resnet18", "--device", "cpu"}, more...)
}

func segmentMetricsOf(t *testing.T, run string) (m segmentMetrics) {
	t.Helper()
	mustDo(t, json.Unmarshal(read(t, run, "metrics.json"), &m))
	return m
}

// TestSegment finds the optic disc of synthetic photographs, to a Dice of 0.9 or more on persons that the training has not seen, and leaves what it says it leaves.
func TestSegment(t *testing.T) {
	turn.Share(t)
	cohort, run := maskedCohort(t, "60", "96", "3"), filepath.Join(t.TempDir(), "seg")
	out := must(t, toSegment(cohort, run, "--classes", "disc", "--image-size", "64", "--batch", "8", "--epochs", "20", "--freeze-epochs", "0", "--lr", "0.005")...)
	m := segmentMetricsOf(t, run)
	dice := m.Metrics["dice"]
	if dice.Value == nil || !(*dice.Value >= 0.9) || !(*dice.Low < *dice.Value && *dice.Value < *dice.High) {
		t.Errorf("dice is %+v", dice)
	}
	if m.Task != "segment" || m.Target != "disc" || m.Split != "test" || m.N != 24 || m.Persons != 12 || m.Known["disc"] != 24 || m.Checkpoint != "best" || m.Metrics["iou_pooled"].Value == nil {
		t.Errorf("%+v", m)
	}
	lines := strings.Split(strings.TrimSpace(string(read(t, run, "private/predictions.tsv"))), "\n")
	if len(lines) != 1+24 {
		t.Fatalf("%d lines of predictions", len(lines))
	}
	page := string(read(t, run, reportName))
	for _, l := range lines[1:] {
		f := strings.Split(l, "\t")
		if strings.Contains(page, f[0]) || strings.Contains(page, f[1]) || strings.Contains(out, f[0]) {
			t.Errorf("%s is in the report or was printed", f[0])
		}
		got, err := png.Decode(bytes.NewReader(read(t, run, "private", f[3])))
		if err != nil || got.Bounds() != image.Rect(0, 0, 96, 96) {
			t.Errorf("%s is %v, %v", f[3], got.Bounds(), err)
		}
	}
	if strings.Contains(page, "<img") || strings.Contains(page, "data:image") {
		t.Error("the report shows a participant's image")
	}
	overlays, err := filepath.Glob(filepath.Join(run, "private", overlaysFolder, "*.png"))
	if err != nil || len(overlays) != 24 {
		t.Errorf("%d overlays, %v", len(overlays), err)
	}
	for name, mode := range map[string]os.FileMode{"private": 0o700, "private/masks/disc": 0o700, "private/predictions.tsv": 0o600, "private/" + strings.Split(lines[1], "\t")[3]: 0o600} {
		if st, err := os.Stat(filepath.Join(run, name)); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
}

// TestSegmentResume: a segmentation that was interrupted, while the encoder is frozen or after, ends with the same bytes as one that was not; masks that have changed since are refused.
func TestSegmentResume(t *testing.T) {
	turn.Share(t)
	cohort, dir := maskedCohort(t, "16", "32", "1"), t.TempDir()
	settings := []string{"--image-size", "32", "--batch", "8", "--epochs", "4", "--freeze-epochs", "2", "--thaw-lr", "0.0005"}
	whole := filepath.Join(dir, "whole")
	must(t, toSegment(cohort, whole, settings...)...)
	for name, after := range map[string]string{"frozen": "step 2: validation", "thawed": "step 6: validation"} {
		run := filepath.Join(dir, name)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := &stopper{after: after, stop: func() { cancel(interrupt{syscall.SIGTERM}) }}
		var errs bytes.Buffer
		if code := finish(program(ctx, toSegment(cohort, run, settings...), stop, &errs), &errs); code != 143 {
			t.Fatalf("%s: exit code %d, %s", name, code, errs.String())
		}
		if _, err := os.Stat(filepath.Join(run, "metrics.json")); err == nil {
			t.Errorf("%s: the test split was read before the end", name)
		}
		must(t, "segment", "--run", run, "--resume")
		for _, file := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors", "metrics.json", "private/predictions.tsv"} {
			if !bytes.Equal(read(t, whole, file), read(t, run, file)) {
				t.Errorf("%s: %s differs", name, file)
			}
		}
	}
	page := read(t, whole, reportName)
	if code, _, _ := exec(t, "report", whole); code != 2 || !bytes.Equal(page, read(t, whole, reportName)) {
		t.Errorf("report: exit code %d, or it has replaced the page", code)
	}
	change(t, filepath.Join(cohort, "masks.tsv"), func(b []byte) []byte {
		at := bytes.Index(b, []byte("masks/vessels"))
		end := at + bytes.IndexByte(b[at:], '\n')
		return append(append(bytes.Clone(b[:at]), "empty"...), b[end:]...)
	})
	if code, _, errs := exec(t, "segment", "--run", whole, "--resume", "--epochs", "5"); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E702: ") || !strings.Contains(errs, "masks") {
		t.Errorf("changed masks: exit code %d, %s", code, errs)
	}
}

// TestSegmentBadInput: what is wrong with masks is one error with its number, before anything is trained.
func TestSegmentBadInput(t *testing.T) {
	cohort := maskedCohort(t, "12", "32", "2")
	first := func(name string) []byte { return read(t, cohort, name) }
	masks, manifest := first("masks.tsv"), first("images.tsv")
	rows := strings.Split(strings.TrimSpace(string(masks)), "\n")
	field := func(row, k int) string { return strings.Split(rows[row], "\t")[k] }
	small := func(path string) {
		var b bytes.Buffer
		mustDo(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 31, 32))))
		mustDo(t, os.WriteFile(path, b.Bytes(), 0o600))
	}
	mask := filepath.Join(cohort, filepath.FromSlash(field(1, 2)))
	whole := read(t, mask)
	for name, c := range map[string]struct {
		spoil func()
		words []string
		want  string
	}{
		"size":      {func() { small(mask) }, nil, "contig-gpu: E1053: "},
		"broken":    {func() { mustDo(t, os.WriteFile(mask, whole[:30], 0o600)) }, nil, "contig-gpu: E1052: "},
		"no file":   {func() { mustDo(t, os.Remove(mask)) }, nil, "contig-gpu: E1052: "},
		"strangers": {func() { change(t, filepath.Join(cohort, "masks.tsv"), replace("images/", "photographs/")) }, nil, "contig-gpu: E1051: "},
		"class":     {func() {}, []string{"--classes", "disk"}, "contig-gpu: E1050: "},
		"one split": {func() {
			change(t, filepath.Join(cohort, "masks.tsv"), func([]byte) []byte { return []byte(strings.Join(rows[:2], "\n") + "\n") })
		}, nil, "contig-gpu: E1054: "},
		"image size": {func() {}, []string{"--image-size", "48"}, "contig-gpu: segment: --image-size"},
		"foreground": {func() {
			change(t, filepath.Join(cohort, "masks.tsv"), func(b []byte) []byte { return append([]byte("# foreground = white\n"), b...) })
		}, nil, "contig-gpu: E1050: "},
	} {
		c.spoil()
		run := filepath.Join(t.TempDir(), "seg")
		code, _, errs := exec(t, append(toSegment(cohort, run, "--image-size", "32", "--batch", "4", "--epochs", "1"), c.words...)...)
		if code == 0 || !strings.HasPrefix(errs, c.want) {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
		if _, err := os.Stat(run); err == nil {
			t.Errorf("%s: it left a run folder", name)
		}
		mustDo(t, errors.Join(os.WriteFile(mask, whole, 0o600), os.WriteFile(filepath.Join(cohort, "masks.tsv"), masks, 0o600), os.WriteFile(filepath.Join(cohort, "images.tsv"), manifest, 0o600)))
	}
}

// TestSegmentOfNothing: a class that is in no image, which the network learns not to predict, has no Dice, and says so; one that is known of few images is scored by these.
func TestSegmentOfNothing(t *testing.T) {
	cohort, run := maskedCohort(t, "16", "32", "4"), filepath.Join(t.TempDir(), "seg")
	change(t, filepath.Join(cohort, "masks.tsv"), func(b []byte) []byte {
		text, discs := "", 0
		for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
			f := strings.Split(l, "\t")
			switch {
			case f[1] == "vessels":
				l = f[0] + "\tvessels\tempty"
			case f[1] == "disc":
				if discs++; discs%3 == 0 {
					continue
				}
			}
			text += l + "\n"
		}
		return []byte(text)
	})
	must(t, toSegment(cohort, run, "--image-size", "32", "--batch", "4", "--epochs", "6", "--freeze-epochs", "0", "--lr", "0.01")...)
	m := segmentMetricsOf(t, run)
	if v := m.Metrics["dice.vessels"]; m.Empty["vessels"] != m.N || v.Value == nil && v.Undefined == "" || v.Value != nil && *v.Value != 0 {
		t.Errorf("%+v of %d images: %+v", v, m.N, m.Empty)
	}
	if m.Known["disc"] >= m.N || m.Known["disc"] == 0 || m.Known["vessels"] != m.N {
		t.Errorf("known are %v of %d", m.Known, m.N)
	}
	if strings.Contains(string(read(t, run, "metrics.json")), "NaN") || !strings.Contains(string(read(t, run, "private/predictions.tsv")), "\tNA\t") {
		t.Error("what is unknown is not NA")
	}
}

// TestSegmentEmulated: steps on the emulated GPU, with the encoder frozen and not, recorded and replayed, are those of the CPU; and its last batch of an evaluation, which is filled up, is scored by the images that it has.
func TestSegmentEmulated(t *testing.T) {
	gputest.Long(t)
	if !emulated(t) {
		return
	}
	cohort, dir := maskedCohort(t, "14", "32", "1"), t.TempDir()
	losses := map[string][]float64{}
	var metrics []segmentMetrics
	for _, device := range []string{"cpu", "cuda"} {
		run := filepath.Join(dir, device)
		must(t, append(toSegment(cohort, run, "--precision", "f32", "--image-size", "32", "--batch", "4", "--epochs", "2", "--freeze-epochs", "1", "--clip", "0"), "--device", device)...)
		for l := range strings.Lines(string(read(t, run, metricsName))) {
			var line struct {
				Kind string
				Loss float64
			}
			mustDo(t, json.Unmarshal([]byte(l), &line))
			losses[device] = append(losses[device], line.Loss)
		}
		metrics = append(metrics, segmentMetricsOf(t, run))
	}
	if len(losses["cpu"]) < 6 || len(losses["cpu"]) != len(losses["cuda"]) {
		t.Fatalf("%v", losses)
	}
	for i, want := range losses["cpu"] {
		if got := losses["cuda"][i]; !(math.Abs(got-want) <= 2e-3*want) {
			t.Errorf("line %d: the loss is %v on the emulated GPU and %v on the CPU", i, got, want)
		}
	}
	if metrics[0].N != metrics[1].N || metrics[0].Known["disc"] != metrics[1].Known["disc"] {
		t.Errorf("%+v and %+v", metrics[0], metrics[1])
	}
	half := filepath.Join(dir, "half")
	must(t, append(toSegment(cohort, half, "--image-size", "32", "--batch", "4", "--max-steps", "2", "--freeze-epochs", "0"), "--device", "cuda")...)
	if got := string(read(t, half, metricsName)); strings.Contains(got, "null") {
		t.Errorf("in 16 bits: %s", got)
	}
}

// TestSegmentFrozen: an encoder that is frozen throughout is, to the byte, that of the checkpoint, its running averages too; and embed and export take it out.
func TestSegmentFrozen(t *testing.T) {
	cohort, dir := maskedCohort(t, "12", "32", "1"), t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	short := []string{"--image-size", "32", "--batch", "4"}
	must(t, toSegment(cohort, first, append(short, "--epochs", "1", "--freeze-epochs", "0")...)...)
	must(t, toSegment(cohort, second, append(short, "--epochs", "2", "--freeze-epochs", "2", "--checkpoint", first, "--seed", "9")...)...)
	tensors := func(path string) map[string][]byte {
		f, err := safetensors.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][]byte{}
		for _, x := range f.Tensors {
			out[x.Name] = x.Data
		}
		return out
	}
	was, is, n := tensors(filepath.Join(first, "checkpoints", "best.safetensors")), tensors(filepath.Join(second, "checkpoints", "last.safetensors")), 0
	for name, v := range was {
		if !strings.HasPrefix(name, model.TrunkPrefix) {
			continue
		}
		if n++; !bytes.Equal(v, is[name]) {
			t.Errorf("%s has changed", name)
		}
	}
	if n < 100 || bytes.Equal(was["out.weight"], is["out.weight"]) {
		t.Errorf("%d tensors of the encoder were compared, and the last layer is the same: %v", n, bytes.Equal(was["out.weight"], is["out.weight"]))
	}
	must(t, "embed", "--checkpoint", second+"/checkpoints/last.safetensors", "--images", cohort+"/images.tsv", "--out", filepath.Join(dir, "features"), "--device", "cpu")
	must(t, "export", "--checkpoint", second+"/checkpoints/last.safetensors", "--out", filepath.Join(dir, "encoder.safetensors"))
	third := filepath.Join(dir, "third")
	must(t, toSegment(cohort, third, append(short, "--epochs", "1", "--freeze-epochs", "1", "--weights", filepath.Join(dir, "encoder.safetensors"))...)...)
	for name, v := range tensors(filepath.Join(third, "checkpoints", "last.safetensors")) {
		if strings.HasPrefix(name, model.TrunkPrefix) && !bytes.Equal(v, is[name]) {
			t.Errorf("%s is not that of the exported weights", name)
		}
	}
}

// TestSegmentPalm: masks of PALM as people have them, BMP in which 0 is the class, none for an image without a lesion, go through manifest to the counts of pixels that are in them.
func TestSegmentPalm(t *testing.T) {
	cohort, dir := maskedCohort(t, "14", "32", "5"), t.TempDir()
	pixels, palm := map[string]string{}, filepath.Join(dir, "PALM")
	for i, l := range strings.Split(strings.TrimSpace(string(read(t, cohort, "masks.tsv"))), "\n")[1:] {
		f := strings.Split(l, "\t")
		split := []string{"Training", "Training", "Validation", "Testing"}[i/2%4]
		stem := fmt.Sprintf("P%04d", i/2)
		putFile(t, palm, split+"/Images/"+stem+".jpg", string(read(t, cohort, f[0])))
		if f[2] == "empty" {
			continue
		}
		m, err := png.Decode(bytes.NewReader(read(t, cohort, f[2])))
		if err != nil {
			t.Fatal(err)
		}
		grey, n := m.(*image.Gray), 0
		for k, v := range grey.Pix {
			n += int(v / 255)
			grey.Pix[k] = 255 - v
		}
		folder, class := "Disc Masks", "disc"
		if f[1] == "vessels" {
			folder, class = "Lesion Masks/Atrophy", "atrophy"
			if i/2%8 == 3 {
				n = 0
			}
		}
		pixels[split+stem+class] = fmt.Sprint(n)
		var b bytes.Buffer
		mustDo(t, bmp.Encode(&b, grey))
		if n > 0 {
			putFile(t, palm, split+"/"+folder+"/"+stem+".bmp", b.String())
		}
	}
	out, run := filepath.Join(dir, "tables"), filepath.Join(dir, "seg")
	must(t, "manifest", palm, "--from", "palm", "--out", out)
	must(t, toSegment(out, run, "--image-size", "32", "--batch", "4", "--epochs", "1", "--freeze-epochs", "0")...)
	m := segmentMetricsOf(t, run)
	lines := strings.Split(strings.TrimSpace(string(read(t, run, "private/predictions.tsv"))), "\n")[1:]
	if m.Target != "atrophy,disc" && m.Target != "disc,atrophy" || len(lines) != 2*m.N || m.Empty["atrophy"] == 0 || m.Empty["disc"] != 0 {
		t.Errorf("%+v, %d lines", m, len(lines))
	}
	for _, l := range lines {
		f := strings.Split(l, "\t")
		stem := strings.TrimSuffix(filepath.Base(f[1]), ".jpg")
		if want := pixels["Testing"+stem+f[2]]; f[6] != want {
			t.Errorf("%s of %s has %s pixels, want %s", f[2], stem, f[6], want)
		}
	}
}
