package golden

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// A Tensor is a stored array, widened to float64, row-major.
type Tensor struct {
	Dims []int
	Data []float64
}

type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// readTensors returns the tensors of a safetensors file by name.
func readTensors(b []byte) (map[string]Tensor, error) {
	if len(b) < 8 || binary.LittleEndian.Uint64(b) > uint64(len(b)-8) {
		return nil, fmt.Errorf("%d bytes are no safetensors file", len(b))
	}
	n := 8 + int(binary.LittleEndian.Uint64(b))
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:n], &header); err != nil {
		return nil, err
	}
	tensors := map[string]Tensor{}
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		data, err := widen(e, b[n:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tensors[name] = Tensor{e.Shape, data}
	}
	return tensors, nil
}

// widen returns the elements of a tensor; b holds those of all.
func widen(e entry, b []byte) ([]float64, error) {
	get := map[string]func(b []byte) float64{
		"F64": func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) },
		"F32": func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) },
		"I64": func(b []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(b))) },
		"U8":  func(b []byte) float64 { return float64(b[0]) },
	}[e.DType]
	size := map[string]int{"F64": 8, "F32": 4, "I64": 8, "U8": 1}[e.DType]
	if get == nil {
		return nil, fmt.Errorf("type %s is not known", e.DType)
	}
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	if lo, hi := e.Offsets[0], e.Offsets[1]; lo < 0 || hi > len(b) || hi-lo != n*size {
		return nil, fmt.Errorf("bytes %d to %d of %d hold no %s %v", lo, hi, len(b), e.DType, e.Shape)
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = get(b[e.Offsets[0]+i*size:])
	}
	return x, nil
}

// NHWC returns a tensor [N, C, H, W] (or weights [K, C, R, S]) with its channels last; other ranks as they are.
func (x Tensor) NHWC() Tensor {
	if len(x.Dims) != 4 {
		return x
	}
	return Tensor{[]int{x.Dims[0], x.Dims[2], x.Dims[3], x.Dims[1]}, ChannelsLast(x.Data, x.Dims)}
}

// ChannelsLast returns the elements of an array of shape [N, C, H, W] in the order [N, H, W, C].
func ChannelsLast(x []float64, dims []int) []float64 {
	n, c, p := dims[0], dims[1], dims[2]*dims[3]
	y := make([]float64, len(x))
	for i := range n {
		for j := range c {
			for q := range p {
				y[(i*p+q)*c+j] = x[(i*c+j)*p+q]
			}
		}
	}
	return y
}

// ChannelsFirst returns the elements of an array of shape [N, H, W, C] in the order [N, C, H, W].
func ChannelsFirst(x []float64, dims []int) []float64 {
	n, p, c := dims[0], dims[1]*dims[2], dims[3]
	y := make([]float64, len(x))
	for i := range n {
		for j := range c {
			for q := range p {
				y[(i*c+j)*p+q] = x[(i*p+q)*c+j]
			}
		}
	}
	return y
}
