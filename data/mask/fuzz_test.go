package mask

import (
	"bytes"
	"image/png"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// FuzzDecode reads anything as a mask: pixels that are 0 or 1, or why not.
func FuzzDecode(f *testing.F) {
	for _, m := range kinds() {
		var a, b, c bytes.Buffer
		if png.Encode(&a, m) != nil || bmp.Encode(&b, m) != nil || tiff.Encode(&c, m, nil) != nil {
			continue // a format does not have this kind
		}
		f.Add(a.Bytes())
		f.Add(b.Bytes())
		f.Add(c.Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, found, err := decoded(raw)
		if m == nil {
			if found == "" {
				t.Errorf("nothing was found: %v", err)
			}
			return
		}
		for _, v := range classed(m, Foreground{}).Pix {
			if v > 1 {
				t.Fatalf("a pixel is %d", v)
			}
		}
	})
}

// FuzzRead reads anything as a table of masks: rows that name an image, a class and a file, or a Problem.
func FuzzRead(f *testing.F) {
	f.Add([]byte("# foreground = zero\nimage\tclass\tmask\na.jpg\tdisc\tm/a.bmp\n"))
	f.Add([]byte("image,class,mask\n\"a\nb\",x,empty\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Read(put(t, t.TempDir(), "masks.tsv", raw))
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if m == nil {
			if code(err) == 0 {
				t.Errorf("%v has no number", err)
			}
			return
		}
		for _, r := range m.Rows {
			if r.Image == "" || r.Class == "" || r.Line < 1 {
				t.Errorf("%+v", r)
			}
		}
	})
}
