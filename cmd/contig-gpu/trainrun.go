package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/model/eval"
	"contig-gpu/model/train"
)

// Files of a run folder beside the checkpoints.
const (
	configName  = "config.toml"
	logName     = "train.log"
	metricsName = "metrics.jsonl"
	reportName  = "report.html"
)

// A trainRun is one `train`: what it was asked for, and where its words go. Until the first step is done the
// run folder does not exist and the log is kept in memory.
type trainRun struct {
	dir           string
	values        *settings
	cfg           train.Config
	cohort        *data.Cohort
	demo, resumed bool
	out, err      io.Writer
	start         time.Time
	line          *progress.Line
	log           bytes.Buffer // what is not yet in train.log
	started       bool
	failed        error // of writing beside the training
}

func (r *trainRun) begin() {
	if r.dir == "" {
		kind := "run"
		if r.demo {
			kind = "demo"
		}
		r.dir = freeRun(kind)
	}
	r.start, r.line = time.Now(), progress.New(r.out)
}

// say writes one line to the log and to standard output.
func (r *trainRun) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.note(text)
	r.line.Print(text)
}

// note writes one line to the log only.
func (r *trainRun) note(text string) {
	fmt.Fprintf(&r.log, "%s  %s\n", time.Now().Format("2006-01-02 15:04:05"), text)
	if r.started {
		r.flush()
	}
}

func (r *trainRun) flush() {
	f, err := os.OpenFile(filepath.Join(r.dir, logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		r.failed = errors.Join(r.failed, err)
		return
	}
	_, err = r.log.WriteTo(f)
	r.failed = errors.Join(r.failed, err, f.Close())
}

// progress receives what the training has to tell.
func (r *trainRun) progress(e train.Event) {
	switch e.Kind {
	case train.Started:
		r.open()
	case train.Stepped:
		r.line.Step(e.Step, e.Total, fmt.Sprintf("epoch %d  loss %.4f  %.1f images/s", e.Epoch, e.Loss, e.ImagesPerSecond))
	case train.Validated:
		r.say("epoch %d, step %d: validation loss %.4f, %s", e.Epoch, e.Step, e.Loss, retrievalText(e.Retrieval["all"]))
	case train.Planned:
		r.note("memory: " + e.Memory.String() + freeText(e.Free))
	case train.Warned:
		r.say("warning: %s", e.Text)
	case train.Saved:
		r.note("wrote " + e.Path)
	}
}

func freeText(free int) string {
	if free == 0 {
		return ""
	}
	return "; free: " + bytesText(free)
}

// open writes config.toml and what was logged so far into the run folder, which exists now.
func (r *trainRun) open() {
	text := &bytes.Buffer{}
	r.failed = errors.Join(r.failed, r.values.write(text))
	if !r.resumed {
		err := os.Remove(filepath.Join(r.dir, logName)) // of a run that is being overwritten
		if !os.IsNotExist(err) {
			r.failed = errors.Join(r.failed, err)
		}
	}
	r.failed = errors.Join(r.failed, os.WriteFile(filepath.Join(r.dir, configName), text.Bytes(), 0o644))
	r.started = true
	for l := range strings.Lines(text.String()) {
		r.note("  " + strings.TrimSpace(l))
	}
	r.flush()
}

func retrievalText(x eval.Retrieval) string {
	return fmt.Sprintf("R@1 %.3f and %.3f among %d persons (%.0f and %.0f times chance)", x.ImageToGenetics.R1, x.GeneticsToImage.R1, x.Candidates,
		report.Times(x.ImageToGenetics.R1, x.ChanceR1), report.Times(x.GeneticsToImage.R1, x.ChanceR1))
}

// finish writes the report and says how it went. Where nothing was started nothing is written.
func (r *trainRun) finish(s *train.Summary, err error) error {
	r.line.Done()
	if !r.started {
		return err
	}
	lines := summaryLines(s, err, time.Since(r.start))
	if errors.Is(err, train.ErrInterrupted) {
		lines = append(lines, "go on with: contig-gpu train --resume --run "+r.dir)
	}
	for _, l := range lines {
		r.say("%s", l)
	}
	if writeErr := r.report(lines); writeErr != nil {
		err = errors.Join(err, writeErr)
	} else {
		r.say("report: %s", filepath.Join(r.dir, reportName))
	}
	return errors.Join(err, r.failed)
}

func summaryLines(s *train.Summary, err error, took time.Duration) []string {
	lines := []string{fmt.Sprintf("%d steps in %v", s.Steps, took.Round(time.Second))}
	if err != nil {
		return append(lines, "stopped: "+firstLine(err))
	}
	lines = append(lines, fmt.Sprintf("%d parameters on %s: %s", s.Parameters, s.Device, s.Why))
	if s.GPUIdle != nil {
		lines = append(lines, fmt.Sprintf("the GPU waited for its next work in %.1f %% of the time of the steps", 100**s.GPUIdle))
	}
	if s.Test != nil {
		lines = append(lines, fmt.Sprintf("held-out test split (%s checkpoint): loss %.4f, image to genetics and back: %s", s.Tested, s.Test.Loss, retrievalText(s.Test.Retrieval["all"])))
	}
	return lines
}

func firstLine(err error) string {
	l, _, _ := strings.Cut(err.Error(), "\n")
	return l
}

// report writes report.html from the run folder's own files.
func (r *trainRun) report(summary []string) error {
	f, err := os.Open(filepath.Join(r.dir, metricsName))
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := report.ReadMetrics(f)
	if err != nil {
		return err
	}
	settings := &bytes.Buffer{}
	if err := r.values.write(settings); err != nil {
		return err
	}
	page := &bytes.Buffer{}
	err = report.Write(page, report.Page{Title: "contig-gpu: " + filepath.Base(r.dir), Summary: summary, Rows: rows,
		Cohort: append(joinTable(r.cohort), r.cohort.Notes...), Config: settings.String(), Images: r.examples()})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dir, reportName), page.Bytes(), 0o644)
}

// examples returns some training images as the encoder sees them; none where they cannot be read.
func (r *trainRun) examples() []image.Image {
	src, err := sources(r.cohort, r.cfg)(train.Feed{Split: data.Train, Train: true})
	if err != nil {
		return nil
	}
	defer src.Close()
	var b data.Batch
	if src.Reset(0, 0) != nil || src.Next(&b) != nil {
		return nil
	}
	var out []image.Image
	d := src.Dims()
	for i := range min(b.N, 12) {
		n := d.Height * d.Width * 3
		out = append(out, picture(b.Image[i*n:(i+1)*n], d.Width, d.Height))
	}
	return out
}

// picture turns a normalised image [H, W, 3] back into what can be looked at.
func picture(x []float32, w, h int) image.Image {
	var ends [6]float32 // black and white, normalised
	fundus.Normalise(ends[:], []uint8{0, 0, 0, 255, 255, 255})
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		for c := range 3 {
			v := (x[3*i+c] - ends[c]) / (ends[3+c] - ends[c])
			im.Pix[4*i+c] = uint8(255*min(1, max(0, v)) + 0.5)
		}
		im.Pix[4*i+3] = 255
	}
	return im
}
