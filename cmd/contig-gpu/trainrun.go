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
	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/model/train"
)

// Files of a run folder beside the checkpoints.
const (
	configName  = "config.toml"
	logName     = "train.log"
	metricsName = "metrics.jsonl"
	reportName  = "report.html"
)

// A trainRun is one `train`: what it was asked for, and where its words go. Until the first step is done the run folder
// holds its lock alone, and the log is kept in memory.
type trainRun struct {
	dir, config   string          // the run folder; the file of --config
	team          *ranks.Team     // of which this process is one
	lock          *folder.Lock    // of dir; nil on ranks but the first
	warnings      map[string]bool // said so far
	values        *settings
	cfg           train.Config
	cohort        *data.Cohort
	demo, resumed bool
	out, err      io.Writer // of words: with --json stdout is for the one object
	json          io.Writer // of --json, nil without
	memory        int       // bytes that the training holds
	disk          int64     // bytes that its checkpoints take
	start         time.Time
	line          *progress.Line
	log           bytes.Buffer // what is not yet in train.log
	started       bool
	planned       time.Time       // when it last told of plans being made
	failed        error           // of writing beside the training
	standing      *train.Standing // of the run that is resumed, where it has a checkpoint
	notes         []string        // of how the settings were found
	record        runRecord
	bad           *loader.Bad                   // of the cohort
	device        *gpu.Device                   // opened, until the training takes it over
	timed         bool                          // the time that is left was told
	events        bool                          // for TensorBoard too
	quiet         bool                          // print what warns and the result alone
	again         string                        // the run that is done again, "" for none
	dry           bool                          // end before the first step
	args          []string                      // of the command line
	driver        string                        // of the GPU, "" without one
	deviceLine    string                        // what was said of the device
	deviceText    func(precision string) string // that line
	steps, total  int                           // done, and in all
	lossSum       float64                       // of the lossSteps steps since the last validation
	lossSteps     int
	pictures      []image.Image // of the report, once they were made
	noPictures    string        // why there are none
	pictured      bool
	validated     bool // since the last report
	heldout       heldoutFile
	seen          look   // at some images, before the training
	saved         func() // ends what is shown while a checkpoint is written; nil: none is
}

// take locks the run folder, the first of runs/run-N or runs/demo-N that is not there where none is named. From here to the
// release of the lock no other process gets it.
func (r *trainRun) take(overwrite bool) (err error) {
	if r.dir != "" {
		if !r.resumed {
			if err := r.target(overwrite).Check(); err != nil {
				return err
			}
		}
		r.lock, err = train.Take(r.dir, r.resumed, overwrite)
		return err
	}
	kind := "run"
	if r.demo {
		kind = "demo"
	}
	if r.lock, err = folder.TakeNew(filepath.Join("runs", kind)); err == nil {
		r.dir = r.lock.Dir()
	}
	return err
}

// target is the run folder, which must not hold what the training reads.
func (r *trainRun) target(overwrite bool) folder.Target {
	v := r.values
	return folder.Target{Dir: r.dir, Kind: folder.Run, Overwrite: overwrite, Inputs: []string{r.config, v.Images, v.Data, v.ImageRoot, v.Init}}
}

// say writes one line to the log and to standard output.
func (r *trainRun) say(format string, args ...any) {
	text := data.Plain(fmt.Sprintf(format, args...))
	r.note(text)
	if warns(text) {
		r.warned(text)
	}
	if !r.quiet || warns(text) {
		r.line.Print(text)
	}
}

// warns reports whether a line is of a warning, which begins with its number or has it behind the name of a modality.
func warns(text string) bool {
	head, _, _ := strings.Cut(text, ": ")
	_, rest, _ := strings.Cut(text, ": ")
	return isWarning(head) || isWarning(rest) || strings.HasPrefix(text, "warning: ")
}

// isWarning reports whether a text begins with the number of a warning.
func isWarning(text string) bool {
	return len(text) >= 4 && text[0] == 'W' && strings.Trim(text[1:4], "0123456789") == "" && (len(text) == 4 || text[4] == ':')
}

// note writes one line to the log only.
func (r *trainRun) note(text string) {
	fmt.Fprintf(&r.log, "%s  %s\n", time.Now().Format("2006-01-02 15:04:05"), data.Plain(text))
	if r.started {
		r.flush()
	}
}

