package synth

import (
	"bytes"
	"context"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/folder"
)

// opened decodes a file of dir.
func opened(t *testing.T, dir, name string) image.Image {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// brightness returns the mean green of the pixels in a mask, and of those that are up to two pixels beside it and in no mask.
func brightness(img image.Image, mask, other *image.Gray) (in, beside float64, n int) {
	var out int
	near := func(x, y int) bool {
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				if mask.GrayAt(x+dx, y+dy).Y > 0 {
					return true
				}
			}
		}
		return false
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			_, g, _, _ := img.At(x, y).RGBA()
			switch {
			case mask.GrayAt(x, y).Y > 0 && other.GrayAt(x, y).Y == 0:
				in, n = in+float64(g), n+1
			case near(x, y) && other.GrayAt(x, y).Y == 0 && mask.GrayAt(x, y).Y == 0 && g > 0x1000:
				beside, out = beside+float64(g), out+1
			}
		}
	}
	return in / float64(n), beside / float64(out), n
}

// TestMasks: the masks lie where the photograph shows the disc, bright, and the vessels, dark, mirrored eyes among them; and writing
// them changes no other file.
func TestMasks(t *testing.T) {
	o := Options{Persons: 6, ImagesPerPerson: 2, ImageSize: 96, Scores: 1, Effect: 1, Seed: 9}
	plain, dir := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "masked")
	if _, err := Write(context.Background(), plain, o); err != nil {
		t.Fatal(err)
	}
	o.Masks = true
	if _, err := Write(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(plain, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == folder.MarkName { // the mark lists what is there
			return err
		}
		rel, _ := filepath.Rel(plain, path)
		a, _ := os.ReadFile(path)
		if b, err := os.ReadFile(filepath.Join(dir, rel)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs with masks: %v", rel, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "masks.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if lines[0] != "image\tclass\tmask" || len(lines) != 1+2*12 {
		t.Fatalf("%d lines, the first %q", len(lines), lines[0])
	}
	for i := 1; i < len(lines); i += 2 {
		disc, vessels := strings.Split(lines[i], "\t"), strings.Split(lines[i+1], "\t")
		if disc[0] != vessels[0] || disc[1] != "disc" || vessels[1] != "vessels" {
			t.Fatalf("rows %q and %q", disc, vessels)
		}
		img, d, v := opened(t, dir, disc[0]), opened(t, dir, disc[2]).(*image.Gray), opened(t, dir, vessels[2]).(*image.Gray)
		if in, beside, n := brightness(img, d, v); !(in > 1.2*beside) || n < 40 {
			t.Errorf("%s: the disc's %d pixels are %.0f bright, those beside it %.0f", disc[0], n, in, beside)
		}
		if in, beside, n := brightness(img, v, d); !(in < 0.85*beside) || n < 40 {
			t.Errorf("%s: the vessels' %d pixels are %.0f bright, those beside them %.0f", disc[0], n, in, beside)
		}
	}
}

// TestMaskOfTheDisc: its pixels are those of an ellipse of the look's radius.
func TestMaskOfTheDisc(t *testing.T) {
	l := look{discX: 0.46, discR: 0.25, width: 0.03}
	masks := drawing{l, stream(3, "shape", 0)}.masks(200)
	n := bytes.Count(masks[0].Pix, []byte{255})
	perUnit := 200 / (2 * extent)
	if want := math.Pi * l.discR * l.discR / 0.9 * perUnit * perUnit; math.Abs(float64(n)-want) > 0.02*want {
		t.Errorf("%d pixels, want about %.0f", n, want)
	}
	if masks[0].GrayAt(100+int(l.discX*perUnit), 100).Y != 255 || masks[0].GrayAt(100-int(l.discX*perUnit), 100).Y != 0 {
		t.Error("the disc is not where the look has it")
	}
}

// TestEmptyMask: where no pixel is half covered the table says so, and there is no file.
func TestEmptyMask(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cohort")
	if _, err := Write(context.Background(), dir, Options{Persons: 40, ImagesPerPerson: 1, ImageSize: 8, Scores: 1, Effect: 1, Seed: 2, Masks: true}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "masks.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	empty := strings.Count(string(raw), "\tempty\n")
	files, err := filepath.Glob(filepath.Join(dir, "masks", "*", "*.png"))
	if err != nil || empty == 0 || empty+len(files) != 80 {
		t.Errorf("%d empty masks and %d files of 80: %v", empty, len(files), err)
	}
}
