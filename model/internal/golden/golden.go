// Package golden reads the reference numbers that tests are held to: cases in JSON, tensors in safetensors,
// inputs and weights rebuilt from their names by the hash fill, large tensors compared by digest.
package golden

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Dir returns $CONTIG_GOLDEN, by default ../shared/golden seen from the module's root; it skips the test where
// there is none.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CONTIG_GOLDEN")
	if dir == "" {
		dir = filepath.Join(moduleRoot(t), "..", "shared", "golden")
	}
	if _, err := os.Stat(filepath.Join(dir, "about.json")); err != nil {
		t.Skipf("no reference numbers at %s (set CONTIG_GOLDEN)", dir)
	}
	return dir
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the working directory")
	return ""
}

// Cases decodes the cases of <name>.json.
func Cases[C any](t testing.TB, name string) []C {
	t.Helper()
	var file struct{ Cases []C }
	b, err := os.ReadFile(filepath.Join(Dir(t), name+".json"))
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// Seed returns the seed of about.json, which fills of the resnet cases are named after.
func Seed(t testing.TB) string {
	t.Helper()
	var about struct{ Seed string }
	b, err := os.ReadFile(filepath.Join(Dir(t), "about.json"))
	if err == nil {
		err = json.Unmarshal(b, &about)
	}
	if err != nil {
		t.Fatal(err)
	}
	return about.Seed
}

// An Array is a stored tensor; integers are converted.
type Array struct {
	Shape []int
	Data  []float64
}

// Arrays reads <name>.safetensors.
func Arrays(t testing.TB, name string) map[string]Array {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Dir(t), name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	var header map[string]struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	out := map[string]Array{}
	for key, h := range header {
		if key != "__metadata__" {
			out[key] = Array{h.Shape, decode(t, h.DType, b[8+n:][h.Offsets[0]:h.Offsets[1]])}
		}
	}
	return out
}

func decode(t testing.TB, dtype string, b []byte) []float64 {
	t.Helper()
	width := map[string]int{"F64": 8, "F32": 4, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}[dtype]
	if width == 0 {
		t.Fatalf("stored type %s", dtype)
	}
	v := make([]float64, len(b)/width)
	for i := range v {
		x := b[i*width:]
		switch dtype {
		case "F64":
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(x))
		case "F32":
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(x)))
		case "I64":
			v[i] = float64(int64(binary.LittleEndian.Uint64(x)))
		case "I32":
			v[i] = float64(int32(binary.LittleEndian.Uint32(x)))
		default:
			v[i] = float64(x[0])
		}
	}
	return v
}

// Fill returns n numbers of the hash fill in [lo, hi), each a float32.
func Fill(name string, n int, lo, hi float64) []float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z0, v := h.Sum64(), make([]float64, n)
	for i := range v {
		z := z0 + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		u := float64(z>>40) / (1 << 24)
		v[i] = float64(float32(lo + float64((hi-lo)*u)))
	}
	return v
}

// Weights returns the value of a parameter or buffer by its full name and its shape in PyTorch's layout.
func Weights(name string, shape []int) []float64 {
	n, k := 1, 0.2
	for _, d := range shape {
		n *= d
	}
	switch {
	case strings.HasSuffix(name, "running_mean"):
		k = 0.1
	case strings.HasSuffix(name, "running_var"):
		return Fill(name, n, 0.5, 1.5)
	case len(shape) == 4:
		k = math.Sqrt(6 / float64(shape[0]*shape[2]*shape[3]))
	case len(shape) == 2:
		k = 1 / math.Sqrt(float64(shape[1]))
	case strings.HasSuffix(name, "weight"):
		return Fill(name, n, 0.8, 1.2)
	}
	return Fill(name, n, -k, k)
}

// A Digest stands for a large tensor.
type Digest struct {
	N   int
	Sum float64
	L2  float64
	Dot [4]float64
}

// Error returns the relative error of v, in PyTorch's layout, against the digest of the tensor called key. A
// tensor that must be 0 has error 0 or infinity.
func (d Digest) Error(key string, v []float64) float64 {
	if len(v) != d.N {
		return math.Inf(1)
	}
	if d.L2 == 0 {
		for _, x := range v {
			if x != 0 {
				return math.Inf(1)
			}
		}
		return 0
	}
	e := 0.0
	for k, want := range d.Dot {
		got := 0.0
		for i, f := range Fill(fmt.Sprintf("digest/%d/%s", k, key), len(v), -1, 1) {
			got += f * v[i]
		}
		e += (got - want) * (got - want)
	}
	return math.Sqrt(0.75*e) / d.L2
}

// ToKRSC reorders [K, C, R, S] to [K, R, S, C], and thereby also images [N, C, H, W] to [N, H, W, C].
func ToKRSC(v []float64, shape []int) []float64 {
	k, c, rs := shape[0], shape[1], shape[2]*shape[3]
	out := make([]float64, len(v))
	for i := range k {
		for j := range c {
			for x := range rs {
				out[(i*rs+x)*c+j] = v[(i*c+j)*rs+x]
			}
		}
	}
	return out
}

// ToKCRS is the inverse of ToKRSC; shape is [K, R, S, C], as v is.
func ToKCRS(v []float64, shape []int) []float64 {
	return ToKRSC(v, []int{shape[0], shape[1] * shape[2], 1, shape[3]})
}

// Names returns the shapes of torchvision's state dicts by network and name, without the counters of batches.
func Names(t testing.TB) map[string]map[string][]int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Dir(t), "torchvision_names.json"))
	if os.IsNotExist(err) {
		t.Skip("these reference numbers have no torchvision_names.json")
	}
	var nets map[string][][3]any
	if err == nil {
		err = json.Unmarshal(b, &nets)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string][]int{}
	for net, rows := range nets {
		out[net] = map[string][]int{}
		for _, r := range rows {
			if name := r[0].(string); !strings.HasSuffix(name, "num_batches_tracked") {
				out[net][name] = ints(r[1].([]any))
			}
		}
	}
	return out
}

func ints(v []any) []int {
	out := []int{}
	for _, x := range v {
		out = append(out, int(x.(float64)))
	}
	return out
}
