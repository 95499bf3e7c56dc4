package synth

import (
	"cmp"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func picture(traits []float64, mirrored bool, size, person int) *image.RGBA {
	l := newLook(traits, mirrored, stream(2, "photo", 0))
	return drawImage(l, size, stream(3, "shape", person), stream(3, "noise", person))
}

// TestContactSheet draws each property from its least to its most, a row each, and a row of persons; it writes the
// sheet to the file that CONTIG_SHEET names, to be looked at.
func TestContactSheet(t *testing.T) {
	path := os.Getenv("CONTIG_SHEET")
	size, cols := 128, 8
	if path == "" {
		size, cols = 24, 3
	}
	sheet := image.NewRGBA(image.Rect(0, 0, size*cols, size*(traitCount+1)))
	for k := range traitCount + 1 {
		for c := range cols {
			traits := make([]float64, traitCount)
			if k < traitCount {
				traits[k] = -2.4 + 4.8*float64(c)/float64(cols-1)
			} else {
				copy(traits, normals(stream(1, "sheet", c), traitCount))
			}
			at := image.Rect(c*size, k*size, (c+1)*size, (k+1)*size)
			draw.Draw(sheet, at, picture(traits, c%2 == 1 && k == traitCount, size, c), image.Point{}, draw.Src)
			if corner := sheet.RGBAAt(at.Min.X, at.Min.Y); corner.R > 8 {
				t.Errorf("row %d: the corner is %v, want black", k, corner)
			}
			if m := sheet.RGBAAt(at.Min.X+size/3, at.Min.Y+size/3); m.R <= m.B || m.R < 60 {
				t.Errorf("row %d: the fundus is %v, want red to orange", k, m)
			}
		}
	}
	if path != "" {
		save(t, path, sheet)
	}
}

func save(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err == nil {
		err = cmp.Or(png.Encode(f, img), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryPropertyShows(t *testing.T) {
	for k, p := range properties() {
		low, high := make([]float64, traitCount), make([]float64, traitCount)
		low[k], high[k] = -1.5, 1.5
		a, b := picture(low, false, 64, 1), picture(high, false, 64, 1)
		var changed float64
		for i := range a.Pix {
			changed += math.Abs(float64(a.Pix[i]) - float64(b.Pix[i]))
		}
		if changed /= float64(len(a.Pix)); changed < 0.25 {
			t.Errorf("%s changes a mean of %g grey levels", p.name, changed)
		}
	}
}

// patches returns the mean of each colour in a grid over an image file, left eyes mirrored, and their spread.
func patches(t *testing.T, path string, grid int) []float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Dx()
	out := make([]float64, 3*grid*grid+1)
	for y := range size {
		for x := range size {
			from := x
			if strings.Contains(filepath.Base(path), "_L_") {
				from = size - 1 - x
			}
			r, g, b, _ := img.At(from, y).RGBA()
			cell := 3 * (y*grid/size*grid + x*grid/size)
			for k, v := range []uint32{r, g, b} {
				out[cell+k] += float64(v) / 65535 * sq(float64(grid)/float64(size))
			}
		}
	}
	out[3*grid*grid] = 1
	return out
}

// fit returns the ridge regression of y on the rows of x.
func fit(x [][]float64, y []float64, ridge float64) []float64 {
	n := len(x[0])
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n+1)
		a[i][i] = ridge
		for r, row := range x {
			for j, v := range row {
				a[i][j] += row[i] * v
			}
			a[i][n] += row[i] * y[r]
		}
	}
	for i := range a {
		for r := range a {
			if f := a[r][i] / a[i][i]; r != i {
				for j := i; j <= n; j++ {
					a[r][j] -= f * a[i][j]
				}
			}
		}
	}
	w := make([]float64, n)
	for i := range w {
		w[i] = a[i][n] / a[i][i]
	}
	return w
}

// decoded returns the r2 on held-out persons of a property's liability with what a regression on patches predicts.
func decoded(t *testing.T, effect float64, target func(w *world) []float64) float64 {
	t.Helper()
	o := Options{Persons: 300, ImagesPerPerson: 1, ImageSize: 24, SNPs: 100, Scores: 12, Covariates: 1, Effect: effect, Seed: 3}
	w, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	s, y := write(t, o), target(w)
	x := make([][]float64, o.Persons)
	for i := range x {
		x[i] = patches(t, filepath.Join(s.Dir, w.imagePath(i)), 3)
	}
	weights := fit(x[:200], y[:200], 1e-3)
	guess := make([]float64, 100)
	for i := range guess {
		for j, v := range x[200+i] {
			guess[i] += weights[j] * v
		}
	}
	return r2(guess, y[200:])
}

func TestImagesTellTheScores(t *testing.T) {
	for score, name := range map[int]string{0: "hue", 1: "pigment"} {
		target := func(w *world) []float64 { return w.scores[score].values }
		if got := decoded(t, 1, target); got < 0.6 {
			t.Errorf("%s: r2 %g of the score from the image at effect 1", name, got)
		}
		if got := decoded(t, 0, target); got > 0.06 {
			t.Errorf("%s: r2 %g of the score from the image at effect 0", name, got)
		}
	}
}

func TestImagesTellTheTraitsWithoutEffect(t *testing.T) {
	if got := decoded(t, 0, func(w *world) []float64 { return w.trait(hue) }); got < 0.6 {
		t.Errorf("r2 %g of the trait from the image", got)
	}
}
