package main

import (
	"image"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/data/synth"
	"contig-gpu/model/train"
)

// shownPictures is the most pictures that a report has.
const shownPictures = 12

// examples returns some training images as the encoder sees them, none where they cannot be read. Those of participants are
// shown with --pictures only; without it they are left out, which left says. An image is no participant's if its own bytes
// say that synth has drawn it: a manifest or a name may be wrong.
func (r *trainRun) examples() (shown []image.Image, left string) {
	const hint = "Pictures of participants are left out. With --pictures, the report shows some training images."
	all := r.values.Pictures
	if !all && !drawn(sample(r.cohort.Images)) {
		return nil, hint
	}
	src, err := sourcesBut(r.cohort, r.cfg, r.bad)(train.Feed{Split: data.Train, Train: true})
	if err != nil {
		return nil, ""
	}
	defer src.Close()
	var b data.Batch
	if src.Reset(0, 0) != nil || src.Next(&b) != nil {
		return nil, ""
	}
	d := src.Dims()
	for i := range min(b.N, shownPictures) {
		if !all && !synth.Drawn(r.cohort.Images[b.Index[i]].Path) {
			left = hint
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
