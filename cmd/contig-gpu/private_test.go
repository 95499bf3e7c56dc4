package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/setting"
)

// telltale is in every person id, family id and image's name of the cohorts below, and nowhere else.
const telltale = "TELLTALE7F3A"

// tellingCohort is tiny with ids that can be looked for, and photographs: images that do not say that synth drew them.
func tellingCohort(t *testing.T) string {
	t.Helper()
	dir := tiny(t)
	scores, err := filepath.Glob(filepath.Join(dir, "pgs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(scores, filepath.Join(dir, "images.tsv"), filepath.Join(dir, "cohort.fam"), filepath.Join(dir, "burden.tsv"), filepath.Join(dir, "covariates.tsv")) {
		change(t, path, replace("S0", telltale+"0"))
	}
	images, err := filepath.Glob(filepath.Join(dir, "images", "*"))
	if err != nil || len(images) == 0 {
		t.Fatal(err)
	}
	for _, path := range images {
		change(t, path, photograph)
		if err := os.Rename(path, filepath.Join(dir, "images", strings.Replace(filepath.Base(path), "S0", telltale+"0", 1))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// photograph takes the comment out of a JPEG that synth drew.
func photograph(b []byte) []byte {
	n := 4 + int(b[4])<<8 + int(b[5])
	return slices.Concat(b[:2], b[n:])
}

// heldOut returns the path of an image that a training meets at its end only: of no training person, nor among those that are
// looked at first.
func heldOut(t *testing.T, dir string) string {
	t.Helper()
	s := newSettings(setting.Default)
	s.Images, s.Data, s.Seed = filepath.Join(dir, "images.tsv"), filepath.Join(dir, "data.toml"), 1
	c, err := openCohort(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range c.Images {
		if c.Persons[im.Person].Split != data.Train && !slices.Contains(sample(c.Images), im) {
			return im.Path
		}
	}
	t.Fatal("all held-out images are looked at")
	return ""
}

// A watcher keeps what is printed and calls do once, when after is.
type watcher struct {
	bytes.Buffer
	after string
	do    func()
}

func (w *watcher) Write(p []byte) (int, error) {
	if w.do != nil && strings.Contains(string(p), w.after) {
		w.do()
		w.do = nil
	}
	return w.Buffer.Write(p)
}

// wantOwnersOnly is an error where anybody else may look into the folder that has ids; what is below is not looked at further.
func wantOwnersOnly(dir string) error {
	files, err := os.ReadDir(dir)
	for _, e := range files {
		info, statErr := e.Info()
		if err = errors.Join(err, statErr); err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	return cmp.Or(err, error(fs.SkipDir))
}

// wantNoTelltale looks for ids in all files of a run folder, but for its private/, and in what was printed.
func wantNoTelltale(t *testing.T, run, stdout string) {
	t.Helper()
	if strings.Contains(stdout, telltale) {
		t.Errorf("stdout has ids:\n%s", stdout)
	}
	err := filepath.WalkDir(run, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path == filepath.Join(run, privateName) {
			return wantOwnersOnly(path)
		}
		if strings.Contains(e.Name(), telltale) || !e.IsDir() && bytes.Contains(read(t, path), []byte(telltale)) {
			t.Errorf("%s has ids", path)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestNoIDsOfATrainingThatBegan: however a training ends after its first step, no file of its folder and nothing on stdout
// has the id of a person or the name of an image; stderr has it where a file is to blame.
func TestNoIDsOfATrainingThatBegan(t *testing.T) {
	for _, c := range []struct {
		name, want, log string // in stderr; in the log
		flags           []string
		code            int
		during          func(t *testing.T, image, run string, stop func()) // after the first step
	}{
		{name: "success", log: "held-out test split"},
		{name: "pictures", log: "held-out test split", flags: []string{"--pictures"}},
		{name: "truncated image", want: "E501: IMAGE: ", log: "stopped: E501: the image of line ", code: 1, during: func(t *testing.T, image, _ string, _ func()) {
			change(t, image, func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{name: "vanished image", want: "E501: IMAGE: ", log: "stopped: E501: the image of line ", code: 1, during: func(t *testing.T, image, _ string, _ func()) {
			mustDo(t, os.Remove(image))
		}},
		{name: "folder for an image", want: "E501: IMAGE: ", log: "stopped: E501: the image of line ", code: 1, during: func(t *testing.T, image, _ string, _ func()) {
			mustDo(t, os.Remove(image))
			mustDo(t, os.Mkdir(image, 0o755))
		}},
		{name: "page instead of an image", want: "E501: IMAGE: ", log: "stopped: E501: the image of line ", code: 1, during: func(t *testing.T, image, _ string, _ func()) {
			change(t, image, func([]byte) []byte { return []byte("<html>" + telltale) })
		}},
		{name: "divergence", want: "E720: ", log: "stopped: E720: the ", code: 1, flags: []string{"--lr", "1e30", "--clip", "0", "--warmup", "0"}},
		{name: "folder of checkpoints gone", want: "E803: RUN/checkpoints", log: "stopped: E803: cannot ", code: 1, during: func(t *testing.T, _, run string, _ func()) {
			mustDo(t, os.RemoveAll(filepath.Join(run, "checkpoints")))
		}},
		{name: "interrupted", want: "stopped by signal", log: "stopped: interrupted; a checkpoint", code: 143, during: func(_ *testing.T, _, _ string, stop func()) { stop() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cohort, folder := tellingCohort(t), filepath.Join(t.TempDir(), "run")
			image := heldOut(t, cohort)
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			out := &watcher{after: "step 1 of"}
			if c.during != nil {
				out.do = func() { c.during(t, image, folder, func() { cancel(interrupt{syscall.SIGTERM}) }) }
			}
			var errs bytes.Buffer
			code := finish(run(ctx, small(cohort, folder, append([]string{"--max-steps", "3", "--workers", "1"}, c.flags...)...), out, &errs), &errs)
			want := strings.NewReplacer("IMAGE", image, "RUN", folder).Replace(c.want)
			if code != c.code || !strings.Contains(errs.String(), want) {
				t.Errorf("exit code %d, stderr %s, want %d and %q", code, errs.String(), c.code, want)
			}
			for _, name := range []string{logName, reportName} {
				if text := string(read(t, folder, name)); !strings.Contains(text, c.log) {
					t.Errorf("%s lacks %q:\n%.2000s", name, c.log, text)
				}
			}
			wantNoTelltale(t, folder, out.String())
			wantNoPictures(t, folder, slices.Contains(c.flags, "--pictures"))
		})
	}
}

// wantNoPictures holds report.html to showing no participant, and to saying where pictures are or how to get them.
func wantNoPictures(t *testing.T, run string, asked bool) {
	t.Helper()
	page := string(read(t, run, reportName))
	if strings.Contains(page, "data:image") || strings.Contains(page, "With --pictures") == asked || strings.Contains(page, "are in private/pictures.html alone") != asked {
		t.Errorf("--pictures %v: the report has images: %v, says how to get them: %v, where they are: %v", asked, strings.Contains(page, "data:image"),
			strings.Contains(page, "With --pictures"), strings.Contains(page, "are in private/pictures.html alone"))
	}
}

// TestNoIDsOfATrainingThatDoesNotBegin: what is wrong before the first step leaves no folder, and stdout without ids.
func TestNoIDsOfATrainingThatDoesNotBegin(t *testing.T) {
	firstImage := func(b []byte) []byte { return bytes.Replace(b, []byte("images/00001"), []byte("images/99999"), 1) }
	column := func(head, value string) func([]byte) []byte {
		return func(b []byte) []byte {
			lines := bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
			for i := range lines {
				lines[i] = append(slices.Clone(lines[i]), "\t"+map[bool]string{true: head, false: value}[i == 0]...)
			}
			return append(bytes.Join(lines, []byte("\n")), '\n')
		}
	}
	for _, c := range []struct {
		name, file, code string
		edit             func([]byte) []byte
		flags            []string
	}{
		{name: "missing image", file: "images.tsv", code: "E101", edit: firstImage},
		{name: "image twice", file: "images.tsv", code: "E101", edit: repeatLine},
		{name: "swapped columns", file: "images.tsv", code: "E101", edit: replace("person_id\timage", "image\tperson_id")},
		{name: "number for an id", file: "images.tsv", code: "E102", edit: replace("\n"+telltale, "\n10.0 "+telltale)},
		{name: "unknown split", file: "images.tsv", code: "E109", edit: column("split", telltale)},
		{name: "one split", file: "images.tsv", code: "E602", edit: column("split\tgroup", "train\t"+telltale)},
		{name: "other ids", file: "images.tsv", code: "E110", edit: replace("\n"+telltale, "\nX"+telltale)},
		{name: "row cut", file: "burden.tsv", code: "E106", edit: func(b []byte) []byte { return append(b[:len(b)-3], '\n') }},
		{name: "text for a number", file: "burden.tsv", code: "E107", edit: replace("\t0\t", "\t"+telltale+"\t")},
		{name: "person twice", file: "burden.tsv", code: "E120", edit: repeatLine},
		{name: "person twice in .fam", file: "cohort.fam", code: "E", edit: repeatLine},
		{name: "person gone from .fam", file: "cohort.fam", code: "E20", edit: dropLine},
		{name: "cut .bed", file: "cohort.bed", code: "E201", edit: func(b []byte) []byte { return b[:len(b)-1] }},
		{name: "nobody left", file: "data.toml", code: "E117", edit: func(b []byte) []byte { return append(b, "\n[ids]\nkeep = \"data.toml\"\n"...) }},
		{name: "too few batches", code: "E708", flags: []string{"--accumulate", "100"}},
		{name: "memory", code: "E721", flags: []string{"--hidden", "1000000"}},
		{name: "unreadable images", code: "E501"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cohort, run := tellingCohort(t), filepath.Join(t.TempDir(), "runs", "run")
			if c.file != "" {
				change(t, filepath.Join(cohort, c.file), c.edit)
			} else if c.flags == nil {
				images, _ := filepath.Glob(filepath.Join(cohort, "images", "*"))
				for _, path := range images {
					change(t, path, func(b []byte) []byte { return b[:len(b)/2] })
				}
			}
			code, out, errs := exec(t, small(cohort, run, c.flags...)...)
			if code != 1 || !strings.HasPrefix(errs, "contig-gpu: "+c.code) {
				t.Errorf("exit code %d, %s, want %s", code, errs, c.code)
			}
			wantNoTelltale(t, run, out)
			if _, err := os.Stat(filepath.Dir(run)); !os.IsNotExist(err) {
				t.Error("the run folder stays")
			}
		})
	}
}

// TestNoIDsOnResume: nor do they get there when a run is resumed, with the same data and with others.
func TestNoIDsOnResume(t *testing.T) {
	cohort, run := tellingCohort(t), filepath.Join(t.TempDir(), "run")
	out := must(t, small(cohort, run, "--max-steps", "2")...)
	change(t, filepath.Join(cohort, "images.tsv"), dropLine)
	code, more, errs := exec(t, "train", "--run", run, "--resume", "--max-steps", "3")
	if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E702") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	wantNoTelltale(t, run, out+more)
}

// TestWithoutIDs: whatever an error quotes, its line for the log quotes nothing of the cohort.
func TestWithoutIDs(t *testing.T) {
	image := "/cohort/images/" + telltale + ".png"
	images := []data.Image{{Path: "/cohort/other.png", Line: 2}, {Path: image, Line: 7}}
	for want, err := range map[string]error{
		"E501: the image of line 7 of the manifest":              &data.Problem{Code: 501, File: image, What: telltale},
		"E106: the manifest, data.toml or a file of ids, line 3": fmt.Errorf("%s: %w", telltale, &data.Problem{Code: 106, File: image + ".tsv", Line: 3, What: telltale, Found: telltale}),
		"E803: cannot open (permission denied)":                  &fs.PathError{Op: "open", Path: "/cohort/" + telltale, Err: syscall.EACCES},
		"E803: cannot write (no space left on device): a/b":      &fs.PathError{Op: "write", Path: "/run/a/b", Err: syscall.ENOSPC},
		"E800: a fault of the program":                           fmt.Errorf("open %s: odd", image),
	} {
		if got := withoutIDs(err, "/run", images); got != want+"; the error on stderr says more" {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
