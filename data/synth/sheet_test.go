package synth

import (
	"image"
	"image/draw"
	"image/png"
	"os"
	"testing"
)

func TestSheet(t *testing.T) {
	path := os.Getenv("SHEET")
	if path == "" {
		t.Skip("SHEET names no file")
	}
	size, cols := 128, 8
	sheet := image.NewRGBA(image.Rect(0, 0, size*cols, size*(traitCount+1)))
	for k := range traitCount + 1 {
		for c := range cols {
			traits := make([]float64, traitCount)
			if k < traitCount {
				traits[k] = -2.4 + 4.8*float64(c)/float64(cols-1)
			} else {
				copy(traits, normals(stream(1, "sheet", c), traitCount))
			}
			l := newLook(traits, c%2 == 1 && k == traitCount, stream(2, "photo", 0))
			img := drawEye(l, size, c)
			draw.Draw(sheet, image.Rect(c*size, k*size, (c+1)*size, (k+1)*size), img, image.Point{}, draw.Src)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, sheet); err != nil {
		t.Fatal(err)
	}
}

func drawEye(l look, size, c int) image.Image {
	return drawImage(l, size, stream(3, "shape", c), stream(3, "noise", c))
}
