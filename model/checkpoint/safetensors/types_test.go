package safetensors

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// TestHalves: all values of 16 bits are those that their fields say, by the order of the bit patterns and by what is known of some.
func TestHalves(t *testing.T) {
	raw := make([]byte, 2<<16)
	for i := range 1 << 16 {
		binary.LittleEndian.PutUint16(raw[2*i:], uint16(i))
	}
	for dtype, known := range map[DType]map[uint16]float64{
		F16:  {0: 0, 1: 0x1p-24, 0x03ff: 1023 * 0x1p-24, 0x0400: 0x1p-14, 0x3555: 1365 * 0x1p-12, 0x3c00: 1, 0x3c01: 1 + 0x1p-10, 0xc000: -2, 0x7bff: 65504, 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)},
		BF16: {0: 0, 1: 0x1p-133, 0x3f80: 1, 0x3f81: 1 + 0x1p-7, 0xc000: -2, 0x7f7f: 255 * 0x1p120, 0x7f80: math.Inf(1), 0xff80: math.Inf(-1)},
	} {
		v := Floats[float64](Tensor{"x", dtype, []int{1 << 16}, raw})
		infinite := map[DType]int{F16: 0x7c00, BF16: 0x7f80}[dtype]
		for i := range 1 << 15 {
			switch {
			case i > infinite && (!math.IsNaN(v[i]) || !math.IsNaN(v[i|0x8000])):
				t.Fatalf("%s %#x is %v", dtype, i, v[i])
			case i <= infinite && (i > 0 && v[i] <= v[i-1] || v[i|0x8000] != -v[i]):
				t.Fatalf("%s %#x is %v after %v, and %v", dtype, i, v[i], v[max(0, i-1)], v[i|0x8000])
			}
		}
		for bits, want := range known {
			if v[bits] != want {
				t.Errorf("%s %#x is %v, want %v", dtype, bits, v[bits], want)
			}
		}
	}
}

// TestNamedForWhatItIs: files that are found under the name of weights.
func TestNamedForWhatItIs(t *testing.T) {
	const one = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	for raw, says := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "git lfs pull", "PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl": "PyTorch", "PK\x03\x04\x00\x00\x08\x08\x00\x00": "PyTorch", "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.": "pickle",
		"<!DOCTYPE html>\n<html><head>": "HTML", "\x89HDF\r\n\x1a\n\x00\x00": "HDF5", `{"metadata":{"total_size":1}}`: "several files", "GGUF\x03\x00\x00\x00\x00\x00": "GGUF",
		string(file(one, 20)): "longer than its header", string(file(one, 3)): "cut short", string(file(`{"a":{"dtype":"Q8_0","shape":[1],"data_offsets":[0,4]}}`, 4)): `"Q8_0"`,
	} {
		_, err := Decode("x", []byte(raw))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "header length of") || says == "longer than its header" && strings.Contains(err.Error(), "cut short") {
			t.Errorf("%.30q: %v, want %q", raw, err, says)
		}
	}
}
