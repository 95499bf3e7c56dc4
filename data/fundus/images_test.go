package fundus

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// With CONTIG_IMAGES a folder, its images are decoded next to themselves: NAME.rgb gets width and height in
// ASCII, a newline and the pixels, NAME.error the error. scripts/check_images.sh compares them with Pillow.
func TestDecodeFolder(t *testing.T) {
	dir := os.Getenv("CONTIG_IMAGES")
	if dir == "" {
		t.Skip("no folder of images: set CONTIG_IMAGES, as scripts/check_images.sh does")
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		ext := filepath.Ext(n.Name())
		if ext != ".jpg" && ext != ".png" {
			continue
		}
		path := filepath.Join(dir, n.Name())
		m, err := Decode(path)
		out, ext := []byte(fmt.Sprint(err)), ".error"
		if err == nil {
			out, ext = append(fmt.Appendf(nil, "%d %d\n", m.W, m.H), m.Pix...), ".rgb"
		}
		if err := os.WriteFile(path+ext, out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
