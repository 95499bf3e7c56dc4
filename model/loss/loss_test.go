package loss

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

type multimodalCase struct {
	Name       string
	Modalities []string
	Weights    string
	SamePerson string `json:"same_person"`
	Tau        float64
	Lambda     float64
	Total      float64
	Terms      map[string]float64
}

// TestGoldenMultimodal holds every term, their total and all gradients to the reference.
func TestGoldenMultimodal(t *testing.T) {
	for _, stored := range golden.Cases(t, "multimodal") {
		c := multimodalCase{SamePerson: "avoid"}
		stored.Decode(t, &c)
		for _, j := range gputest.GoldenTargets() {
			t.Run(stored.Label()+"/"+j.Name, func(t *testing.T) { runMultimodal(t, c, stored, j) })
		}
	}
}

func runMultimodal(t *testing.T, c multimodalCase, stored golden.Case, j gputest.GoldenTarget) {
	dtype, lossBound, gradBound := j.Type, gputest.GoldenTol(j.Type, true), gputest.GoldenTol(j.Type, false)
	w, err := ParseWeights(c.Weights)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := ParsePairs(c.SamePerson)
	if err != nil {
		t.Fatal(err)
	}
	get := func(m, key string) golden.Tensor { return stored.Tensor(t, m+"/"+key) }
	var counts []int
	for _, m := range c.Modalities {
		n := 0
		for _, p := range get(m, "present").Data {
			n += int(p)
		}
		counts = append(counts, n)
	}
	a, scale, losses := j.Open(t).NewArena(1<<22), w.Scale(counts), []float64(nil)
	var group gpu.Tensor // none: all rows are of different persons
	if person, ok := stored.Lookup("person"); ok {
		group = gputest.Put(a, gpu.I32, person.Data, person.Dims...)
	}
	for i, m := range c.Modalities {
		put := func(key string, as gpu.DType) gpu.Tensor {
			x := a.New(as, get(m, key).Dims...)
			gpu.Write(x, get(m, key).Data)
			return x
		}
		s := a.New(dtype, 1)
		gpu.Write(s, scale[i:i+1])
		z, w := put("z", dtype), put("w", dtype)
		out, dz, dw := a.New(dtype, 4), a.New(dtype, z.Dims()...), a.New(dtype, w.Dims()...)
		gpu.InfoNCE(out, dz, dw, z, w, put("present", gpu.U8), group, s, gpu.InfoNCESpec{Tau: c.Tau, Lambda: c.Lambda, Pairs: pairs})
		losses = append(losses, read(out)...)
		near(t, m, losses[4*i:4*i+1], []float64{c.Terms[m]}, lossBound)
		near(t, m+" dz", read(dz), get(m, "dz").Data, gradBound)
		near(t, m+" dw", read(dw), get(m, "dw").Data, gradBound)
	}
	total := 0.0
	for i, weight := range scale {
		total += weight * losses[4*i]
	}
	near(t, "total", []float64{total}, []float64{c.Total}, lossBound)
}

func arena(t *testing.T) *gpu.Arena {
	dev, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev.NewArena(1 << 22)
}

func read(x gpu.Tensor) []float64 {
	v := make([]float64, x.Len())
	gpu.Read(v, x)
	return v
}

// near compares with the reference's length as the unit; what must be 0 must be exactly 0.
func near(t *testing.T, what string, got, want []float64, bound float64) {
	t.Helper()
	var diff, norm float64
	for i := range want {
		diff, norm = diff+(got[i]-want[i])*(got[i]-want[i]), norm+want[i]*want[i]
	}
	if !(math.Sqrt(diff) <= bound*math.Sqrt(norm)) {
		t.Errorf("%s is off by %.3g of %.3g, bound %.3g", what, math.Sqrt(diff), math.Sqrt(norm), bound)
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		name    string
		present []int
		want    []float64
	}{
		{"mean", []int{0, 5, 1, 2}, []float64{.25, .25, .25, .25}},
		{"sum", []int{0, 5}, []float64{1, 1}},
		{"present", []int{0, 5, 1, 2}, []float64{.5, .5, .5, .5}},
		{"present", []int{0, 1}, []float64{1, 1}},
	} {
		w, err := ParseWeights(c.name)
		if got := w.Scale(c.present); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s of %v: %v (%v), want %v", c.name, c.present, got, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	if _, err := ParseWeights("median"); err == nil {
		t.Error("weights median were accepted")
	}
	if _, err := ParsePairs(""); err == nil {
		t.Error("pairs without a name were accepted")
	}
	for i, name := range []string{"avoid", "mask", "positive"} {
		if p, err := ParsePairs(name); err != nil || p != gpu.Pairs(i) {
			t.Errorf("pairs %s: %v, %v", name, p, err)
		}
	}
}

func TestTermOfNobody(t *testing.T) {
	a, none := arena(t), gpu.Tensor{}
	z, w, present, out := a.Zeros(gpu.F64, 3, 2), a.Zeros(gpu.F64, 3, 2), a.Zeros(gpu.U8, 3), a.New(gpu.F64, 4)
	gpu.InfoNCE(out, none, none, z, w, present, none, none, gpu.InfoNCESpec{Tau: 1})
	if got := read(out); !slices.Equal(got, []float64{0, 0, 0, 0}) {
		t.Errorf("nobody present: %v, want zeros", got)
	}
}
