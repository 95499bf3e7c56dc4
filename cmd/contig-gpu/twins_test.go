package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/fundus"
)

// TestTwins: images with the same pixels are found whatever their files are (P13), those of one person are not told of, and the list of bad rows names each.
func TestTwins(t *testing.T) {
	dir := tiny(t)
	rows := keyed(t, dir, "images.tsv")
	split := func(i int) string { return []string{"train", "train", "validation", "test"}[i%4] }
	text := "person_id\timage\tsplit\n"
	for i, row := range rows {
		text += row["person_id"] + "\t" + row["image"] + "\t" + split(i) + "\n"
	}
	copyAs := func(from, to string, person int) {
		im, err := fundus.Decode(filepath.Join(dir, rows[0]["image"]))
		mustDo(t, err)
		out := image.NewRGBA(image.Rect(0, 0, im.W, im.H))
		for k := range im.W * im.H {
			out.Set(k%im.W, k/im.W, color.RGBA{im.Pix[3*k], im.Pix[3*k+1], im.Pix[3*k+2], 255})
		}
		var b bytes.Buffer
		mustDo(t, png.Encode(&b, out))
		mustDo(t, os.WriteFile(filepath.Join(dir, to), b.Bytes(), 0o600))
		text += rows[person]["person_id"] + "\t" + to + "\t" + split(person) + "\n"
	}
	check := []string{"check", "--images", dir + "/images.tsv", "--data", dir + "/data.toml"}
	copyAs(rows[0]["image"], "own.png", 0)
	mustDo(t, os.WriteFile(dir+"/images.tsv", []byte(text), 0o600))
	if out := must(t, check...); strings.Contains(out, "W504") {
		t.Errorf("two of one person: %s", out)
	}
	copyAs(rows[0]["image"], "train.png", 1)
	copyAs(rows[0]["image"], "test.png", 3)
	mustDo(t, os.WriteFile(dir+"/images.tsv", []byte(text), 0o600))
	list := filepath.Join(t.TempDir(), "bad")
	if out := must(t, append(check, "--bad-list", list)...); !strings.Contains(out, "W504: 2 images have the same pixels as an image of another person, 1 of them in another split") {
		t.Errorf("check says %s", out)
	}
	if text := string(read(t, list)); strings.Count(text, "W504\t") != 2 || !strings.Contains(text, "test.png\t44") {
		t.Errorf("the list is %s", text)
	}
}
