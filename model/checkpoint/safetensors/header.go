package safetensors

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"contig-gpu/data"
	"contig-gpu/model/checkpoint/strict"
)

// maxHeader is the longest header that is read, as in the reference implementation: 100 MB.
const maxHeader = 100_000_000

// headerLength reads the beginning of a file of size bytes.
func headerLength(path string, raw []byte, size int) (int, error) {
	p := &data.Problem{
		Code: codeNotSafetensors, File: path, What: "not a safetensors file",
		Expected: "8 bytes of header length and a JSON header", Found: fmt.Sprintf("%d bytes", size),
		Cause: "another format (a pickled .pth?), or a file cut short", Fix: "convert weights of PyTorch with safetensors.torch.save_file(state_dict, OUT), or copy the file again",
	}
	if len(raw) < 10 {
		return 0, p
	}
	n := binary.LittleEndian.Uint64(raw)
	fits := n >= 2 && n <= maxHeader && raw[8] == '{' // before any other format: a header of 640 bytes begins as a pickle does
	if f, ok := data.FormatOf(raw); ok && !fits {
		p.Found, p.Cause = f.Name, "another format, or what stands in for the file, under this name"
		if !f.Table {
			p.Fix = f.Fix
		}
		return 0, p
	}
	if !fits {
		p.Found = fmt.Sprintf("a header length of %d and first byte %q", n, raw[8])
		if raw[0] == '{' {
			p.Found, p.Cause, p.Fix = "JSON", "the index of weights that lie in several files", "give the weights, in one file"
		}
		return 0, p
	}
	if n > uint64(size-8) {
		p.Code, p.What = codeTruncated, "the file ends within its header"
		p.Expected, p.Found = fmt.Sprintf("at least %d bytes", n+8), fmt.Sprintf("%d bytes", size)
		return 0, p
	}
	return int(n), nil
}

func (f *File) badHeader(found string, err error) error {
	return &data.Problem{
		Code: codeHeader, File: f.Path, What: "the safetensors header is malformed",
		Expected: "a JSON object of dtype, shape, data_offsets per tensor", Found: found, Err: err,
		Cause: "the file is damaged", Fix: "copy or write it again",
	}
}

// A placed tensor knows where its bytes lie after the header.
type placed struct {
	Tensor
	from, to int
}

// decodeHeader fills Metadata and returns the tensors, without their bytes, in the order of their bytes.
func (f *File) decodeHeader(header []byte) ([]placed, error) {
	var ps []placed
	var bad error
	err := strict.Object(header, func(name string, value []byte) error {
		if name == metadataKey {
			bad = f.decodeMetadata(value)
			return bad
		}
		p, err := f.decodeEntry(name, value)
		ps, bad = append(ps, p), err
		return err
	})
	switch {
	case bad != nil:
		return nil, bad
	case err != nil:
		return nil, f.badHeader("", err)
	}
	slices.SortFunc(ps, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.Name, b.Name))
	})
	return ps, nil
}

func (f *File) decodeMetadata(value []byte) error {
	f.Metadata = map[string]string{}
	err := strict.Object(value, func(key string, value []byte) error {
		if value[0] != '"' {
			return fmt.Errorf("%s is no text", strict.Quote(key))
		}
		var text string
		err := json.Unmarshal(value, &text)
		f.Metadata[key] = text
		return err
	})
	if err != nil {
		return f.badHeader("metadata that are not strings", strict.Short(err))
	}
	if text, ok := f.Metadata[digestKey]; ok {
		if f.digest = text; text == "" {
			return Damaged(f.Path, "a digest", "nothing")
		}
		delete(f.Metadata, digestKey)
	}
	return nil
}

// decodeEntry reads where a tensor lies. Keys are compared letter by letter; others than the format's are passed over.
func (f *File) decodeEntry(name string, value []byte) (placed, error) {
	p := placed{Tensor: Tensor{Name: name}}
	var offsets []int
	err := strict.Object(value, func(key string, value []byte) (err error) {
		switch key {
		case "dtype":
			if value[0] != '"' || len(value) > 1<<10 {
				return fmt.Errorf("its type is %s", strict.Quote(string(value[:min(len(value), 1<<10)])))
			}
			return json.Unmarshal(value, &p.DType)
		case "shape":
			p.Shape, err = strict.Ints(value)
		case "data_offsets":
			offsets, err = strict.Ints(value)
		}
		return err
	})
	if err == nil && p.DType.Size() == 0 && p.DType != "" {
		return p, &data.Problem{Code: codeType, File: f.Path, What: fmt.Sprintf("tensor %s has elements of a type that is not known here", strict.Quote(name)),
			Expected: "F64, F32, F16, BF16, or whole numbers where a tensor is not used", Found: strict.Quote(string(p.DType)),
			Cause: "weights that were quantised, or a new version of the format", Fix: "write them again as float32"}
	}
	if err != nil || p.DType == "" || p.Shape == nil || len(offsets) != 2 || !validShape(p.Shape) {
		return p, f.badHeader(fmt.Sprintf("tensor %s: %s", strict.Quote(name), strict.Quote(string(value[:min(len(value), 1<<10)]))), err)
	}
	p.from, p.to = offsets[0], offsets[1]
	return p, nil
}

// maxElements is the longest tensor that is read; products of dimensions below it cannot overflow.
const maxElements = math.MaxInt / 16

func validShape(shape []int) bool {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxElements/d {
			return false
		}
		n *= d
	}
	return true
}

// place takes over the tensors, which must follow each other without holes and fill body bytes.
func (f *File) place(ps []placed, body int) error {
	end := 0
	for _, p := range ps {
		if p.from != end || p.to-p.from != p.Len()*p.DType.Size() || p.to < p.from {
			return f.badOffsets(p, end)
		}
		end = p.to
	}
	if end != body {
		return f.badLength(end, body)
	}
	for i, p := range ps {
		f.Tensors, f.index[p.Name] = append(f.Tensors, p.Tensor), i
	}
	return nil
}

func (f *File) badOffsets(p placed, end int) error {
	return &data.Problem{
		Code: codeOffsets, File: f.Path, What: fmt.Sprintf("tensor %s overlaps another, leaves a hole or does not fit its shape", strict.Quote(p.Name)),
		Expected: fmt.Sprintf("bytes %d to %d (%s %s)", end, end+p.Len()*p.DType.Size(), p.DType, ShapeText(p.Shape)),
		Found:    fmt.Sprintf("data_offsets [%d, %d]", p.from, p.to),
		Cause:    "the file is damaged, or its writer is at fault", Fix: "write or copy the file again",
	}
}

// ShapeText returns the first eight dimensions of a shape, for an error.
func ShapeText(shape []int) string {
	const most = 8
	if len(shape) > most {
		return fmt.Sprintf("%v and %d more", shape[:most], len(shape)-most)
	}
	return fmt.Sprint(shape)
}

func (f *File) badLength(want, got int) error {
	p := &data.Problem{
		Code: codeTruncated, File: f.Path, What: "the file does not have the length that its header says",
		Expected: fmt.Sprintf("%d bytes of tensors", want), Found: fmt.Sprintf("%d bytes", got),
		Cause: "a copy or download that was cut short", Fix: "copy the file again, or take another checkpoint",
	}
	if got > want {
		p.What, p.Cause = "the file is longer than its header says", "bytes after the last tensor: written over a longer file, or something appended"
	}
	return p
}
