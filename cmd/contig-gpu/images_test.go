package main

import (
	"bytes"
	"image"
	"image/png"
	"path/filepath"
	"strings"
	"testing"
)

func TestOddImagesAreToldOf(t *testing.T) {
	dir := tiny(t)
	check := []string{"check", "--images", dir + "/images.tsv", "--data", dir + "/data.toml", "--image-size"}
	if out := must(t, append(check, "32")...); strings.Contains(out, "W50") {
		t.Errorf("nothing is odd about these images: %s", out)
	}
	images, err := filepath.Glob(filepath.Join(dir, "images", "*"))
	if err != nil || len(images) != 40 {
		t.Fatal(images, err)
	}
	white := image.NewGray(image.Rect(0, 0, 40, 33))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	for i, im := range []image.Image{image.NewGray(image.Rect(0, 0, 32, 8)), white} {
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			t.Fatal(err)
		}
		change(t, images[i], func([]byte) []byte { return b.Bytes() })
	}
	out := must(t, append(check, "40")...)
	for _, want := range []string{"W502: 39 of 40 images are smaller than 40 pixels", "W503: 2 of 40 images are nearly black or white"} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q: %s", want, out)
		}
	}
	out = must(t, small(dir, filepath.Join(t.TempDir(), "run"), "--max-steps", "1", "--image-size", "40")...)
	if !strings.Contains(out, "of 32 images are smaller than 40 pixels") || !strings.Contains(out, "W503: ") {
		t.Errorf("train says nothing of its images: %s", out)
	}
}
