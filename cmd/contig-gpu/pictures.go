package main

import (
	"image"
	"path"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/data/synth"
	"contig-gpu/model/train"
)

// shownPictures is the most pictures of training images on a page.
const shownPictures = 12

// examples returns training images for the report as the encoder sees them, none where they cannot be read. Those of participants are never in it; left
// says so, and where they are. An image is no participant's if its own bytes say that synth has drawn it: a manifest or a name may be wrong.
func (r *trainRun) examples() (shown []image.Image, left string) {
	hint := "Pictures of participants are left out. With --pictures, " + path.Join(privateName, picturesName) + " has some, for the owner of the run."
	if r.values.Pictures {
		hint = "Pictures of participants are in " + path.Join(privateName, picturesName) + " alone, for the owner of the run."
	}
	if !drawn(sample(r.cohort.Images)) {
		return nil, hint
	}
	shown, some := r.trainingPictures(synth.Drawn)
	if some {
		left = hint
	}
	return shown, left
}

// trainingPictures returns those of the first batch's images whose paths show has, none where they cannot be read, and whether others were left out.
func (r *trainRun) trainingPictures(show func(path string) bool) (shown []image.Image, left bool) {
	src, err := sourcesBut(r.cohort, r.cfg, r.bad)(train.Feed{Split: data.Train, Train: true})
	if err != nil {
		return nil, false
	}
	defer src.Close()
	var b data.Batch
	if src.Reset(0, 0) != nil || src.Next(&b) != nil {
		return nil, false
	}
	d := src.Dims()
	for i := range min(b.N, shownPictures) {
		if !show(r.cohort.Images[b.Index[i]].Path) {
			left = true
			continue
		}
		n := d.Height * d.Width * 3
		shown = append(shown, picture(b.Image[i*n:(i+1)*n], d.Width, d.Height))
	}
	return shown, left
}

// drawn reports whether synth has drawn all of the images.
func drawn(images []data.Image) bool {
	for _, im := range images {
		if !synth.Drawn(im.Path) {
			return false
		}
	}
	return true
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
