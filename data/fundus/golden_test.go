package fundus

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

type stored struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
	bytes   []byte
}

func goldenDir(t *testing.T) string {
	dir := os.Getenv("CONTIG_GOLDEN")
	if dir == "" {
		dir = "../../../shared/golden"
	}
	if _, err := os.Stat(filepath.Join(dir, "images.json")); err != nil {
		t.Skipf("no reference numbers: set CONTIG_GOLDEN (%v)", err)
	}
	return dir
}

func readTensors(t *testing.T, path string) map[string]stored {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 8 + int(binary.LittleEndian.Uint64(b))
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(b[8:n], &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]stored{}
	for name, r := range raw {
		var s stored
		if name == "__metadata__" {
			continue
		}
		if err := json.Unmarshal(r, &s); err != nil {
			t.Fatal(name, err)
		}
		s.bytes = b[n+s.Offsets[0] : n+s.Offsets[1]]
		out[name] = s
	}
	return out
}

func TestGoldenImages(t *testing.T) {
	dir := goldenDir(t)
	b, err := os.ReadFile(filepath.Join(dir, "images.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Cases []struct{ Name, Layout string }
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Cases) == 0 {
		t.Fatal("images.json lists no cases")
	}
	all := readTensors(t, filepath.Join(dir, "images.safetensors"))
	for _, c := range list.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if c.Layout != "HWC" {
				t.Fatalf("layout %q", c.Layout)
			}
			checkGolden(t, all[c.Name+"/input"], all[c.Name+"/resized"], all[c.Name+"/normalised"])
		})
	}
}

func checkGolden(t *testing.T, in, want, norm stored) {
	src := &RGB{W: in.Shape[1], H: in.Shape[0], Pix: in.bytes}
	got := Resize(src, want.Shape[1], want.Shape[0])
	if len(got.Pix) != len(want.bytes) {
		t.Fatalf("%d values, want %d", len(got.Pix), len(want.bytes))
	}
	differ := 0
	for i, v := range got.Pix {
		d := int(v) - int(want.bytes[i])
		if d < -1 || d > 1 {
			t.Fatalf("value %d is %d, want %d", i, v, want.bytes[i])
		}
		differ += d * d
	}
	t.Logf("%d of %d values differ, by 1", differ, len(got.Pix))
	if differ*100 >= len(got.Pix) {
		t.Errorf("%d of %d values differ", differ, len(got.Pix))
	}
	out := make([]float32, len(want.bytes))
	Normalise(out, want.bytes)
	for i, v := range out {
		w := math.Float64frombits(binary.LittleEndian.Uint64(norm.bytes[8*i:]))
		if math.Abs(float64(v)-w) > 1e-6 {
			t.Fatalf("normalised value %d is %v, want %v", i, v, w)
		}
	}
}
