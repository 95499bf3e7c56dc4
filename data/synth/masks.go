package synth

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// masksName is the table of masks, beside the manifest; emptyMask stands in it for a mask without a pixel.
const (
	masksName = "masks.tsv"
	emptyMask = "empty"
)

// maskClasses are what masks show, in the order of the table and of a mask canvas's colours.
func maskClasses() []string { return []string{"disc", "vessels"} }

// maskShare is the part of a pixel that the class must cover for the pixel to be of its mask: half of it is the nearest outline that
// pixels can draw.
const maskShare = 0.5

// writeMasks writes masks.tsv and, for each image and class, the mask it names: a grey PNG of the image's size, 255 where the class is.
func (w *world) writeMasks(ctx context.Context, dir string) error {
	for _, class := range maskClasses() {
		if err := os.MkdirAll(filepath.Join(dir, "masks", class), 0o755); err != nil {
			return err
		}
	}
	rows := make([]string, len(w.people)*w.o.ImagesPerPerson)
	err := inParallel(len(rows), func(i int) (err error) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows[i], err = w.writeMasksOf(dir, i)
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, masksName), []byte("image\tclass\tmask\n"+strings.Join(rows, "")), 0o644)
}

// writeMasksOf writes the masks of image i and returns their rows of the table.
func (w *world) writeMasksOf(dir string, i int) (string, error) {
	file, rows := w.imagePath(i), ""
	masks := w.draw(i).masks(w.o.ImageSize)
	for k, class := range maskClasses() {
		at := emptyMask
		if bytes.IndexByte(masks[k].Pix, 255) >= 0 {
			at = path.Join("masks", class, strings.TrimSuffix(path.Base(file), path.Ext(file))+".png")
			var b bytes.Buffer
			if err := png.Encode(&b, masks[k]); err != nil {
				return "", err
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(at)), b.Bytes(), 0o644); err != nil {
				return "", err
			}
		}
		rows += fmt.Sprintf("%s\t%s\t%s\n", file, class, at)
	}
	return rows, nil
}

// masks returns where each class is in the photograph of a drawing, which it takes with the same turn, shift and mirror.
func (d drawing) masks(size int) []*image.Gray {
	c := newCanvas(size * supersample)
	c.vessels(d.look, d.shape)
	c.classify(d.look)
	out := make([]*image.Gray, len(maskClasses()))
	for k := range out {
		out[k] = image.NewGray(image.Rect(0, 0, size, size))
	}
	for j := range size {
		for i := range size {
			share := c.pixel(i, j, d.look)
			for k := range out {
				if share[k] >= maskShare {
					out[k].SetGray(i, j, color.Gray{Y: 255})
				}
			}
		}
	}
	return out
}

// classify writes how much of each point a class covers in the place of a colour: of the disc what is inside its radius, where the
// drawing has its edge, and of vessels what they hide.
func (c *canvas) classify(l look) {
	perUnit := float64(c.n) / (2 * extent)
	for at := range c.vein {
		x, y := (float64(at%c.n)+0.5)/perUnit-extent, (float64(at/c.n)+0.5)/perUnit-extent
		if x*x+y*y >= 1 {
			continue
		}
		if l.fromDisc(x, y) <= l.discR {
			c.colour[3*at] = 1
		}
		c.colour[3*at+1] = max(c.vein[at], c.artery[at])
	}
}
