package mask

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/input"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// Limits on what is decoded, those of images: they keep a broken header from taking all memory.
const (
	maxSide   = 1 << 15 // pixels
	maxPixels = 1 << 26
	maxFile   = 1 << 29 // bytes
)

// A Foreground says which grey levels of a mask, 0 to 255, are the class: those above the level, or what equals it. The zero value is all above 0.
type Foreground struct {
	Level  uint8
	Equals bool
}

// ParseForeground reads nonzero, zero, >N and value N.
func ParseForeground(s string) (Foreground, bool) {
	switch s {
	case "nonzero":
		return Foreground{}, true
	case "zero":
		return Foreground{Equals: true}, true
	}
	rest, above := strings.CutPrefix(s, ">")
	if !above {
		var is bool
		if rest, is = strings.CutPrefix(s, "value "); !is {
			return Foreground{}, false
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 8)
	return Foreground{Level: uint8(n), Equals: !above}, err == nil
}

// String is what ParseForeground reads.
func (f Foreground) String() string {
	switch {
	case f == Foreground{}:
		return "nonzero"
	case f == Foreground{Equals: true}:
		return "zero"
	case f.Equals:
		return fmt.Sprint("value ", f.Level)
	}
	return fmt.Sprint(">", f.Level)
}

func (f Foreground) is(grey uint8) bool {
	return grey == f.Level && f.Equals || grey > f.Level && !f.Equals
}

// A Mask is where a class is: 1, else 0.
type Mask struct {
	W, H int
	Pix  []uint8 // [H, W]
}

// Load reads the mask of a row whose image has w x h pixels. A file that cannot be decoded is E1052, and one of another size E1053.
func (r *Row) Load(f Foreground, w, h int) (*Mask, error) {
	if r.Path == "" {
		return &Mask{W: w, H: h, Pix: make([]uint8, w*h)}, nil
	}
	m, err := decode(r.Path)
	if err != nil {
		return nil, err
	}
	if b := m.Bounds(); b.Dx() != w || b.Dy() != h {
		return nil, &data.Problem{Code: codeSize, File: r.Path, What: "a mask has another size than its image", Expected: fmt.Sprintf("%d x %d pixels, as %s has", w, h, r.Image), Found: fmt.Sprintf("%d x %d", b.Dx(), b.Dy()),
			Cause: "a mask of another image, or images that were resized or turned without their masks", Fix: "take image and mask of one version; a mask is not resized here, since it is not known how the image was"}
	}
	return classed(m, f), nil
}

func classed(m image.Image, f Foreground) *Mask {
	b := m.Bounds()
	out := &Mask{W: b.Dx(), H: b.Dy(), Pix: make([]uint8, b.Dx()*b.Dy())}
	grey := greyOf(m)
	for y := range out.H {
		for x := range out.W {
			if f.is(grey(b.Min.X+x, b.Min.Y+y)) {
				out.Pix[y*out.W+x] = 1
			}
		}
	}
	return out
}

// greyOf returns the grey level of a pixel: of 16 bits the upper eight, or 1 where only the lower ones are not 0; of colours the mean by ITU-R BT.601, at least 1 unless all are 0; of a palette that of its colour, or the index where
// the palette has one colour only. Transparency does not count.
func greyOf(m image.Image) func(x, y int) uint8 {
	switch m := m.(type) {
	case *image.Gray:
		return func(x, y int) uint8 { return m.GrayAt(x, y).Y }
	case *image.Paletted:
		levels, differ := make([]uint8, len(m.Palette)), false
		for i, c := range m.Palette {
			levels[i] = level(c)
			differ = differ || levels[i] != levels[0]
		}
		return func(x, y int) uint8 {
			i := m.ColorIndexAt(x, y)
			if !differ || int(i) >= len(levels) {
				return i
			}
			return levels[i]
		}
	}
	return func(x, y int) uint8 { return level(m.At(x, y)) }
}

func level(c color.Color) uint8 {
	var r, g, b uint32 // of 16 bits
	switch c := c.(type) {
	case color.NRGBA:
		r, g, b = 257*uint32(c.R), 257*uint32(c.G), 257*uint32(c.B)
	case color.NRGBA64:
		r, g, b = uint32(c.R), uint32(c.G), uint32(c.B)
	default:
		r, g, b, _ = c.RGBA()
	}
	v := (299*r + 587*g + 114*b) / (1000 * 257)
	if v == 0 && r+g+b > 0 {
		return 1
	}
	return uint8(v)
}

// A format of files, told by its first bytes.
type format struct {
	name, begins string
	decode       func(io.Reader) (image.Image, error)
	config       func(io.Reader) (image.Config, error)
}

func formats() []format {
	return []format{
		{"PNG", "\x89PNG\r\n\x1a\n", png.Decode, png.DecodeConfig}, {"BMP", "BM", bmp.Decode, bmp.DecodeConfig},
		{"TIFF", "II*\x00", tiff.Decode, tiff.DecodeConfig}, {"TIFF", "MM\x00*", tiff.Decode, tiff.DecodeConfig},
	}
}

func decode(path string) (image.Image, error) {
	p := &data.Problem{Code: codeFile, File: path, What: "the mask cannot be read", Expected: "a PNG, BMP or TIFF file", Cause: "the file is damaged, or of another format", Fix: "write the mask as PNG"}
	raw, err := input.Read(path, maxFile)
	var refused *input.Refused
	switch {
	case errors.As(err, &refused):
		p.Found, p.Cause, p.Fix = strings.TrimPrefix(refused.What, "this is "), "", "name a file"
		return nil, p
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		p.Found, p.Cause, p.Fix = "no such file, or no permission", "the masks lie elsewhere: paths are relative to the table's folder", "correct the path; write "+Empty+" where no pixel is of the class"
		return nil, p
	case err != nil:
		p.Err, p.Cause, p.Fix = err, "", "check the permissions of the file and the health of the disk"
		return nil, p
	}
	m, found, err := decoded(raw)
	if p.Err, p.Found = err, found; m == nil {
		if bytes.HasPrefix(raw, []byte("\xff\xd8")) {
			p.Found, p.Cause = "a JPEG", "JPEG blurs the edges of a mask, so that it is no longer known which pixels are of the class"
		}
		return nil, p
	}
	return m, nil
}

// decoded decodes the bytes of a file; nil: they cannot be, and found says what they are.
func decoded(raw []byte) (m image.Image, found string, err error) {
	for _, f := range formats() {
		if !bytes.HasPrefix(raw, []byte(f.begins)) {
			continue
		}
		c, err := f.config(bytes.NewReader(raw))
		if err == nil && (c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels) {
			return nil, fmt.Sprintf("%s of %d x %d pixels", f.name, c.Width, c.Height), nil
		}
		if err == nil {
			m, err = f.decode(bytes.NewReader(raw))
		}
		if err != nil {
			return nil, "a " + f.name + " that cannot be decoded", err
		}
		return m, "", nil
	}
	return nil, fmt.Sprintf("a file that begins %.8q", raw), nil
}
