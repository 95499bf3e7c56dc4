// Package golden reads the reference numbers that PyTorch computed, for tests. They lie in the folder
// $CONTIG_GOLDEN, by default ../shared/golden seen from the module's root; without it tests skip.
package golden

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// A Set is one file of cases with their tensors.
type Set struct {
	Cases   []Case
	tensors map[string]Tensor
}

// A Case is one test case: its name, its attributes as JSON and its tensors.
type Case struct {
	Name string
	raw  json.RawMessage
	set  *Set
}

// A Tensor is a stored array, widened to float64, row-major.
type Tensor struct {
	Dims []int
	Data []float64
}

// Dir returns the folder that the environment variable env names, by default ../shared/<fallback> seen from the
// module's root. It skips the test if there is none.
func Dir(t testing.TB, env, fallback string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		dir = filepath.Join(moduleRoot(t), "..", "shared", fallback)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no folder %s: set $%s to run this test", dir, env)
	}
	return dir
}

func moduleRoot(t testing.TB) string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("no go.mod above the test (%v)", err)
	return ""
}

// Open reads <name>.json and, where there is one, <name>.safetensors. It skips the test if the folder is absent.
func Open(t testing.TB, name string) *Set {
	t.Helper()
	s := &Set{tensors: map[string]Tensor{}}
	var file struct{ Cases []json.RawMessage }
	JSON(t, name, &file)
	for _, raw := range file.Cases {
		c := Case{raw: raw, set: s}
		c.Attr(t, "name", &c.Name)
		s.Cases = append(s.Cases, c)
	}
	path := filepath.Join(Dir(t, "CONTIG_GOLDEN", "golden"), name+".safetensors")
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return s
	}
	if err == nil {
		err = s.read(b)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return s
}

// JSON decodes <name>.json into v. It skips the test if the folder is absent.
func JSON(t testing.TB, name string, v any) {
	t.Helper()
	path := filepath.Join(Dir(t, "CONTIG_GOLDEN", "golden"), name+".json")
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

type entry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

func (s *Set) read(b []byte) error {
	if len(b) < 8 || binary.LittleEndian.Uint64(b) > uint64(len(b)-8) {
		return fmt.Errorf("%d bytes are no safetensors file", len(b))
	}
	n := 8 + int(binary.LittleEndian.Uint64(b))
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:n], &header); err != nil {
		return err
	}
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		data, err := widen(e, b[n:])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.tensors[name] = Tensor{e.Shape, data}
	}
	return nil
}

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
	x := make([]float64, (e.Offsets[1]-e.Offsets[0])/size)
	for i := range x {
		x[i] = get(b[e.Offsets[0]+i*size:])
	}
	return x, nil
}

// Attr decodes the attribute key into v; it fails the test if there is none.
func (c Case) Attr(t testing.TB, key string, v any) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(c.raw, &all); err != nil {
		t.Fatalf("case %s: %v", c.Name, err)
	}
	if err := json.Unmarshal(all[key], v); err != nil {
		t.Fatalf("case %s: attribute %s: %v", c.Name, key, err)
	}
}

// Has reports whether the case has an attribute key that is not null.
func (c Case) Has(key string) bool {
	var all map[string]any
	return json.Unmarshal(c.raw, &all) == nil && all[key] != nil
}

// Lookup returns the tensor key of the case, if there is one.
func (c Case) Lookup(key string) (Tensor, bool) {
	x, ok := c.set.tensors[c.Name+"/"+key]
	return x, ok
}

// Tensor returns the tensor key of the case; it fails the test if there is none.
func (c Case) Tensor(t testing.TB, key string) Tensor {
	t.Helper()
	x, ok := c.Lookup(key)
	if !ok {
		t.Fatalf("case %s has no tensor %s", c.Name, key)
	}
	return x
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
