package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data/folder"
	"contig-gpu/data/fundus"
	"contig-gpu/model/eval"
)

// picturesName is the page of pictures of participants, in private/.
const picturesName = "pictures.html"

// shownSide is the side of its pictures, in pixels.
const shownSide = 96

// keepPictures writes the page of training images, of the persons looked for and of those nearest to them, which has pictures of participants: for its
// owner only, and only where --pictures asks for it. h is of the test split; nil where a training without retrieval has no such persons.
func (r *trainRun) keepPictures(h *eval.Heldout) {
	if !r.values.Pictures {
		return
	}
	var page bytes.Buffer
	training, _ := r.trainingPictures(func(string) bool { return true })
	if err := report.WritePictures(&page, "contig-gpu: "+nameOf(r.dir)+", pictures of participants", training, r.neighbours(h)); err != nil {
		r.failed = errors.Join(r.failed, err)
		return
	}
	dir := filepath.Join(r.dir, privateName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		r.failed = errors.Join(r.failed, err)
		return
	}
	err := folder.WriteFile(filepath.Join(dir, picturesName), private, func(w io.Writer) error {
		_, err := page.WriteTo(w)
		return err
	})
	if err != nil {
		r.failed = errors.Join(r.failed, err)
		return
	}
	r.say("%s has pictures of participants, for you alone", filepath.Join(r.dir, privateName, picturesName))
}

// neighbours are the persons looked for in h, with those nearest to them; h may be nil.
func (r *trainRun) neighbours(h *eval.Heldout) []report.Neighbours {
	if h == nil {
		return nil
	}
	var rows []report.Neighbours
	for i, q := range h.Queries {
		n := report.Neighbours{Title: fmt.Sprintf("Query %d", i+1), Own: r.pictureOf(q.Person), ToGenetics: q.ToGenetics, ToImage: q.ToImage, Candidates: q.Candidates}
		for _, p := range q.ByImage {
			n.ByImage = append(n.ByImage, report.Neighbour{Image: r.pictureOf(p), Hit: p == q.Person})
		}
		for _, p := range q.ByGenome {
			n.ByGenetics = append(n.ByGenetics, report.Neighbour{Image: r.pictureOf(p), Hit: p == q.Person})
		}
		rows = append(rows, n)
	}
	return rows
}

// pictureOf returns a participant's first picture that can be decoded, as the encoder sees it; nil: none.
func (r *trainRun) pictureOf(person int) image.Image {
	for _, i := range r.cohort.Persons[person].Images {
		if r.cohort.Images[i].Skip {
			continue
		}
		im, err := fundus.Decode(r.cohort.Images[i].Path)
		if err != nil {
			continue
		}
		im = fundus.Square(im, shownSide, r.cfg.Fit)
		out := image.NewRGBA(image.Rect(0, 0, im.W, im.H))
		for k := range im.W * im.H {
			copy(out.Pix[4*k:], im.Pix[3*k:3*k+3])
			out.Pix[4*k+3] = 255
		}
		return out
	}
	return nil
}
