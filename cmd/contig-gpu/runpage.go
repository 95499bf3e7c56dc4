package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
)

// page is what a run's files and its record say, without settings and pictures.
func (k *runRecord) page(dir string, rows []report.Row) report.Page {
	p := report.Page{Title: "contig-gpu: " + nameOf(dir), Status: k.status(rows), Facts: k.facts(), Rows: rows, Heldout: readHeldout(dir).byKind(), Cohort: k.Cohort, Flow: k.Flow, Presence: k.Presence, Look: k.Look,
		Command: shellWords(k.Command), Changed: k.Changed, Clip: k.Clip, Memory: k.memory(), Sessions: k.sessions(), Files: runFiles(dir), NoImages: k.NoImages}
	for _, s := range k.Sources {
		p.Sources = append(p.Sources, report.Source{Name: cmp.Or(s.Name, "images"), Rows: s.Rows, Features: s.Features, Digest: s.Train})
	}
	return p
}

// memory is what was planned and what was taken.
func (k *runRecord) memory() []report.Fact {
	var out []report.Fact
	if k.Planned > 0 {
		out = append(out, report.Fact{Name: "Planned for the training", Value: bytesText(int(k.Planned))})
	}
	if k.Peak > 0 {
		out = append(out, report.Fact{Name: "Of the host, at most", Value: bytesText(int(k.Peak)) + ", with the cohort's files, the loader and the program"})
	}
	return out
}

// colourOf is the colouring of the map of the evaluation that the page shows; nil where none is asked for.
func colourOf(dir string, rows []report.Row, asked string) (*report.Coloring, error) {
	if asked == "" {
		return nil, nil
	}
	kind := "validation"
	if len(report.Of(rows, "test")) > 0 {
		kind = "test"
	}
	return colouring(dir, kind, asked)
}

// flow is how many were left at each step of joining, and in each split. It has no ids.
func flow(c *data.Cohort) []report.Flow {
	var out []report.Flow
	for _, f := range c.Flow {
		out = append(out, report.Flow{Of: cmp.Or(f.Of, report.Participants), Step: f.Step, Remain: f.Remain, Removed: f.Removed, Why: f.Why})
	}
	for _, s := range []data.Split{data.Train, data.Validation, data.Test} {
		n := 0
		for _, p := range c.Persons {
			if p.Split == s {
				n++
			}
		}
		out = append(out, report.Flow{Of: report.Participants, Step: s.String(), Remain: n, Part: true})
	}
	return out
}

// record is what a look at some of so many images has seen, in no order of theirs.
func (l *look) record(images, size int) *report.Look {
	sides, brightness := slices.Clone(l.sides), slices.Clone(l.brightness)
	slices.Sort(sides)
	slices.Sort(brightness)
	for i, v := range brightness {
		brightness[i] = float64(int(v*1e3+0.5)) / 1e3
	}
	return &report.Look{Images: l.images, Of: images, Sides: sides, Brightness: brightness, TrainedAt: size}
}

// nameOf returns what a run is called, also where dir is "." or ends in a separator.
func nameOf(dir string) string {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	return filepath.Base(dir)
}

// status says where the run stands.
func (k *runRecord) status(rows []report.Row) string {
	steps := 0
	for _, r := range report.Of(rows, "step") {
		steps = max(steps, r.Step)
	}
	switch {
	case k.Finished:
		return fmt.Sprintf("Finished: %s.", stepsText(steps))
	case len(k.Summary) > 0:
		return fmt.Sprintf("Stopped after step %d.", steps)
	case k.Total > 0:
		return fmt.Sprintf("Running, or ended without a word: %d of %d steps (%.0f %%) when this page was written.", steps, k.Total, 100*float64(steps)/float64(k.Total))
	}
	return stepsText(steps) + "."
}

// stepsText counts steps in words.
func stepsText(n int) string { return counted(n, "step") }

// counted says how many of a thing there are, such as 1 step, 2 steps.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// facts are what the head of the report says.
func (k *runRecord) facts() []report.Fact {
	var out []report.Fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, report.Fact{Name: name, Value: value})
		}
	}
	add("Started", moment(k.Started))
	add("Until", moment(k.Ended))
	if k.Seconds > 0 {
		add("Took", k.text())
	}
	add("Version", k.Version)
	_, device, _ := strings.Cut(k.Device, ": ")
	add("Device", device)
	add("Driver", k.Driver)
	add("Processor", k.CPU)
	if k.Peak > 0 {
		add("Memory of the host, at most", bytesText(int(k.Peak)))
	}
	if k.Parameters > 0 {
		add("Parameters", fmt.Sprintf("%.1f million", float64(k.Parameters)/1e6))
	}
	return out
}

// sizeText writes the size of a file.
func sizeText(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d kB", (bytes+1023)>>10)
	}
	return bytesText(int(bytes))
}

// moment writes a time of RFC 3339 as people do.
func moment(at string) string { return strings.Replace(at, "T", " ", 1) }

// sessions are those of the record, for the page.
func (k *runRecord) sessions() []report.Session {
	out := slices.Clone(k.History)
	for i := range out {
		out[i].Started, out[i].Ended, out[i].Device = moment(out[i].Started), moment(out[i].Ended), strings.TrimPrefix(out[i].Device, "device: ")
	}
	return out
}

// runFiles lists the files of a run that are there.
func runFiles(dir string) []report.FileEntry {
	var out []report.FileEntry
	for _, f := range []struct{ name, what string }{
		{"checkpoints/best.safetensors", "the best checkpoint, for embed, export and explain"}, {"checkpoints/last.safetensors", "the last one, for --resume"},
		{metricsName, "every step and evaluation, a JSON object a line"}, {configName, "every setting"}, {recordName, "the command, the machine, the times"}, {heldoutName, "recall at every k, geometry and map of the embeddings"}, {filepath.ToSlash(filepath.Join(eventFolder, eventName)), "for TensorBoard"}, {logName, "what was said"},
	} {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.name))); err == nil {
			out = append(out, report.FileEntry{Name: f.name, Size: sizeText(info.Size()), What: f.what})
		}
	}
	return out
}
