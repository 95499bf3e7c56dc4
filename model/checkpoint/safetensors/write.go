package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
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

// Write writes tensors and metadata. The order in the file is by element size, widest first, then by name, so
// that every tensor is aligned and the bytes do not depend on the order given.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	ts := slices.Clone(tensors)
	slices.SortFunc(ts, func(a, b Tensor) int {
		return cmp.Or(b.DType.Size()-a.DType.Size(), cmp.Compare(a.Name, b.Name))
	})
	header, err := encodeHeader(ts, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range ts {
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
	return folder.WriteFile(path, 0o644, func(w io.Writer) error { return Write(w, tensors, metadata) })
}
