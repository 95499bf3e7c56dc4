package main

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"contig-gpu/data"
	"contig-gpu/model/train"
)

// shellArgs asks sh for the words of a command line of ours, without the program's name.
func shellArgs(t *testing.T, line string) []string {
	t.Helper()
	text, err := osexec.Command("sh", "-c", `for w in `+line+`; do printf '%s\n' "$w"; done`).Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if words[0] != "contig-gpu" {
		t.Fatalf("no command of ours: %s", line)
	}
	return words[1:]
}

// TestSynthProposesWhatRuns: whatever cohort synth makes, the command that it prints trains on it.
func TestSynthProposesWhatRuns(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []string
	}{
		{"a few", []string{"--persons", "12", "--image-size", "16"}},
		{"with a 'space", []string{"--persons", "50", "--image-size", "96", "--images-per-person", "2"}},
	} {
		dir := filepath.Join(t.TempDir(), c.name)
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		said := must(t, append([]string{"synth", "--out", dir, "--seed", "3", "--snps", "20", "--pgs", "3", "--burden", "3"}, c.flags...)...)
		_, line, _ := strings.Cut(said, "\n  ")
		t.Chdir(t.TempDir())
		out := must(t, append(shellArgs(t, strings.TrimSpace(line)), "--max-steps", "1", "--hidden", "8", "--embedding", "8")...)
		if !strings.Contains(out, "report: ") {
			t.Errorf("%s: %s", c.name, out)
		}
	}
}

// TestDeviceComesFirst: before any data are read a training says what computes and why.
func TestDeviceComesFirst(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	out := must(t, small(cohort, run, "--max-steps", "4", "--threads", "2")...)
	lines := strings.Split(out, "\n")
	if !regexp.MustCompile(`^device: cpu, 2 threads, f32: no GPU: `).MatchString(lines[1]) {
		t.Errorf("the second line is %q", lines[1])
	}
	at := 0
	for _, want := range []string{"device: ", "persons train", "memory: ", "disk: ", "time: 4 steps, at least ", "step 1 of 4", "time: "} {
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("no %q after %d in %s", want, at, out)
		}
		at += i + 1
	}
	if log := string(read(t, run, logName)); !strings.Contains(log, lines[1]) {
		t.Errorf("the log lacks %q", lines[1])
	}
}

// TestDeviceIsCheckedBeforeData: a device or precision that there is not is told of before the cohort, which is not there either.
func TestDeviceIsCheckedBeforeData(t *testing.T) {
	for flags, want := range map[string]string{"--device=cuda:77": "E804: ", "--device=cpu --precision=bf16": "E805: "} {
		args := append(small(filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "run")), strings.Fields(flags)...)
		if code, _, errs := exec(t, args...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: "+want) {
			t.Errorf("%s: exit code %d, %s", flags, code, errs)
		}
	}
}

// TestHoursOnTheCPUAreAskedFor: what takes an hour or more begins on a CPU only if it was named.
func TestHoursOnTheCPUAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		auto  bool
		least time.Duration
		asked bool
	}{{true, askFrom - 1, false}, {true, askFrom, true}, {true, 1000 * time.Hour, true}, {false, 1000 * time.Hour, false}} {
		err := tooSlow(c.auto, c.least, 10, "no GPU")
		var p *data.Problem
		if errors.As(err, &p) != c.asked || p != nil && (p.Code != codeSlow || !strings.Contains(p.Fix, "--device cpu")) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if d := leastTime(train.Work{Steps: 1 << 40, Flops: 1e18}, 1); d < askFrom {
		t.Errorf("centuries are %v", d)
	}
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	long := []string{"--epochs", "1000000000"}
	code, _, errs := exec(t, small(cohort, run, long...)...)
	if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E807: ") {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run that was not begun left %s: %v", run, err)
	}
	must(t, small(cohort, run, "--max-steps", "2", "--device", "cpu")...)
	if text := string(read(t, run, configName)); !strings.Contains(text, `device = "cpu"`) {
		t.Errorf("what was asked for is not kept: %s", text)
	}
}

func TestUnusedGPU(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s + "\n")} }
	const at = "sys/bus/pci/devices/"
	root := fstest.MapFS{at + "0000:00:01.0/vendor": file("0x8086"), at + "0000:00:01.0/class": file("0x030000"),
		at + "0000:00:02.0/vendor": file("0x10de"), at + "0000:00:02.0/class": file("0x040300")}
	if got := unusedGPU(root); got != "" {
		t.Errorf("found %q", got)
	}
	root[at+"0000:00:03.0/vendor"], root[at+"0000:00:03.0/class"] = file("0x10de"), file("0x030200")
	if got := unusedGPU(root); got != "0000:00:03.0" {
		t.Errorf("found %q", got)
	}
}

// TestTooLargeABatchIsAnsweredByWhatFits: the flags that E721 proposes train as many images a step as were asked for, and fit.
func TestTooLargeABatchIsAnsweredByWhatFits(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	s := newSettings("default")
	s.Images, s.Data = filepath.Join(cohort, "images.tsv"), filepath.Join(cohort, "data.toml")
	co, err := openCohort(s)
	if err != nil {
		t.Fatal(err)
	}
	c := s.training()
	c.Device, c.Precision, c.ImageSize, c.Batch, c.Model.Encoder, c.Model.Hidden, c.Model.Embedding = "cpu", "f32", 32, 24, "resnet18", 8, 8
	try := func(c train.Config, memory int) error {
		_, err := train.Run(t.Context(), train.Options{Config: c, Cohort: co, NewSource: sources(co, c), Dir: run, Memory: memory, Overwrite: true, Approve: func(train.Work) error { return errAsked }})
		return err
	}
	room := 0
	for room = 64 << 20; ; room += 16 << 20 { // the least with which anything fits
		if err = try(c, room); err == errAsked || strings.Contains(err.Error(), "--accumulate") {
			break
		}
	}
	fit := regexp.MustCompile(`--batch (\d+) fits; --accumulate (\d+)`).FindStringSubmatch(fmt.Sprint(err))
	if fit == nil {
		t.Fatalf("with %d bytes: %v", room, err)
	}
	var batch, times int
	fmt.Sscan(fit[1]+" "+fit[2], &batch, &times)
	if batch*times != 24 {
		t.Errorf("%d x %d images are not the 24 that were asked for", batch, times)
	}
	c.Batch = batch
	if err := try(c, room); err != errAsked {
		t.Errorf("what is proposed does not fit: %v", err)
	}
}

var errAsked = errors.New("asked")
