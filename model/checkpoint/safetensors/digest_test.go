package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// TestFlippedBits: no bit of a file that was written can be turned round unnoticed; of a tensor's bytes, a name's or the metadata's it is E714.
func TestFlippedBits(t *testing.T) {
	var b bytes.Buffer
	ts := append(example(), Tensor{Name: "trunk.bn1.running_var", DType: BF16, Shape: []int{2}, Data: make([]byte, 4)})
	if err := Write(&b, ts, map[string]string{"format": "a <b> & \"c\"", "config": `{"tau":0.1}`}); err != nil {
		t.Fatal(err)
	}
	path, codes := filepath.Join(t.TempDir(), "x"), map[int]int{}
	body := 8 + int(binary.LittleEndian.Uint64(b.Bytes()))
	for at := range b.Len() {
		for bit := range 8 {
			raw := slices.Clone(b.Bytes())
			raw[at] ^= 1 << bit
			_, err := Decode(path, raw)
			var p *data.Problem
			switch {
			case (at >= body || err != nil) && !errors.As(err, &p), at >= body && p.Code != 714:
				t.Fatalf("bit %d of byte %d of %d: %v", bit, at, b.Len(), err)
			case err == nil && !sameMeaning(t, b.Bytes(), raw):
				t.Errorf("bit %d of byte %d, in %q, is not noticed", bit, at, raw[max(0, at-20):at+20])
			case err != nil:
				codes[p.Code]++
			}
		}
	}
	if codes[714] < 1000 || codes[711] < 500 {
		t.Errorf("errors %v", codes)
	}
}

// sameMeaning reports whether two headers differ in how a character is escaped, and in nothing else, or in the name of the digest.
func sameMeaning(t *testing.T, a, b []byte) bool {
	t.Helper()
	lower := bytes.Equal(bytes.ToLower(a), bytes.ToLower(b)) && bytes.Count(b, []byte(`\u003`)) == bytes.Count(a, []byte(`\u003`))
	x, err := Decode("b", b)
	return lower || err == nil && !x.Sealed()
}

// TestDigestIsWhatTheDocumentsSay: the digest, computed from docs/file-formats.md alone.
func TestDigestIsWhatTheDocumentsSay(t *testing.T) {
	long := make([]byte, 2<<20+5)
	for i := range long {
		long[i] = byte(i * i >> 7)
	}
	ts := []Tensor{{"z", U8, []int{len(long)}, long}, FromFloats("a", F32, []int{1, 2}, []float32{1, 2}), {Name: "none", DType: F32, Shape: []int{0}}}
	var want bytes.Buffer
	number := func(n int) { want.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) { number(len(s)); want.WriteString(s) }
	number(2)
	for _, s := range []string{"k", "v", "l", ""} {
		text(s)
	}
	number(3)
	for _, i := range []int{1, 2, 0} {
		text(ts[i].Name)
		text(string(ts[i].DType))
		number(len(ts[i].Shape))
		for _, d := range ts[i].Shape {
			number(d)
		}
		number(len(ts[i].Data))
		for part := range slices.Chunk(ts[i].Data, 1<<20) {
			sum := sha256.Sum256(part)
			want.Write(sum[:])
		}
	}
	sum := sha256.Sum256(want.Bytes())
	var b bytes.Buffer
	if err := Write(&b, ts, map[string]string{"l": "", "k": "v"}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b.Bytes(), []byte(`"contig-gpu.digest":"sha256:`+hex.EncodeToString(sum[:])+`"`)) {
		t.Errorf("%.300s", b.Bytes())
	}
}

// TestTwice: a name, a key or a piece of metadata that is there twice is refused.
func TestTwice(t *testing.T) {
	for _, header := range []string{
		`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, `{"a":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}}`,
		`{"__metadata__":{"a":"1","\u0061":"2"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, `{"a":{"Dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, `{"a":{"dtype":"U8","shape":[2,null],"data_offsets":[0,2]}}`,
		`{"a":{"dtype":"U8","shape":null,"data_offsets":[0,2]}}`, `{"a":null}`, `{"__metadata__":null}`, `{"` + strings.Repeat("\x7f", 1<<20) + `":[]}`,
	} {
		_, err := Decode("x", file(header, 2))
		if p := new(data.Problem); !errors.As(err, &p) || p.Code != 711 || len(err.Error()) > 1000 {
			t.Errorf("%.100s: %v", header, err)
		}
	}
}

// TestNothingIsTakenBeforeTheSizesFit: of a header that promises a terabyte, and of tensors that nobody asks for, no byte is taken.
func TestNothingIsTakenBeforeTheSizesFit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	header := `{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}`
	if err := os.WriteFile(path, file(header, 16), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := func(read func() error) (uint64, error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, err
	}
	none := func(*File) (func(Tensor) bool, error) { return func(Tensor) bool { return false }, nil }
	n, err := taken(func() error { _, err := Read(path); return err })
	if p := new(data.Problem); !errors.As(err, &p) || p.Code != 713 || n > 1<<16 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := os.Truncate(path, int64(8+len(header))+1<<40); err != nil {
		t.Skipf("the file system has no files of a terabyte: %v", err)
	}
	if n, err = taken(func() error { _, err := ReadWhere(path, none); return err }); err != nil || n > 1<<26 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
