package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/report"
	emb "contig-gpu/data/embedded"
	"contig-gpu/data/folder"
	"contig-gpu/data/fundus"
	"contig-gpu/data/mask"
	"contig-gpu/model/measure"
)

// segmentMetrics is metrics.json of a segmentation. It names no participant.
type segmentMetrics struct {
	Task       string                `json:"task"`
	Target     string                `json:"target"` // the classes, with commas between them
	Split      string                `json:"split"`
	N          int                   `json:"n"`       // images of it
	Persons    int                   `json:"persons"` // of whom intervals are drawn
	Names      []string              `json:"names"`   // of the classes
	Known      map[string]int        `json:"known"`   // images of it of which a class is known
	Empty      map[string]int        `json:"empty"`   // of these, those in which it is not
	Metrics    map[string]probeValue `json:"metrics"`
	Encoder    string                `json:"encoder"`
	From       string                `json:"from,omitempty"`
	ImageSize  int                   `json:"image_size"`
	Checkpoint string                `json:"checkpoint"` // best or last
	Step       int                   `json:"step"`
	Seed       uint64                `json:"seed"`
	Notes      []string              `json:"notes"`
	Version    string                `json:"version"`
}

// write writes all that came of the test.
func (t *maskTest) write() error {
	g := t.g
	var persons []int
	var rows [][]*measure.Overlap
	for _, r := range t.rows {
		persons, rows = append(persons, g.cohort.Images[r.image].Person), append(rows, r.overlaps)
	}
	units := measure.UnitsOf(persons)
	results := measure.Intervals(measure.OverlapMetrics(g.masks.Classes, rows), units, len(rows))
	if err := writeLines(filepath.Join(t.private, "predictions.tsv"), t.lines()); err != nil {
		return err
	}
	m := segmentMetrics{Task: "segment", Target: strings.Join(g.masks.Classes, ","), Split: emb.Test, N: len(rows), Persons: units.Len(), Names: g.masks.Classes, Known: map[string]int{}, Empty: map[string]int{}, Metrics: valuesOf(results),
		Encoder: g.cfg.Model.Encoder, From: g.set.From, ImageSize: g.cfg.ImageSize, Checkpoint: t.name, Step: t.step, Seed: g.cfg.Seed, Notes: append([]string{}, g.notes...), Version: version + revision()}
	m.count(rows)
	for name, write := range map[string]func(io.Writer) error{"metrics.json": m.write, reportName: func(w io.Writer) error { return t.page(w, m, results) }} {
		if err := folder.WriteFile(filepath.Join(g.dir, name), 0o644, write); err != nil {
			return err
		}
	}
	for _, r := range results[:min(headMetrics, len(results))] {
		g.say("%-24s %s", r.Name, inWords(r))
	}
	g.say("wrote %s: %d test images of %d persons; masks and pictures are in %s", g.dir, m.N, m.Persons, t.private)
	return nil
}

// count fills Known and Empty.
func (m segmentMetrics) count(rows [][]*measure.Overlap) {
	for k, class := range m.Names {
		m.Known[class], m.Empty[class] = 0, 0
		for _, r := range rows {
			if r[k] != nil {
				m.Known[class]++
			}
			if r[k] != nil && r[k].Truth == 0 {
				m.Empty[class]++
			}
		}
	}
}

func (m segmentMetrics) write(w io.Writer) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", text)
	}
	return err
}

// page writes report.html. It holds no ids and no image.
func (t *maskTest) page(w io.Writer, m segmentMetrics, results []measure.Result) error {
	g := t.g
	p := report.Probed{Title: "contig-gpu segment: " + strings.Join(m.Names, ", "), Results: results, Notes: append(append([]string{}, g.notes...), "Scored at the images' own size. Predicted masks and pictures are in private/, for they are of participants.")}
	for _, k := range m.Names {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: known of %d test images, empty in %d of them.", k, m.Known[k], m.Empty[k]))
	}
	p.Facts = []report.Fact{{Name: "network", Value: g.set.said(g.cfg)}, {Name: "checkpoint", Value: fmt.Sprintf("%s, step %d", m.Checkpoint, m.Step)}, {Name: "told of", Value: fmt.Sprintf("%d test images of %d persons", m.N, m.Persons)}}
	return report.WriteProbed(w, p)
}

// lines are those of predictions.tsv: an image and a class each.
func (t *maskTest) lines() [][]string {
	g := t.g
	lines := [][]string{{"person_id", "image", "class", "mask", "dice", "iou", "truth_pixels", "predicted_pixels"}}
	for _, r := range t.rows {
		for k, class := range g.masks.Classes {
			line := []string{g.cohort.Persons[g.cohort.Images[r.image].Person].ID, g.names[r.image], class, filepath.ToSlash(r.files[k]), "NA", "NA", "NA", "NA"}
			if o := r.overlaps[k]; o != nil {
				line = append(line[:4], cell(o.Dice()), cell(o.IoU()), strconv.Itoa(int(o.Truth)), strconv.Itoa(int(o.Predicted)))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// writeMask writes a mask as a grey PNG: 255 where the class is.
func writeMask(path string, m *mask.Mask) error {
	img := image.NewGray(image.Rect(0, 0, m.W, m.H))
	for i, v := range m.Pix {
		img.Pix[i] = 255 * v
	}
	return writePrivate(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// Of pictures: how many there are, and the longest side in pixels.
const (
	mostOverlays = 24
	overlaySide  = 800
)

// outlines are where a class is, and where it is predicted; the former is nil where it is not known.
type outlines struct{ truth, found *mask.Mask }

// colours are those of the outlines: of the truth, and of what is predicted, by class in turn.
func outlineColours() (truth color.RGBA, found []color.RGBA) {
	return color.RGBA{0, 255, 0, 255}, []color.RGBA{{255, 0, 255, 255}, {0, 200, 255, 255}, {255, 160, 0, 255}, {255, 255, 255, 255}}
}

// writeOverlay writes an image with the outlines of what it shows, green, and of what is predicted.
func writeOverlay(path, source string, classes []outlines) error {
	src, err := fundus.Decode(source)
	if err != nil {
		return err
	}
	step := (max(src.W, src.H) + overlaySide - 1) / overlaySide
	w, h := (src.W+step-1)/step, (src.H+step-1)/step
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p := src.Pix[3*(y*step*src.W+x*step):]
			img.SetRGBA(x, y, color.RGBA{p[0], p[1], p[2], 255})
		}
	}
	green, found := outlineColours()
	for k, o := range classes {
		outline(img, o.found, step, found[k%len(found)])
		outline(img, o.truth, step, green)
	}
	return writePrivate(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// outline draws the pixels of a mask that have one beside them which is not of it; nil draws nothing.
func outline(img *image.RGBA, m *mask.Mask, step int, c color.RGBA) {
	if m == nil {
		return
	}
	b := img.Bounds()
	at := func(x, y int) bool {
		return image.Pt(x, y).In(b) && m.Pix[y*step*m.W+x*step] != 0
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			if at(x, y) && !(at(x-1, y) && at(x+1, y) && at(x, y-1) && at(x, y+1)) {
				img.SetRGBA(x, y, c)
			}
		}
	}
}
