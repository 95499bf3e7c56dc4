package golden

import "testing"

func TestGoldenFill(t *testing.T) {
	var about struct {
		Check struct {
			Name   string    `json:"name"`
			First8 []float64 `json:"first8"`
			Fill   []float64 `json:"fill_minus2_3"`
		} `json:"fill_check"`
	}
	JSON(t, "about", &about)
	for i, v := range Uniform(about.Check.Name, len(about.Check.First8)) {
		if v != about.Check.First8[i] {
			t.Errorf("Uniform[%d] = %v, want %v", i, v, about.Check.First8[i])
		}
	}
	for i, v := range Fill(about.Check.Name, len(about.Check.Fill), -2, 3) {
		if v != about.Check.Fill[i] {
			t.Errorf("Fill[%d] = %v, want %v", i, v, about.Check.Fill[i])
		}
	}
}

func TestDigest(t *testing.T) {
	x := Fill("x", 1000, -1, 1)
	d := DigestOf("x", x)
	if e := d.Error("x", x); e != 0 {
		t.Errorf("error of the tensor itself is %g, want 0", e)
	}
	y := append([]float64(nil), x...)
	for i := range y {
		y[i] *= 1.01
	}
	if e := d.Error("x", y); e < 0.001 || e > 0.1 {
		t.Errorf("error of 1 %% is estimated as %g", e)
	}
	if (Digest{N: 2}).Error("z", []float64{0, 1}) == 0 {
		t.Error("a tensor that should be zero and is not has error 0")
	}
}

func TestSafetensorsRefused(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("short"), {255, 0, 0, 0, 0, 0, 0, 0, '{'}, {2, 0, 0, 0, 0, 0, 0, 0, '{', 'x'}} {
		if err := (&Set{tensors: map[string]Tensor{}}).read(b); err == nil {
			t.Errorf("%q was read without an error", b)
		}
	}
}

func TestChannels(t *testing.T) {
	x, dims := Fill("channels", 2*3*4*5, -1, 1), []int{2, 3, 4, 5}
	y := Tensor{dims, x}.NHWC()
	for i, v := range ChannelsFirst(y.Data, y.Dims) {
		if v != x[i] {
			t.Fatalf("element %d does not come back", i)
		}
	}
}
