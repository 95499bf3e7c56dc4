package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"slices"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data/synth"
	"contig-gpu/model/explain"
)

const (
	shownMaps    = 24   // in the report
	heatQuantile = 0.99 // of |heat| that has the full colour
	mostHeat     = 0.75 // of a pixel that is the full colour; the rest is the photograph
)

// writeMaps writes private/maps: for each score and method a matrix [persons, H W] and overlays, and who they are of.
func (e *explanation) writeMaps(ctx context.Context, dir string) error {
	if len(e.maps) == 0 {
		return nil
	}
	dir = filepath.Join(dir, "private", "maps")
	if err := makePrivate(dir); err != nil {
		return err
	}
	side := e.trained.ImageSize
	for _, m := range e.maps {
		name := filepath.Join(dir, url.PathEscape(m.score)+"."+m.method)
		rows, who := [][]float32{}, [][]string{{"row", "person_id", "image"}}
		for k, h := range m.heats {
			row := make([]float32, len(h.V))
			for i, v := range h.V {
				row[i] = float32(v)
			}
			rows, who = append(rows, row), append(who, []string{fmt.Sprint(k), e.cohort.Persons[h.person].ID, e.cohort.Images[h.image].Path})
			if err := writePrivate(fmt.Sprintf("%s.%d.png", name, k), func(w io.Writer) error { return png.Encode(w, overlay(h, side, m.signed())) }); err != nil {
				return err
			}
		}
		if err := writePrivate(name+".npy", func(w io.Writer) error { return writeRows(w, npyHeadOf(len(rows), side, side), rows) }); err != nil {
			return err
		}
		if err := writeLines(name+".tsv", who); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// signed reports whether the values of the maps have a sign; others are magnitudes, or hold only what speaks for the match.
func (m heatMaps) signed() bool { return m.method == "ig" || m.method == "occlusion" }

// overlay draws a map over its image in grey: where values have a sign red above 0 and blue below, else amber, which is neither.
func overlay(h heat, side int, signed bool) image.Image {
	size := make([]float64, len(h.V))
	for i, v := range h.V {
		size[i] = math.Abs(v)
	}
	slices.Sort(size)
	top := size[int(heatQuantile*float64(len(size)-1))]
	if top == 0 {
		top = size[len(size)-1] // few pixels have any
	}
	under := picture(h.base, side, side)
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	for i, v := range h.V {
		x, y := i%side, i/side
		g := color.GrayModel.Convert(under.At(x, y)).(color.Gray).Y
		share := 0.0
		if top > 0 {
			share = mostHeat * min(1, math.Abs(v)/top)
		}
		hot := color.RGBA{250, 190, 0, 255}
		switch {
		case signed && v > 0:
			hot = color.RGBA{230, 60, 20, 255}
		case signed:
			hot = color.RGBA{30, 110, 230, 255}
		}
		mix := func(a, b uint8) uint8 { return uint8((1-share)*0.8*float64(a) + share*float64(b)) }
		out.SetRGBA(x, y, color.RGBA{mix(g, hot.R), mix(g, hot.G), mix(g, hot.B), 255})
	}
	return out
}

// gallery returns the overlays that the report shows, as many of each score and method: those of images that synth drew, or with --pictures all, and why others are
// left out.
func (e *explanation) gallery() (shown []report.Picture, left string) {
	if len(e.maps) == 0 {
		return nil, ""
	}
	most := max(1, shownMaps/len(e.maps))
	for _, m := range e.maps {
		n := 0
		for k, h := range m.heats {
			if !e.set.Pictures && !synth.Drawn(e.cohort.Images[h.image].Path) {
				left = "Heat maps of participants are left out; they lie under private/maps. With --pictures the report shows some."
				continue
			}
			if n++; n <= most {
				shown = append(shown, report.Picture{Caption: fmt.Sprintf("%s, %s, image %d", m.score, m.method, k), Image: overlay(h, e.trained.ImageSize, m.signed())})
			}
		}
	}
	return shown, left
}

// legend says what the colours of the overlays mean.
func (e *explanation) legend() string {
	worse, better := "makes the match worse", "makes it better"
	if e.set.of == explain.Similarity {
		worse, better = "brings image and genetics together", "moves them apart"
	}
	text := "Over the photograph in grey, of each map the strongest hundredth of its pixels in full colour: maps of different images are not to be compared by colour. " +
		"ig and occlusion: red raises the function (" + worse + "), blue lowers it (" + better + "). gradient and smooth: amber, how strongly a pixel acts in either direction. gradcam: amber, what speaks for the match."
	if e.direction != nil {
		text += " Of MODALITY:FEATURE the function is how much the similarity grows with that feature."
	}
	return text
}
