package golden

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestGoldenFill holds the hash fill to the values of about.json.
func TestGoldenFill(t *testing.T) {
	var about struct {
		Check struct {
			Name   string
			First8 []float64
			Fill   []float64 `json:"fill_minus2_3"`
		} `json:"fill_check"`
	}
	b, err := os.ReadFile(filepath.Join(Dir(t), "about.json"))
	if err == nil {
		err = json.Unmarshal(b, &about)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := about.Check
	if got := Fill(c.Name, len(c.First8), 0, 1); !slices.Equal(got, c.First8) {
		t.Errorf("fill 0..1 is %v, want %v", got, c.First8)
	}
	if got := Fill(c.Name, len(c.Fill), -2, 3); !slices.Equal(got, c.Fill) {
		t.Errorf("fill -2..3 is %v, want %v", got, c.Fill)
	}
}

func TestDigestSeesErrors(t *testing.T) {
	v := Fill("v", 100, -1, 1)
	d := Digest{N: 100}
	for i, x := range v {
		d.L2 += x * x
		for k := range d.Dot {
			d.Dot[k] += x * Fill("digest/"+string(rune('0'+k))+"/v", 100, -1, 1)[i]
		}
	}
	d.L2 = math.Sqrt(d.L2)
	if e := d.Error("v", v); e > 1e-12 {
		t.Errorf("no error is seen as %g", e)
	}
	v[3]++
	if e := d.Error("v", v); e < 1e-3 || math.IsInf(e, 1) {
		t.Errorf("an error of 1 is seen as %g", e)
	}
	if !math.IsInf(d.Error("v", v[:99]), 1) || !math.IsInf(Digest{N: 100}.Error("v", v), 1) {
		t.Error("a wrong length or a tensor that should be 0 passed")
	}
}

func TestLayouts(t *testing.T) {
	v := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	got := ToKRSC(v, []int{1, 2, 2, 3})
	if !slices.Equal(got, []float64{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11}) {
		t.Errorf("KRSC is %v", got)
	}
	if back := ToKCRS(got, []int{1, 2, 3, 2}); !slices.Equal(back, v) {
		t.Errorf("back it is %v", back)
	}
}