func (r *trainRun) flush() {
	f, err := folder.Append(filepath.Join(r.dir, logName))
	if err != nil {
		r.failed = errors.Join(r.failed, err)
		return
	}
	_, err = r.log.WriteTo(f)
	r.failed = errors.Join(r.failed, err, f.Close())
}

// progress receives what the training has to tell.
func (r *trainRun) progress(e train.Event) {
	r.endSaving()
	switch e.Kind {
	case train.Started:
		r.open()
		r.total = e.Total
	case train.Stepped:
		r.steps, r.total = e.Step, e.Total
		r.lossSum, r.lossSteps = r.lossSum+e.Loss, r.lossSteps+1
		r.sayOthers()
		r.step(e)
	case train.Validated:
		r.validated = true
		r.keepHeldout("validation", e.Heldout)
		r.say("epoch %d, step %d: %svalidation loss %.4f%s", e.Epoch, e.Step, r.trainingLoss(), e.Loss, behind(report.SetsText(e.Sets), report.Short(e.Retrieval)))
	case train.Tested:
		r.sayOthers()
		r.keepHeldout("test", e.Heldout)
		r.keepPictures(e.Heldout)
	case train.Planned:
		r.memory, r.disk = e.Memory.Total(), e.Disk.Total()
		r.note("memory: " + e.Memory.String() + freeText(e.Free))
		r.say("memory: %s%s", bytesText(e.Memory.Total()), freeText(e.Free))
		r.note(e.Disk.String())
		r.say("%s", diskText(e.Disk))
		if e.Plans != nil {
			r.say("%s", plansText(*e.Plans))
		}
	case train.Planning:
		r.planning(*e.Plans)
	case train.Warned:
		r.say("warning: %s", e.Text)
	case train.Chosen:
		r.deviceLine = r.deviceText(e.Precision)
		r.say("%s", e.Text)
	case train.Noted:
		r.say("%s", e.Text)
	case train.Broken:
		r.keepBad(e.Images)
	case train.Saving:
		if !r.quiet {
			r.saved = r.line.Begin("writing " + e.Path)
		}
	case train.Saved:
		r.note("wrote " + e.Path)
		r.keep(false)
		r.live()
	}
}

// trainingLoss says the mean training loss of the steps since it was last asked for, "" where there were none.
func (r *trainRun) trainingLoss() string {
	n := r.lossSteps
	if n == 0 {
		return ""
	}
	mean := r.lossSum / float64(n)
	r.lossSum, r.lossSteps = 0, 0
	return fmt.Sprintf("training loss %.4f, ", mean)
}

// endSaving ends what is shown while a checkpoint is written.
func (r *trainRun) endSaving() {
	if r.saved != nil {
		r.saved()
		r.saved = nil
	}
}

// step shows a step that is done, and once how long the others take.
func (r *trainRun) step(e train.Event) {
	if r.quiet {
		return
	}
	r.line.Step(e.Step, e.Total, fmt.Sprintf("epoch %d  loss %.4f  %.1f images/s", e.Epoch, e.Loss, e.ImagesPerSecond))
	if left, ok := r.line.Left(e.Step, e.Total); ok && !r.timed {
		r.timed = true
		r.say("time: %s left, by the first steps; checkpoints and validation come on top", progress.About(left))
	}
}

// planEvery is how often a run tells that plans are still being made.
const planEvery = 10 * time.Second

// planning tells how far the plans of convolutions are, where making them takes long.
func (r *trainRun) planning(p gpu.PlanCounts) {
	if now := time.Now(); now.Sub(r.planned) >= planEvery {
		r.planned = now
		r.say("making plans of convolutions, which later starts load: %d so far, %d of them compiled", p.Made, p.Compiled)
	}
}

// plansText says where the plans of convolutions came from.
func plansText(p gpu.PlanCounts) string {
	return fmt.Sprintf("plans of convolutions: %d made, of which %d compiled; %d loaded from an earlier start, %d from packs", p.Made, p.Compiled, p.Cached, p.Packed)
}

