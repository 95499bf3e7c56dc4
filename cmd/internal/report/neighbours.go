package report

import (
	"html/template"
	"image"
	"io"
)

// Neighbours are the participants nearest to one of those held out. They are pictures of participants: the page is for its owner.
type Neighbours struct {
	Title               string
	Own                 image.Image // nil: it cannot be shown
	ToGenetics, ToImage float64     // ranks of the own partner
	Candidates          int
	ByImage, ByGenetics []Neighbour // whose genetics are nearest to the image, and whose images to the genetics; the nearest first
}

// A Neighbour is one of them.
type Neighbour struct {
	Image image.Image // nil: it cannot be shown
	Hit   bool        // it is the participant looked for
}

// A shownNeighbour is a picture of the page.
type shownNeighbour struct {
	URL template.URL
	Hit bool
}

// WritePictures writes a page of pictures of participants, without scripts or references to anything outside: training images as the encoder sees them, and
// those held out that were looked for.
func WritePictures(w io.Writer, title string, training []image.Image, all []Neighbours) error {
	t, err := template.New("neighbours").Parse(neighbourPage)
	if err != nil {
		return err
	}
	type row struct {
		Neighbours
		Picture         shownNeighbour
		Genetics, Image []shownNeighbour
	}
	var rows []row
	for _, n := range all {
		x := row{Neighbours: n}
		own, err := shownAs([]Neighbour{{n.Own, false}})
		if err != nil {
			return err
		}
		x.Picture = own[0]
		if x.Genetics, err = shownAs(n.ByImage); err != nil {
			return err
		}
		if x.Image, err = shownAs(n.ByGenetics); err != nil {
			return err
		}
		rows = append(rows, x)
	}
	examples, err := thumbnails(training)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Title": title, "Style": template.CSS(style), "Training": examples, "Rows": rows})
}

// shownAs turns pictures into data: URLs, empty where there is none.
func shownAs(all []Neighbour) ([]shownNeighbour, error) {
	out := make([]shownNeighbour, len(all))
	for i, n := range all {
		if out[i].Hit = n.Hit; n.Image == nil {
			continue
		}
		urls, err := thumbnails([]image.Image{n.Image})
		if err != nil {
			return nil, err
		}
		out[i].URL = urls[0]
	}
	return out, nil
}

const neighbourPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Title}}</title>
<style>{{.Style}}.thumbs img{width:96px;height:96px;border:3px solid transparent}.thumbs img.hit{border-color:var(--c2);outline:2px solid var(--ink)}</style></head><body>
{{define "row"}}<p class="thumbs">{{range $i, $n := .}}{{if .URL}}<img{{if .Hit}} class="hit"{{end}} src="{{.URL}}" alt="{{if .Hit}}the participant looked for{{else}}another participant{{end}}, the nearest but {{$i}}">{{else}}<span>no picture</span>{{end}}{{end}}</p>{{end}}
<header><h1>{{.Title}}</h1><p class="warn">This page has pictures of participants. It is for the owner of the run.</p></header>
<main>{{if .Training}}<section><h2>Training images</h2><p>As the encoder sees them, the first of its first batch.</p><div class="images">{{range .Training}}<img alt="training image" src="{{.}}">{{end}}</div></section>
{{end}}{{if .Rows}}<section><h2>Nearest participants</h2><p>Of some held-out participants, evenly from all: the five whose genetics are nearest to the image, and the five whose images are nearest to the genetics, by all modalities together. The participant looked for is framed.</p></section>
{{end}}{{range .Rows}}<section><h2>{{.Title}}</h2><p class="thumbs">{{with .Picture.URL}}<img src="{{.}}" alt="the participant looked for">{{end}}</p>
<h3>By the image: own genetics at rank {{.ToGenetics}} of {{.Candidates}}</h3>{{template "row" .Genetics}}
<h3>By the genetics: own image at rank {{.ToImage}} of {{.Candidates}}</h3>{{template "row" .Image}}</section>
{{end}}</main></body></html>
`
