package safetensors

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"

	"contig-gpu/data"
)

// Numbers of the catalogue of errors.
const (
	codeNotSafetensors = 710 // no header where one should be
	codeHeader         = 711 // the header is not what the format asks for
	codeOffsets        = 712 // tensors overlap, leave holes or do not fit their shape
	codeType           = 719 // an element type that is not known
	codeTruncated      = 713 // fewer or more bytes than the header says
)

// maxHeader is the longest header that is read, as in the reference implementation: 100 MB.
const maxHeader = 100_000_000

// A File is the content of one file. Its tensors share one block of memory.
type File struct {
	Path     string
	Metadata map[string]string
	Tensors  []Tensor // in the order of their bytes

	index map[string]int
}

// Lookup returns the tensor called name and whether there is one.
func (f *File) Lookup(name string) (Tensor, bool) {
	i, ok := f.index[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Read reads a whole file. What is wrong with its content is a *data.Problem.
func Read(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, &data.Problem{Code: codeNotSafetensors, File: path, What: "the file cannot be read", Err: err, Fix: "give the path of a .safetensors file"}
	}
	return Decode(path, raw)
}

// Decode reads a file's bytes; path is for errors. The tensors borrow raw.
func Decode(path string, raw []byte) (*File, error) {
	n, err := headerLength(path, raw)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, index: map[string]int{}}
	ps, err := f.decodeHeader(raw[8 : 8+n])
	if err != nil {
		return nil, err
	}
	if err := f.assign(ps, raw[8+n:]); err != nil {
		return nil, err
	}
	return f, nil
}

func headerLength(path string, raw []byte) (int, error) {
	p := &data.Problem{
		Code: codeNotSafetensors, File: path, What: "not a safetensors file",
		Expected: "8 bytes of header length and a JSON header", Found: fmt.Sprintf("%d bytes", len(raw)),
		Cause: "another format (a pickled .pth?), or a file cut short", Fix: "convert weights of PyTorch with safetensors.torch.save_file(state_dict, OUT), or copy the file again",
	}
	if len(raw) < 10 {
		return 0, p
	}
	if f, ok := data.FormatOf(raw); ok {
		p.Found, p.Cause = f.Name, "another format, or what stands in for the file, under this name"
		if !f.Table {
			p.Fix = f.Fix
		}
		return 0, p
	}
	n := binary.LittleEndian.Uint64(raw)
	if n < 2 || n > maxHeader || raw[8] != '{' {
		p.Found = fmt.Sprintf("a header length of %d and first byte %q", n, raw[8])
		if raw[0] == '{' {
			p.Found, p.Cause, p.Fix = "JSON", "the index of weights that lie in several files", "give the weights, in one file"
		}
		return 0, p
	}
	if n > uint64(len(raw)-8) {
		p.Code, p.What = codeTruncated, "the file ends within its header"
		p.Expected, p.Found = fmt.Sprintf("at least %d bytes", n+8), fmt.Sprintf("%d bytes", len(raw))
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
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(header, &raw); err != nil {
		return nil, f.badHeader("JSON that does not parse", err)
	}
	if m, ok := raw[metadataKey]; ok {
		if err := json.Unmarshal(m, &f.Metadata); err != nil {
			return nil, f.badHeader("metadata that are not strings", err)
		}
		delete(raw, metadataKey)
	}
	ps := make([]placed, 0, len(raw))
	for name, r := range raw {
		p, err := f.decodeEntry(name, r)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	slices.SortFunc(ps, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.Name, b.Name))
	})
	return ps, nil
}

func (f *File) decodeEntry(name string, raw json.RawMessage) (placed, error) {
	var e struct {
		DType   DType `json:"dtype"`
		Shape   []int `json:"shape"`
		Offsets []int `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return placed{}, f.badHeader(fmt.Sprintf("tensor %q", name), err)
	}
	if e.DType.Size() == 0 && e.DType != "" {
		return placed{}, &data.Problem{Code: codeType, File: f.Path, What: fmt.Sprintf("tensor %q has elements of a type that is not known here", name),
			Expected: "F64, F32, F16, BF16, or whole numbers where a tensor is not used", Found: fmt.Sprintf("%q", e.DType),
			Cause: "weights that were quantised, or a new version of the format", Fix: "write them again as float32"}
	}
	if e.DType == "" || len(e.Offsets) != 2 || !validShape(e.Shape) {
		return placed{}, f.badHeader(fmt.Sprintf("tensor %q: %s", name, raw), nil)
	}
	return placed{Tensor{Name: name, DType: e.DType, Shape: e.Shape}, e.Offsets[0], e.Offsets[1]}, nil
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

// assign gives every tensor its bytes. The tensors must follow each other without holes and fill the file.
func (f *File) assign(ps []placed, body []byte) error {
	end := 0
	for _, p := range ps {
		if p.from != end || p.to-p.from != p.Len()*p.DType.Size() || p.to < p.from {
			return f.badOffsets(p, end)
		}
		end = p.to
	}
	if end != len(body) {
		return f.badLength(end, len(body))
	}
	for i, p := range ps {
		p.Data = body[p.from:p.to:p.to]
		f.Tensors, f.index[p.Name] = append(f.Tensors, p.Tensor), i
	}
	return nil
}

func (f *File) badOffsets(p placed, end int) error {
	return &data.Problem{
		Code: codeOffsets, File: f.Path, What: fmt.Sprintf("tensor %q overlaps another, leaves a hole or does not fit its shape", p.Name),
		Expected: fmt.Sprintf("bytes %d to %d (%s %v)", end, end+p.Len()*p.DType.Size(), p.DType, p.Shape),
		Found:    fmt.Sprintf("data_offsets [%d, %d]", p.from, p.to),
		Cause:    "the file is damaged, or its writer is at fault", Fix: "write or copy the file again",
	}
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
