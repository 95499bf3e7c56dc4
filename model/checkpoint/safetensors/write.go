package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"contig-gpu/data/folder"
)

// metadataKey is the header's one entry that is not a tensor.
const metadataKey = "__metadata__"

type entry struct {
	DType   DType  `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// A Packed file is ready to be written, under several names if need be: its digest is known.
type Packed struct {
	header  []byte
	tensors []Tensor // in the order of the file
}

// Pack makes a file of tensors, whose bytes it borrows, and metadata, with their digest, which Read compares. The order in the file is
// by element size, widest first, then by name, so that every tensor is aligned and the bytes do not depend on the order given.
func Pack(tensors []Tensor, metadata map[string]string) (*Packed, error) {
	ts := slices.Clone(tensors)
	slices.SortFunc(ts, func(a, b Tensor) int {
		return cmp.Or(b.DType.Size()-a.DType.Size(), cmp.Compare(a.Name, b.Name))
	})
	sealed := map[string]string{}
	maps.Copy(sealed, metadata)
	sealed[digestKey] = digest(metadata, ts)
	header, err := encodeHeader(ts, sealed)
	return &Packed{header, ts}, err
}

// Write writes tensors and metadata: see Pack.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	p, err := Pack(tensors, metadata)
	if err != nil {
		return err
	}
	return p.write(w)
}

func (p *Packed) write(w io.Writer) error {
	if _, err := w.Write(p.header); err != nil {
		return err
	}
	for _, t := range p.tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader returns the length and the JSON, padded with spaces so that the data begin at a multiple of eight.
func encodeHeader(ts []Tensor, metadata map[string]string) ([]byte, error) {
	h, at := map[string]any{}, 0
	if len(metadata) > 0 {
		h[metadataKey] = metadata
	}
	for _, t := range ts {
		if _, dup := h[t.Name]; dup || t.DType.Size() == 0 || len(t.Data) != t.Len()*t.DType.Size() {
			return nil, fmt.Errorf("safetensors: Write: tensor %q of type %s, shape %v, %d bytes is not well formed or comes twice", t.Name, t.DType, t.Shape, len(t.Data))
		}
		shape := append([]int{}, t.Shape...)
		h[t.Name] = entry{t.DType, shape, [2]int{at, at + len(t.Data)}}
		at += len(t.Data)
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	body = append(body, bytes.Repeat([]byte(" "), (8-len(body)%8)%8)...)
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(body))), body...), nil
}

// WriteFile writes a file so that its name holds either what it held before or all of the new content, also after a crash:
// see folder.WriteFile.
func WriteFile(path string, tensors []Tensor, metadata map[string]string) error {
	p, err := Pack(tensors, metadata)
	if err != nil {
		return err
	}
	return p.WriteFile(path)
}

// WriteFile is the function of this name, for a file that is packed.
func (p *Packed) WriteFile(path string) error { return folder.WriteFile(path, 0o644, p.write) }
