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

// thumbSide is the longer side of a thumbnail, in pixels, and thumbBytes what those of a page take together, unless they are noise.
const thumbSide, thumbBytes = 128, 48 << 10

// thumbnails are images as small JPEGs, of the best quality that leaves the page small.
func thumbnails(images []image.Image) (out []template.URL, err error) {
	for _, quality := range []int{82, 60, 40, 20} {
		if out, err = jpegs(images, quality); err != nil {
			return nil, err
		}
		bytes := 0
		for _, u := range out {
			bytes += len(u)
		}
		if bytes <= thumbBytes {
			break
		}
	}
	return out, nil
}

func jpegs(images []image.Image, quality int) ([]template.URL, error) {
	var out []template.URL
	for _, im := range images {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, shrunk(im, thumbSide), &jpeg.Options{Quality: quality}); err != nil {
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
