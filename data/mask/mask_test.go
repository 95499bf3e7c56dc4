package mask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

func put(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func code(err error) int {
	var p *data.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return 0
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	m, err := Read(put(t, dir, "masks.tsv", []byte("# foreground = zero\nimage\tclass\tmask\tnote\r\na.jpg\tdisc\tm/a.bmp\tx\r\na.jpg\tatrophy\tempty\tx\r\nb.jpg\tdisc\t/abs/b.bmp\tx\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{{"a.jpg", "disc", filepath.Join(dir, "m", "a.bmp"), 3}, {"a.jpg", "atrophy", "", 4}, {"b.jpg", "disc", "/abs/b.bmp", 5}}
	if m.Foreground != (Foreground{Equals: true}) || !slices.Equal(m.Rows, want) || fmt.Sprint(m.Classes) != "[disc atrophy]" {
		t.Errorf("%+v", m)
	}
	s, err := m.Join([]string{"x.jpg", "a.jpg"}, nil)
	if err != nil || s.Known(0) != 0 || s.Known(1) != 2 || s.Strangers != 1 || s.Rows[1][1].Path != "" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = m.Join([]string{"b.jpg", "a.jpg"}, []string{"atrophy"}); err != nil || s.Known(0) != 0 || s.Known(1) != 1 || s.Strangers != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	for name, c := range map[string]struct {
		images, classes []string
		want            int
		cause           string
	}{
		"strangers": {[]string{"z.jpg"}, nil, 1051, "another data set"}, "folders": {[]string{"train/a.png"}, nil, 1051, "2 of 3 rows would meet"},
		"class": {[]string{"a.jpg"}, []string{"disk"}, 1050, "is disc meant?"}, "twice": {[]string{"a.jpg"}, []string{"disc", "disc"}, 1050, ""},
	} {
		_, err := m.Join(c.images, c.classes)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.want || !strings.Contains(p.Cause, c.cause) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"no column": {"image\tclass\tfile\na\tdisc\tx\n", 1050}, "twice": {"image\tclass\tmask\na\tdisc\tx\na\tdisc\ty\n", 1050}, "no class": {"image\tclass\tmask\na\tNA\tx\n", 1050},
		"foreground": {"# foreground = white\nimage\tclass\tmask\na\tdisc\tx\n", 1050}, "no rows": {"image\tclass\tmask\n", 105}, "ragged": {"image\tclass\tmask\na\tdisc\n", 106}, "empty": {"", 105},
	} {
		if _, err := Read(put(t, t.TempDir(), "masks.tsv", []byte(c.text))); code(err) != c.want {
			t.Errorf("%s: %v, want E%d", name, err, c.want)
		}
	}
}

func TestForeground(t *testing.T) {
	for s, is := range map[string]string{"nonzero": "1 76 127 128 255", "zero": "0", ">127": "128 255", "value 76": "76", "value 0": "0"} {
		f, ok := ParseForeground(s)
		var got []string
		for _, v := range []uint8{0, 1, 76, 127, 128, 255} {
			if f.is(v) {
				got = append(got, fmt.Sprint(v))
			}
		}
		if again, _ := ParseForeground(f.String()); !ok || strings.Join(got, " ") != is || again != f {
			t.Errorf("%s is %v", s, got)
		}
	}
	for _, s := range []string{"", "one", ">256", "> x", "value", "value -1", "-1"} {
		if _, ok := ParseForeground(s); ok {
			t.Errorf("%q is taken", s)
		}
	}
}

// kinds are images in which the pixels of a checkerboard's white are of the class, in every colour model that masks come in.
func kinds() map[string]image.Image {
	b := image.Rect(0, 0, 5, 3)
	grey, deep, rgb, alpha := image.NewGray(b), image.NewGray16(b), image.NewRGBA(b), image.NewNRGBA(b)
	palette := image.NewPaletted(b, color.Palette{color.RGBA{0, 0, 0, 255}, color.RGBA{255, 0, 0, 255}}) // as IDRiD has it
	turned := image.NewPaletted(b, color.Palette{color.White, color.Black})                              // index 0 is white
	blank := image.NewPaletted(b, color.Palette{color.Black, color.Black})
	for y := range 3 {
		for x := range 5 {
			on := (x+y)%2 == 0
			if rgb.SetRGBA(x, y, color.RGBA{A: 255}); on {
				grey.SetGray(x, y, color.Gray{1})
				deep.SetGray16(x, y, color.Gray16{3})
				rgb.SetRGBA(x, y, color.RGBA{0, 0, 1, 255})
				alpha.SetNRGBA(x, y, color.NRGBA{200, 0, 0, 0})
				palette.SetColorIndex(x, y, 1)
				blank.SetColorIndex(x, y, 1)
			} else {
				turned.SetColorIndex(x, y, 1)
			}
		}
	}
	return map[string]image.Image{"grey": grey, "grey16": deep, "rgb": rgb, "alpha": alpha, "palette": palette, "turned": turned, "blank": blank}
}

// TestFormats: in PNG, BMP and TIFF a pixel is of the class by its value, whatever the colour model.
func TestFormats(t *testing.T) {
	dir, n := t.TempDir(), 0
	for kind, m := range kinds() {
		for format, encode := range map[string]func(*bytes.Buffer) error{
			"png": func(b *bytes.Buffer) error { return png.Encode(b, m) }, "bmp": func(b *bytes.Buffer) error { return bmp.Encode(b, m) },
			"tif": func(b *bytes.Buffer) error { return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate}) },
		} {
			var b bytes.Buffer
			if format == "bmp" && (kind == "alpha" || kind == "grey16") || encode(&b) != nil {
				continue // what the format does not have
			}
			n++
			row := Row{Image: "i", Path: put(t, dir, kind+"."+format, b.Bytes())}
			for f, white := range map[Foreground]uint8{{}: 1, {Equals: true}: 0} {
				got, err := row.Load(f, 5, 3)
				if err != nil {
					t.Errorf("%s as %s: %v", kind, format, err)
					continue
				}
				for i, v := range got.Pix {
					if on := uint8(1 - (i%5+i/5)%2); v != 1-(on^white) {
						t.Errorf("%s as %s, %v: pixel %d is %d", kind, format, f, i, v)
						break
					}
				}
			}
		}
	}
	if n < 17 {
		t.Errorf("%d files were written", n)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	var whole, jpg bytes.Buffer
	if err := errors.Join(png.Encode(&whole, image.NewGray(image.Rect(0, 0, 9, 9))), jpeg.Encode(&jpg, image.NewGray(image.Rect(0, 0, 9, 9)), nil)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		want int
	}{
		"size": {put(t, dir, "a.png", whole.Bytes()), 1053}, "cut": {put(t, dir, "b.png", whole.Bytes()[:40]), 1052}, "jpeg": {put(t, dir, "c.png", jpg.Bytes()), 1052}, "none": {filepath.Join(dir, "none"), 1052}, "folder": {dir, 1052},
		"text": {put(t, dir, "d.tif", []byte("hello")), 1052}, "empty": {put(t, dir, "e.png", nil), 1052},
	} {
		if _, err := (&Row{Image: "i", Path: c.path}).Load(Foreground{}, 9, 8); code(err) != c.want {
			t.Errorf("%s: %v, want E%d", name, err, c.want)
		}
	}
	m, err := (&Row{}).Load(Foreground{Equals: true}, 4, 2)
	if err != nil || bytes.ContainsRune(m.Pix, 1) || len(m.Pix) != 8 {
		t.Errorf("an empty mask is %v, %v", m, err)
	}
}

// A fake gives batches of two images.
type fake struct {
	data.Source
	epoch int
}

func (f *fake) Reset(epoch, _ int) error { f.epoch = epoch; return nil }

func (f *fake) Next(b *data.Batch) error {
	b.N, b.Index = 2, []int32{1, 0}
	return nil
}

func (f *fake) Dims() data.Dims { return data.Dims{Batch: 2} }

// TestSource: rows get the masks of their images, unknown classes nothing, and variations follow the epoch alone.
func TestSource(t *testing.T) {
	dir := t.TempDir()
	var img, m bytes.Buffer
	board := image.NewGray(image.Rect(0, 0, 20, 20))
	for i := range board.Pix {
		board.Pix[i] = uint8(i % 20 / 10 * 255)
	}
	if err := errors.Join(png.Encode(&img, image.NewGray(image.Rect(0, 0, 20, 20))), png.Encode(&m, board)); err != nil {
		t.Fatal(err)
	}
	path, mask := put(t, dir, "i.png", img.Bytes()), put(t, dir, "m.png", m.Bytes())
	set := &Set{Classes: []string{"a", "b"}, Rows: [][]*Row{{{Path: mask}, nil}, {{Path: ""}, {Path: mask}}}}
	squares, err := set.Load(context.Background(), []string{path, path}, []int{8, 8}, data.FitPad, func(int, int) {})
	if err != nil || squares.Images[0] != (Size{20, 20}) || squares.Bytes() != 3*8 {
		t.Fatalf("%+v, %v", squares, err)
	}
	plain := NewSource(&fake{}, squares, SourceOptions{Size: 8, Workers: 3})
	var b data.Batch
	if err := plain.Next(&b); err != nil {
		t.Fatal(err)
	}
	for i, v := range b.Target {
		image, x, class := 1-i/128, i/2%8, i%2
		on := map[bool]float32{true: 1}[x >= 4 && image == class]
		if known := uint8(1); image == 0 && class == 1 && b.Known[i] != 0 || (image != 0 || class != 1) && b.Known[i] != known || v != on {
			t.Fatalf("element %d is %v, known %d", i, v, b.Known[i])
		}
	}
	o := SourceOptions{Size: 8, Varies: true, Augment: data.Augmentation{CropScale: 1, FlipHorizontal: .5, Rotation: 40}, Seed: 3}
	seen, first := map[string]bool{}, ""
	for _, epoch := range []int{0, 1, 2, 3, 4, 0} {
		s := NewSource(&fake{}, squares, o)
		if err := errors.Join(s.Reset(epoch, 0), s.Next(&b)); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(b.Target)
		if first == "" {
			first = key
		} else if epoch == 0 && key != first {
			t.Error("the same epoch gives other masks")
		}
		seen[key] = true
	}
	if len(seen) < 4 {
		t.Errorf("%d different variations of 5", len(seen))
	}
	other := &Set{Classes: set.Classes, Rows: [][]*Row{{{Path: mask}, {Path: ""}}, set.Rows[1]}}
	if again, err := other.Load(context.Background(), []string{path, path}, []int{8, 8}, data.FitPad, func(int, int) {}); err != nil || again.Digest == squares.Digest {
		t.Errorf("another mask has the same digest: %v", err)
	}
	set.Rows[0][0].Path = path + "x"
	if _, err := set.Load(context.Background(), []string{path, path}, []int{8, 8}, data.FitPad, func(int, int) {}); code(err) != 1052 {
		t.Errorf("%v", err)
	}
}
