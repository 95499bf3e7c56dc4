package synth

import (
	"bytes"
	"context"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
)

// TestDrawn: every image of a cohort is known for a drawing by its own bytes, and no other file is, nor a drawing that was
// stored anew.
func TestDrawn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cohort")
	o := Options{Persons: 3, ImagesPerPerson: 2, ImageSize: 16, Covariates: 1, Seed: 1}
	if _, err := Write(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	images, err := filepath.Glob(filepath.Join(dir, "images", "*"))
	if err != nil || len(images) != 6 {
		t.Fatalf("%d images, %v", len(images), err)
	}
	for _, path := range images {
		if !Drawn(path) {
			t.Errorf("%s is not known for a drawing", path)
		}
	}
	raw, err := os.ReadFile(images[0])
	if err != nil {
		t.Fatal(err)
	}
	im, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := jpeg.Encode(&again, im, nil); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "synthetic.jpg")
	for _, content := range [][]byte{again.Bytes(), raw[:20], nil} {
		if err := os.WriteFile(other, content, 0o600); err != nil || Drawn(other) {
			t.Errorf("a file of %d bytes is taken for a drawing; %v", len(content), err)
		}
	}
	if Drawn(dir) || Drawn(filepath.Join(dir, "none")) {
		t.Error("a folder, or nothing, is taken for a drawing")
	}
}
