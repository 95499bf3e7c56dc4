package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
)

// embed turns images into data: URLs, pixel by pixel.
func embed(images []image.Image) ([]template.URL, error) {
	var out []template.URL
	for _, im := range images {
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			return nil, fmt.Errorf("report: example image: %w", err)
		}
		out = append(out, template.URL("data:image/png;base64,"+base64.StdEncoding.EncodeToString(b.Bytes())))
	}
	return out, nil
}

// thumbSide is the longer side of a thumbnail, in pixels, and thumbQuality what a JPEG has: a page of many is still small.
const thumbSide, thumbQuality = 128, 82

// thumbnails are images as small JPEGs.
func thumbnails(images []image.Image) ([]template.URL, error) {
	var out []template.URL
	for _, im := range images {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, shrunk(im, thumbSide), &jpeg.Options{Quality: thumbQuality}); err != nil {
			return nil, fmt.Errorf("report: thumbnail: %w", err)
		}
		out = append(out, template.URL("data:image/jpeg;base64,"+base64.StdEncoding.EncodeToString(b.Bytes())))
	}
	return out, nil
}

// shrunk returns an image of at most so many pixels a side, each the mean of those that it stands for; a smaller one as it is.
func shrunk(im image.Image, side int) image.Image {
	r := im.Bounds()
	w, h := r.Dx(), r.Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	} else {
		return im
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			part := image.Rect(r.Min.X+x*r.Dx()/w, r.Min.Y+y*r.Dy()/h, r.Min.X+(x+1)*r.Dx()/w, r.Min.Y+(y+1)*r.Dy()/h)
			out.Set(x, y, meanColour(im, part))
		}
	}
	return out
}

// meanColour returns the mean of the pixels of a part of an image.
func meanColour(im image.Image, part image.Rectangle) color.RGBA64 {
	var sum [3]uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, _ := im.At(x, y).RGBA()
			sum[0], sum[1], sum[2] = sum[0]+uint64(r), sum[1]+uint64(g), sum[2]+uint64(b)
		}
	}
	n := uint64(part.Dx() * part.Dy())
	return color.RGBA64{uint16(sum[0] / n), uint16(sum[1] / n), uint16(sum[2] / n), 0xffff}
}