// diskText says in a short line what the checkpoints take.
func diskText(d train.Disk) string {
	text := fmt.Sprintf("disk: %s for %s of %s", bytesText(int(d.Total())), counted(d.Checkpoints, "checkpoint"), bytesText(int(d.Bytes)))
	if d.There > 0 {
		text += fmt.Sprintf(", of which %s are there", bytesText(int(d.There)))
	}
	if d.Free >= 0 {
		text += "; free: " + bytesText(int(d.Free))
	}
	return text
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
	r.failed = errors.Join(r.failed, folder.MarkRun(r.dir), r.values.write(text))
	r.heldout = readHeldout(r.dir)
	if !r.resumed {
		r.heldout = heldoutFile{}
		r.forgetHeldout()
		for _, name := range []string{logName, filepath.Join(eventFolder, eventName)} { // of a run that is being overwritten
			if err := os.Remove(filepath.Join(r.dir, name)); !os.IsNotExist(err) {
				r.failed = errors.Join(r.failed, err)
			}
		}
	}
	r.failed = errors.Join(r.failed, writeText(filepath.Join(r.dir, configName), text))
	r.failed = errors.Join(r.failed, r.keepSplit(), r.keepData())
	r.started = true
	for l := range strings.Lines(text.String()) {
		r.note("  " + strings.TrimSpace(l))
	}
	r.flush()
}

// behind joins texts, each behind a semicolon; there may be none.
func behind(texts ...string) string {
	out := ""
	for _, t := range texts {
		if t != "" {
			out += "; " + t
		}
	}
	return out
}

// finish writes the report and says how it went. Where nothing was started nothing is written.
func (r *trainRun) finish(s *train.Summary, err error) error {
	r.endSaving()
	r.line.Done()
	if !r.started {
		return err
	}
	r.keep(err == nil)
	r.record.Parameters, r.quiet = s.Parameters, r.quiet && r.json != nil
	lines, status := r.summary(s, err), finishedStatus
	if errors.Is(err, train.ErrInterrupted) {
		status = stoppedStatus
		lines = append(lines, "go on with: contig-gpu "+shellWords(r.next(status)))
	}
	for _, l := range lines {
		r.say("%s", l)
	}
	r.record.Summary = lines
	r.keep(err == nil)
	if writeErr := r.report(lines); writeErr != nil {
		err = errors.Join(err, writeErr)
	} else {
		r.say("report: %s", filepath.Join(r.dir, reportName))
	}
	if err == nil {
		r.say("next: contig-gpu %s", shellWords(r.next(status)))
	}
	if err == nil || status == stoppedStatus {
		err = errors.Join(err, r.object(status, s))
	}
	return errors.Join(err, r.failed)
}

// summary says in a few lines what a training did. It names no file of a participant: it goes into the log and the report.
func (r *trainRun) summary(s *train.Summary, err error) []string {
	lines := []string{fmt.Sprintf("%s in %s", stepsText(s.Steps), r.record.text())}
	if err != nil {
		return append(lines, "stopped: "+withoutIDs(err, r.dir, r.cohort.Images))
	}
	if n := len(r.bad.Found()); n > 0 {
		lines = append(lines, fmt.Sprintf("W505: %d of %d images cannot be decoded and were skipped", n, len(r.cohort.Images)))
	}
	lines = append(lines, fmt.Sprintf("model: %.1f million parameters (%d); %s", float64(s.Parameters)/1e6, s.Parameters, r.deviceLine))
	if s.GPUIdle != nil {
		lines = append(lines, fmt.Sprintf("GPU idle: %.1f %% of the time", 100**s.GPUIdle))
	}
	if s.Test != nil {
		lines = append(lines, fmt.Sprintf("held-out test split (%s checkpoint): loss %.4f%s", s.Tested, s.Test.Loss, behind(report.SetsText(s.Test.Sets))))
		lines = append(lines, report.Lines(s.Test.Retrieval)...)
	}
	if rows, err := r.metrics(); err == nil {
		lines = append(lines, report.Memorised(rows)...)
	}
	return lines
}

// report writes report.html from the run folder's own files, and the pictures, which it alone has.
func (r *trainRun) report(summary []string) error {
	if !r.pictured {
		r.pictures, r.noPictures = r.examples()
		r.pictured = true
	}
	r.record.Summary, r.record.NoImages = summary, r.noPictures
	if r.events {
		if _, err := writeEvents(r.dir); err != nil {
			return err
		}
	}
	return reportOf(r.dir, &r.record, r.pictures, "")
}

// live writes the report of a training that goes on, once something was validated since the last: what it shows is true of the
// checkpoint that was just written. A report that cannot be written now is no reason to stop.
func (r *trainRun) live() {
	if !r.validated {
		return
	}
	r.validated = false
	r.failed = errors.Join(r.failed, r.report(nil))
}

func writeText(path string, text *bytes.Buffer) error {
	return folder.WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := text.WriteTo(w)
		return err
	})
}
