package fundus

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/input"
)

// Limits on what is decoded, far above any fundus camera: they keep a broken header from taking all memory.
const (
	maxSide   = 1 << 15 // pixels
	maxPixels = 1 << 26 // of one image
	maxBytes  = 1 << 30 // that decoding takes beside the file: planes, coefficients, pixels, and the copy that is turned
	maxFile   = 1 << 29 // bytes
)

const codeImage = 501 // of the catalogue

type format struct {
	name        string
	size        func([]byte) (w, h int, err error)
	decode      func([]byte) (*RGB, error)
	orientation func([]byte) int
}

// Decode reads a JPEG or PNG, told by content and not by suffix, as it is meant to be seen and as Pillow's
// ImageOps.exif_transpose and convert("RGB") give it: turned as EXIF or XMP says, grey, palettes and CMYK as
// RGB, transparency left out, 16 bits rounded to 8. Whatever is not wholly decodable is a *data.Problem E501
// with the file's name; no partial image is ever returned.
func Decode(path string) (*RGB, error) {
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	m, p := decoded(b)
	if p != nil {
		p.Code, p.File = codeImage, path
		return nil, p
	}
	return m, nil
}

// decoded decodes the bytes of a file.
func decoded(b []byte) (*RGB, *data.Problem) {
	f, p := sniff(b)
	if p != nil {
		return nil, p
	}
	if p := f.checkSize(b); p != nil {
		return nil, p
	}
	m, err := f.decode(b)
	if err != nil {
		return nil, f.broken(len(b), err)
	}
	return m.oriented(f.orientation(b)), nil
}

func read(path string) ([]byte, error) {
	p := &data.Problem{Code: codeImage, File: path, What: "the image cannot be read", Expected: "a readable JPEG or PNG file"}
	b, err := input.Read(path, maxFile)
	var refused *input.Refused
	switch {
	case errors.As(err, &refused):
		p.Found, p.Fix = strings.TrimPrefix(refused.What, "this is "), "name an image file"
		return nil, p
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		p.Err, p.Found = cause(err), "no such file, or no permission"
		p.Fix = "correct the path in the manifest or the image root"
		return nil, p
	case err != nil:
		p.Err, p.Fix = cause(err), "check the permissions of the file and the health of the disk"
		return nil, p
	}
	return b, nil
}

// cause strips the path, which the problem states already.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// sniff tells the format from the first bytes.
func sniff(b []byte) (format, *data.Problem) {
	switch {
	case bytes.HasPrefix(b, []byte("\xFF\xD8\xFF")):
		return format{"JPEG", jpegSize, jpegDecode, jpegOrientation}, nil
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1A\n")):
		return format{"PNG", pngSize, pngDecode, pngOrientation}, nil
	case len(b) == 0:
		return format{}, &data.Problem{What: "the image file is empty", Expected: "a JPEG or PNG image", Found: "0 bytes",
			Cause: "an interrupted copy or a full disk", Fix: "copy the image again, or take its row out of the manifest"}
	}
	p := &data.Problem{What: "the file is not an image that can be read", Expected: "a JPEG or PNG image, whatever its suffix",
		Found: "bytes of no known format", Cause: "a wrong column or path in the manifest, or a damaged file",
		Fix: "name an image in the manifest, or convert this one to PNG"}
	if name := foreign(b); name != "" {
		p.What, p.Found, p.Cause = "images of this type are not supported", name, "the suffix does not tell what is in a file"
	}
	return format{}, p
}

// foreign names well-known formats that are not supported, "" for the rest.
func foreign(b []byte) string {
	if len(b) >= 132 && string(b[128:132]) == "DICM" {
		return "a DICOM file"
	}
	if len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" {
		return "a WebP image"
	}
	if len(b) >= 12 && string(b[4:8]) == "ftyp" {
		return "an HEIF or AVIF image or a film"
	}
	for _, k := range [][2]string{{"GIF8", "a GIF image"}, {"II*\x00", "a TIFF image"}, {"MM\x00*", "a TIFF image"}, {"BM", "a BMP image"},
		{"\x00\x00\x00\x0CjP  ", "a JPEG 2000 image"}, {"\xFF\x4F\xFF\x51", "a JPEG 2000 image"}, {"%PDF", "a PDF document"}, {"PK\x03\x04", "a ZIP archive"},
		{"\x1F\x8B", "a gzip file"}, {"version https://git-lfs", "a Git LFS pointer: the image was not fetched"}} {
		if strings.HasPrefix(string(b[:min(len(b), 32)]), k[0]) {
			return k[1]
		}
	}
	if start := bytes.ToLower(bytes.TrimSpace(b[:min(len(b), 64)])); bytes.HasPrefix(start, []byte("<!doctype")) || bytes.HasPrefix(start, []byte("<html")) {
		return "an HTML page"
	}
	return ""
}

// checkSize refuses absurd dimensions before the decoder allocates for them.
func (f format) checkSize(b []byte) *data.Problem {
	w, h, err := f.size(b)
	if err != nil {
		return f.broken(len(b), err)
	}
	if w > 0 && h > 0 && w <= maxSide && h <= maxSide && w*h <= maxPixels {
		return nil
	}
	return &data.Problem{What: "the " + f.name + " states an absurd size",
		Expected: fmt.Sprintf("1 to %d pixels a side, at most %d in all", maxSide, maxPixels),
		Found:    fmt.Sprintf("%d x %d", w, h), Cause: "a damaged header",
		Fix: "copy the image again, shrink it, or take its row out of the manifest"}
}

func (f format) broken(size int, err error) *data.Problem {
	p := &data.Problem{What: "the " + f.name + " is truncated or corrupt", Err: err,
		Expected: "a " + f.name + " that decodes to its end", Found: fmt.Sprintf("%d bytes that do not", size),
		Cause: "an interrupted copy or download", Fix: "copy the image again, or take its row out of the manifest"}
	var other unsupported
	if errors.As(err, &other) {
		p.What, p.Err, p.Found = "this kind of "+f.name+" is not supported", nil, string(other)
		p.Expected = "a JPEG or PNG as cameras and other programs write it"
		p.Cause, p.Fix = "a program that writes a coding that few others read", "convert the image to PNG with 8 bits a channel"
	}
	if errors.Is(err, errQuant) || errors.Is(err, errHuffman) {
		p.Cause, p.Fix = "a frame of a film, or a file that a program has cut apart", "write the image again with the program that it comes from"
	}
	return p
}
