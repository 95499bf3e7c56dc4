package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

func example() []Tensor {
	return []Tensor{
		FromFloats("b", F32, []int{2, 2}, []float64{1, 2.5, -3, math.Inf(1)}),
		FromFloats("a", F32, []int{1}, []float32{0.1}),
		FromFloats("wide", F64, []int{3}, []float64{1, math.Pi, 1e-300}),
		FromInt64("n", -7),
		{Name: "u", DType: U8, Shape: []int{3}, Data: []byte{1, 2, 3}},
		{Name: "none", DType: F32, Shape: []int{0, 4}},
	}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	meta := map[string]string{"k": "v \"quoted\"", "a": ""}
	if err := WriteFile(path, example(), meta); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range example() {
		got, ok := f.Lookup(want.Name)
		if !ok || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s: got %+v, want %+v", want.Name, got, want)
		}
	}
	if len(f.Metadata) != 2 || f.Metadata["k"] != meta["k"] {
		t.Errorf("metadata %v", f.Metadata)
	}
	if wide, _ := f.Lookup("wide"); wide.Float64s()[1] != math.Pi {
		t.Error("float64 is not exact")
	}
	if n, _ := f.Lookup("n"); n.Int64s()[0] != -7 {
		t.Error("int64")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestHeadersOfEveryLength: whatever the length of the header makes of the first bytes, the file is not taken for another format.
func TestHeadersOfEveryLength(t *testing.T) {
	seen := map[int]bool{}
	for n := range 4096 {
		var b bytes.Buffer
		if err := Write(&b, nil, map[string]string{"a": strings.Repeat("x", n)}); err != nil {
			t.Fatal(err)
		}
		f, err := Decode("x", b.Bytes())
		if err != nil || len(f.Metadata["a"]) != n {
			t.Fatalf("a header of %d bytes: %v", b.Len()-8, err)
		}
		seen[int(b.Bytes()[0])] = true
	}
	if len(seen) != 256/8 {
		t.Errorf("%d first bytes, want all multiples of 8", len(seen))
	}
}

func TestSameBytesWhateverTheOrder(t *testing.T) {
	var a, b bytes.Buffer
	ts := example()
	Write(&a, ts, map[string]string{"x": "1", "y": "2"})
	slices.Reverse(ts)
	Write(&b, ts, map[string]string{"y": "2", "x": "1"})
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatal("bytes depend on the order")
	}
	if n := binary.LittleEndian.Uint64(a.Bytes()); n%8 != 0 {
		t.Errorf("header length %d is not a multiple of 8", n)
	}
}

func file(header string, body int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, body)...)
}

func TestDamagedFiles(t *testing.T) {
	var good bytes.Buffer
	Write(&good, example(), nil)
	for name, c := range map[string]struct {
		raw  []byte
		code int
	}{
		"empty":            {nil, 710},
		"text":             {[]byte("not a safetensors file at all"), 710},
		"cut in header":    {good.Bytes()[:40], 713},
		"cut in data":      {good.Bytes()[:good.Len()-1], 713},
		"too long":         {append(slices.Clone(good.Bytes()), 0), 713},
		"bad JSON":         {file(`{"a":{"dtype"`, 0), 711},
		"array":            {file(`{"a":[1]}`, 0), 711},
		"metadata":         {file(`{"__metadata__":{"a":1}}`, 0), 711},
		"dtype":            {file(`{"a":{"dtype":"Q4_K","shape":[1],"data_offsets":[0,2]}}`, 2), 719},
		"negative shape":   {file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), 711},
		"huge shape":       {file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, 4), 711},
		"one offset":       {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4), 711},
		"shape and offset": {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), 712},
		"negative offset":  {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4), 712},
		"overlap":          {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), 712},
		"hole":             {file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), 712},
		"beyond the end":   {file(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, 8), 713},
	} {
		_, err := Decode("x", c.raw)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Fix == "" {
			t.Errorf("%s: got %v, want E%d", name, err, c.code)
		}
	}
}

func TestWriteKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	bad := []Tensor{{Name: "a", DType: F32, Shape: []int{2}, Data: []byte{1}}}
	if err := WriteFile(path, bad, nil); err == nil {
		t.Fatal("a malformed tensor was written")
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("the old file became %q", b)
	}
}

func FuzzDecode(f *testing.F) {
	var good bytes.Buffer
	Write(&good, example(), map[string]string{"a": "b"})
	f.Add(good.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if x, err := Decode("x", raw); err == nil {
			for _, s := range x.Tensors {
				_ = s.Len()
			}
		}
	})
}
