package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// everyCommand calls do with each command and subcommand, and the words that it is called by.
func everyCommand(do func(c *cli.Command, words []string)) {
	for _, c := range application(io.Discard, io.Discard).Commands {
		do(c, []string{c.Name})
		for _, s := range c.Subcommands {
			do(s, []string{c.Name, s.Name})
		}
	}
}

// TestHelpAnywhere: wherever help is asked for, behind an argument or in place of a value too, it is that of the command, and nothing is done.
func TestHelpAnywhere(t *testing.T) {
	t.Chdir(t.TempDir())
	n := 0
	everyCommand(func(c *cli.Command, words []string) {
		n++
		name := "contig-gpu " + strings.Join(words, " ")
		want := must(t, append(words, "--help")...)
		if !strings.HasPrefix(want, "NAME:\n   "+name+" - ") {
			t.Errorf("%s: %.200s", name, want)
		}
		for _, asked := range [][]string{
			append([]string{"help"}, words...), append(words[:len(words):len(words)], "run1", "--help"), append(words[:len(words):len(words)], "-h", "run1"),
			append(words[:len(words):len(words)], "--out", "x", "-h"), append(words[:len(words):len(words)], "--no-such-flag", "--help"), append(words[:len(words):len(words)], "-help", "--out"),
		} {
			if got := must(t, asked...); got != want {
				t.Errorf("%v printed %.200s", asked, got)
			}
		}
	})
	if n < 25 {
		t.Errorf("%d commands", n)
	}
	if code, _, errs := exec(t, "trian", "--help"); code != 2 || !strings.Contains(errs, "did you mean train?") {
		t.Errorf("help of no command: %d, %s", code, errs)
	}
	if left, _ := filepath.Glob("*"); len(left) > 0 {
		t.Errorf("help left %v", left)
	}
}

// TestHelpHasEveryFlag: --help-all has each flag, and --help those of commands that have few.
func TestHelpHasEveryFlag(t *testing.T) {
	everyCommand(func(c *cli.Command, words []string) {
		all, some := must(t, append(words, "--help-all")...), must(t, append(words, "--help")...)
		for _, f := range c.Flags {
			if f.Names()[0] == "help" {
				continue
			}
			flag := "\n   --" + f.Names()[0]
			if !strings.Contains(all, flag+" ") && !strings.Contains(all, flag+"\n") {
				t.Errorf("%v: --help-all lacks %s", words, flag)
			}
			if usedMost(c.Name) == nil && !strings.Contains(some, flag) {
				t.Errorf("%v: --help lacks %s", words, flag)
			}
		}
		if names := usedMost(c.Name); names != nil {
			at := 0
			for _, name := range names {
				i := strings.Index(some[at:], "\n   --"+name)
				if i < 0 {
					t.Fatalf("%v: --help has no %s behind %s", words, name, some[:at])
				}
				at += i
			}
			if !strings.Contains(some, "--help-all has all flags") || strings.Contains(some, "--nesterov") {
				t.Errorf("%v: %s", words, some)
			}
		}
	})
	if text := strings.Join(strings.Fields(must(t, "train", "--help-all")), " "); !strings.Contains(text, "(default: 0.2; paper: 0)") {
		t.Error("the defaults of both recipes do not stand side by side")
	}
}

// TestHelpFits: no line is wider than the terminal, unless a word is or it is an example to be copied.
func TestHelpFits(t *testing.T) {
	app := application(io.Discard, io.Discard)
	for _, columns := range []int{20, 40, 69, 70, 100} {
		h := helpText{columns: columns, all: true, name: app.Name}
		h.program(app)
		everyCommand(func(c *cli.Command, _ []string) { h.command(c) })
		for line := range strings.Lines(h.String()) {
			line = strings.TrimRight(line, "\n")
			if n := utf8.RuneCountInString(line); n > columns && len(strings.Fields(line)) > 1 && !strings.HasPrefix(line, "   contig-gpu ") && !strings.HasPrefix(line, "   --") {
				t.Errorf("%d of %d columns: %q", n, columns, line)
			}
		}
	}
}

// TestNoSuchRun: whichever verb is given a folder that is no run, the error has one number, says what is there, and proposes a run that is.
func TestNoSuchRun(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	t.Chdir(dir)
	must(t, small(cohort, "run1", "--max-steps", "1")...)
	must(t, small(cohort, filepath.Join("runs", "elsewhere"), "--max-steps", "1")...)
	for _, folder := range []string{"empty", "bare"} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join("bare", metricsName), nil, 0o644); err != nil { // a run that ended before its first checkpoint
		t.Fatal(err)
	}
	images := filepath.Join(cohort, "images.tsv")
	for _, verb := range [][]string{
		{"export", "--out", "x", "--run"}, {"export", "--out", "x", "--checkpoint"}, {"embed", "--images", images, "--out", "x", "--run"}, {"explain", "--out", "x", "--run"}, {"report"}, {"report", "--tensorboard"},
		{"report", "--out", "x.html", "run1"}, {"compare", "run1"}, {"plan", "--run"}, {"train", "--rerun"}, append(small(cohort, "run9"), "--init"),
	} {
		for folder, near := range map[string]string{"run2": "run1", "empty": "", "bare": "", cohort: "", filepath.Join("run1", configName): ""} {
			code, _, errs := exec(t, append(verb[:len(verb):len(verb)], folder)...)
			if folder == "bare" && (verb[0] == "report" || verb[0] == "compare") { // which need nothing else
				continue
			}
			if file := filepath.Join("run1", configName); folder == file && (verb[len(verb)-1] == "--checkpoint" || verb[len(verb)-1] == "--init") {
				continue // it is taken for a file of weights
			}
			if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E704: "+folder) || near != "" && !strings.Contains(errs, "such as "+near+"\n") {
				t.Errorf("%v %s: exit code %d, %s", verb, folder, code, errs)
			}
		}
	}
	if code, _, errs := exec(t, "report", "runs"); code != 1 || !strings.Contains(errs, "such as "+filepath.Join("runs", "elsewhere")) {
		t.Errorf("a folder of runs: %d, %s", code, errs)
	}
	for _, args := range [][]string{{"export", "--checkpoint", "run1", "--out", "x.safetensors"}, append(small(cohort, "run8", "--max-steps", "1"), "--init", "run1")} {
		must(t, args...)
	}
	if text := string(read(t, "run8", logName)); !strings.Contains(text, "init: ") || !strings.Contains(text, "best.safetensors") {
		t.Error("--init of a run folder took nothing")
	}
}

// TestRunsWithoutAny: a place where nothing was trained yet has no runs, which is no error; a folder that was named and is not there is one.
func TestRunsWithoutAny(t *testing.T) {
	t.Chdir(t.TempDir())
	if out := must(t, "runs"); !strings.Contains(out, "no runs") {
		t.Errorf("printed %s", out)
	}
	if code, _, errs := exec(t, "runs", "nothere"); code != 1 || !strings.Contains(errs, "E704") {
		t.Errorf("%d, %s", code, errs)
	}
}
