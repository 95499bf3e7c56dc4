package trunk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

func open(t *testing.T, spec string) *gpu.Device {
	t.Helper()
	dev, err := gpu.Open(spec, gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

// placed returns an encoder with weights on dev.
func placed(t *testing.T, dev *gpu.Device, name string, dtype gpu.DType) (*Trunk, *nn.Weights) {
	t.Helper()
	tr, err := New(name, "t.")
	if err != nil {
		t.Fatal(err)
	}
	w := nn.NewWeights(tr)
	if err := w.Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	return tr, w
}

// TestStagesAreAsTheySay: Channels and Stride of every stage are those of its map, rounded up, and the features' width is
// the trunk's, for every encoder.
func TestStagesAreAsTheySay(t *testing.T) {
	for _, name := range Names() {
		dev := open(t, "plan")
		tr, _ := placed(t, dev, name, gpu.F32)
		for _, size := range [][2]int{{64, 96}, {33, 70}} {
			p := nn.Evaluation(dev.NewArena(0), gpu.F32)
			image := dev.NewArena(0).New(gpu.F32, 2, size[0], size[1], Channels(gpu.F32))
			for i, m := range tr.Maps(p, image) {
				s := tr.Stages[i]
				up := func(n int) int { return (n + s.Stride - 1) / s.Stride }
				if want := []int{2, up(size[0]), up(size[1]), s.Channels}; !slices.Equal(m.Dims(), want) {
					t.Errorf("%s, %v: the map of %s is %v, want %v", name, size, s.Name, m.Dims(), want)
				}
			}
			p.Finish()
			if y := tr.Forward(p, image); !slices.Equal(y.Dims(), []int{2, tr.Width}) {
				t.Errorf("%s: features are %v, want width %d", name, y.Dims(), tr.Width)
			}
			p.Finish()
			if n := p.Arena.InUse(); n != 0 {
				t.Errorf("%s: %d bytes are left", name, n)
			}
		}
	}
}

// TestNamesBuild: every listed encoder builds, its weights carry the prefix and its stages different names; another name is
// refused with the list.
func TestNamesBuild(t *testing.T) {
	if len(Names()) == 0 {
		t.Fatal("no encoder")
	}
	for _, name := range Names() {
		tr, err := New(name, "some.")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen := map[string]bool{}
		for _, p := range tr.Params() {
			if !strings.HasPrefix(p.Name, "some.") || seen[p.Name] {
				t.Errorf("%s: the name %q lacks the prefix or is there twice", name, p.Name)
			}
			seen[p.Name] = true
		}
		for _, s := range tr.Stages {
			if s.Name == "" || seen[s.Name] {
				t.Errorf("%s: stage %q", name, s.Name)
			}
			seen[s.Name] = true
		}
	}
	_, err := New("vgg", "")
	if err == nil || !strings.Contains(err.Error(), strings.Join(Names(), ", ")) {
		t.Errorf("encoder vgg: %v, want the list", err)
	}
}

// A mapped has the scalar sum over stages of map times dmap, whose gradients are checked.
type mapped struct {
	tr    *Trunk
	w     *nn.Weights
	p     *nn.Pass
	image gpu.Tensor
	dmaps [][]float64 // nil where nothing reads a map
}

// newMapped has a resnet18 in float64 on six small images, of whose maps those that reads names are read.
func newMapped(t *testing.T, stats nn.Stats, reads func(stage int) bool) *mapped {
	dev, r := open(t, "cpu"), rand.New(rand.NewPCG(3, 4))
	random := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return v
	}
	m := &mapped{p: nn.Training(dev.NewArena(1<<26), gpu.F64)}
	m.tr, m.w = placed(t, dev, "resnet18", gpu.F64)
	m.w.Init(1)
	m.p.Stats, m.p.Move = stats, false
	m.p.Want |= nn.OfInputs
	m.image = dev.NewArena(1<<20).New(gpu.F64, 6, 32, 32, Channels(gpu.F64))
	gpu.Write(m.image, random(m.image.Len()))
	for i, x := range m.tr.Maps(m.p, m.image) {
		m.dmaps = append(m.dmaps, nil)
		if reads(i) {
			m.dmaps[i] = random(x.Len())
		}
	}
	m.p.Reset()
	return m
}

func (m *mapped) value() float64 {
	sum := 0.0
	for i, x := range m.tr.Maps(m.p, m.image) {
		for k, d := range m.dmaps[i] {
			sum += d * gpu.Host[float64](x)[k]
		}
	}
	m.p.Reset()
	return sum
}

func (m *mapped) slope(v *float64) float64 {
	const h = 1e-8 // small: a ReLU between the two points spoils the difference
	at := *v
	*v = at + h
	up := m.value()
	*v = at - h
	down := m.value()
	*v = at
	return (up - down) / (2 * h)
}

// backward returns the gradient of the image.
func (m *mapped) backward(t *testing.T) []float64 {
	t.Helper()
	var dmaps []gpu.Tensor
	for i, x := range m.tr.Maps(m.p, m.image) {
		var d gpu.Tensor
		if m.dmaps[i] != nil {
			d = m.p.Temp(x.Dims()...)
			gpu.Write(d, m.dmaps[i])
		}
		dmaps = append(dmaps, d)
	}
	dx := m.tr.BackwardMaps(m.p, dmaps)
	v := slices.Clone(gpu.Host[float64](dx))
	m.p.Free(dx)
	m.p.Finish()
	if n := m.p.Arena.InUse(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	return v
}

// TestBackwardMaps compares gradients of all maps, and of some, with central differences: sampled pixels, and of parameters
// of every stage the element of the largest gradient and another.
func TestBackwardMaps(t *testing.T) {
	for what, reads := range map[string]func(int) bool{
		"all":  func(int) bool { return true },
		"some": func(i int) bool { return i == 1 || i == 4 },
	} {
		for mode, stats := range map[string]nn.Stats{"batch": nn.BatchStats, "running": nn.RunningStats} {
			t.Run(fmt.Sprintf("%s maps by %s statistics", what, mode), func(t *testing.T) {
				m := newMapped(t, stats, reads)
				dx := m.backward(t)
				m.check(t, "the image", gpu.Host[float64](m.image), dx)
				for _, q := range m.w.Params() {
					for _, part := range []string{"t.conv1.", "layer1.0.conv1", "layer2.0.downsample.0", "layer3.1.bn2.weight", "layer4.1.conv2"} {
						if strings.Contains(q.Name, part) {
							m.check(t, q.Name, gpu.Host[float64](q.Value), gpu.Host[float64](q.Grad))
						}
					}
				}
			})
		}
	}
}

func (m *mapped) check(t *testing.T, what string, values, grads []float64) {
	t.Helper()
	top := 0
	for i, g := range grads {
		if math.Abs(g) > math.Abs(grads[top]) {
			top = i
		}
	}
	for _, i := range []int{top, len(grads) / 3} {
		if want := m.slope(&values[i]); !(math.Abs(grads[i]-want) <= 1e-5*math.Abs(grads[top])) {
			t.Errorf("the gradient of %s, element %d, is %.9g, want %.9g", what, i, grads[i], want)
		}
	}
}

// TestMapsAreForward: there is a map of each stage, of its shape, made from the one before, and the pooling of the last map is
// what Forward gives.
func TestMapsAreForward(t *testing.T) {
	m := newMapped(t, nn.RunningStats, func(int) bool { return true })
	want := slices.Clone(gpu.Host[float64](m.tr.Forward(m.p, m.image)))
	m.p.Reset()
	maps := m.tr.Maps(m.p, m.image)
	if len(maps) != len(m.tr.Stages) {
		t.Fatalf("%d maps of %d stages", len(maps), len(m.tr.Stages))
	}
	for i, s := range m.tr.Stages {
		d, x := m.image.Dims(), m.image
		if i > 0 {
			x = maps[i-1]
		}
		d[1], d[2], d[3] = (d[1]+s.Stride-1)/s.Stride, (d[2]+s.Stride-1)/s.Stride, s.Channels
		if !slices.Equal(maps[i].Dims(), d) {
			t.Fatalf("map %d is %v, want %v", i, maps[i].Dims(), d)
		}
		if y := s.Layers.Forward(m.p, x); !slices.Equal(gpu.Host[float64](maps[i]), gpu.Host[float64](y)) {
			t.Errorf("map %d is not its stage's of the map before", i)
		}
	}
	got := gpu.Host[float64](m.tr.Pool.Forward(m.p, maps[len(maps)-1]))
	if !slices.Equal(got, want) {
		t.Error("the features differ")
	}
}
