package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"math"
	"testing"
)

// people returns the persons of a batch out of some: first, last, absent ones, one twice.
func people(batch, persons int) []int32 {
	index := make([]int32, batch)
	for b := range index {
		index[b] = int32(7*b%(persons+1)) - 1
	}
	index[0] = int32(persons - 1)
	return index
}

// noise returns n bytes that depend on the name.
func noise(name string, n int) []uint8 {
	x := make([]uint8, n)
	for i, v := range golden.Fill(name, n, 0, 256) {
		x[i] = uint8(v)
	}
	return x
}

func TestConformanceDecode(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, features := range append(gputest.Ragged(), 4*300) {
			for _, batch := range []int{1, 2, 9, 33} {
				const persons = 11
				what := fmt.Sprintf("%d rows of %d: ", batch, features)
				index := l.Ints(people(batch, persons), batch)
				codes, bits := l.Bytes(noise("codes", persons*((features+3)/4)), persons, (features+3)/4), l.Bytes(noise("bits", persons*((features+7)/8)), persons, (features+7)/8)
				lut, two := l.InVec("lut", -2, 3, features, 4), l.InVec("two", -2, 3, features, 2)
				bytes, all := l.Bytes(noise("bytes", persons*features), persons, features), l.InVec("all", -2, 3, features, 256)
				y, z, w := l.Out(batch, features), l.Out(batch, features), l.Out(batch, features)
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					gpu.DecodeGenotypes(of(y), of(codes), of(index), of(lut))
					gpu.DecodeBits(of(z), of(bits), of(index), of(two))
					gpu.DecodeBytes(of(w), of(bytes), of(index), of(all))
				})
				l.Same(what+"genotypes", y, 1, 1)
				l.Same(what+"bits", z, 1, 1)
				l.Same(what+"bytes", w, 1, 1)
			}
		}
	})
}

// TestDecodeGenotypesByHand: the codes of a .bed, low bits first, and their meanings.
func TestDecodeGenotypesByHand(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		v := l.VectorType()
		packed := l.Bytes([]uint8{0b11_10_01_00, 0b01, 0, 0b11}, 2, 2)
		lut := l.Put(v, []float64{2, -1, 1, 0, 2, -1, 1, 0, 2, -1, 1, 0, 2, -1, 1, 0, 20, -10, 10, 4}, 5, 4)
		index, y := l.Ints([]int32{1, -1, 0}, 3), l.Out(3, 5)
		l.Run(func(of func(gputest.Twin) gpu.Tensor) { gpu.DecodeGenotypes(of(y), of(packed), of(index), of(lut)) })
		want := []float64{2, 2, 2, 2, 4, 0, 0, 0, 0, 0, 2, -1, 1, 0, -10}
		gputest.Close(l.TB, "genotypes", gputest.Values(y.On), want, 0)
	})
}

func TestConformanceGatherRows(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, features := range gputest.Ragged() {
			for _, batch := range []int{1, 9, 33} {
				const persons = 11
				what := fmt.Sprintf("%d rows of %d: ", batch, features)
				index := l.Ints(people(batch, persons), batch)
				counts, table := l.Bytes(noise("counts", persons*features), persons, features), l.InVec("table", -3, 3, persons, features)
				scale, shift, none := l.InVec("scale", 0.01, 0.02, features), l.InVec("shift", -1, 1, features), gputest.Twin{}
				a, b, c := l.Out(batch, features), l.Out(batch, features), l.Out(batch, features)
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					gpu.GatherRows(of(a), of(counts), of(index), of(scale), of(shift))
					gpu.GatherRows(of(b), of(table), of(index), of(none), of(none))
					gpu.GatherRows(of(c), of(counts), of(index), of(none), of(shift))
				})
				l.Same(what+"scaled counts", a, 1, 4)
				l.Same(what+"table", b, 1, 1)
				l.Same(what+"shifted counts", c, 1, 4)
			}
		}
	})
}

// TestGatherOutside: a person that is not in the table gives NaN, not another person's numbers.
func TestGatherOutside(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		index, table, y := l.Ints([]int32{5, -2, 0}, 3), l.InVec("table", 1, 2, 5, 6), l.Out(3, 6)
		packed, lut, z := l.Bytes(noise("codes", 10), 5, 2), l.InVec("lut", 1, 2, 6, 4), l.Out(3, 6)
		l.Run(func(of func(gputest.Twin) gpu.Tensor) {
			gpu.GatherRows(of(y), of(table), of(index), gpu.Tensor{}, gpu.Tensor{})
			gpu.DecodeGenotypes(of(z), of(packed), of(index), of(lut))
		})
		for i, v := range append(gputest.Values(y.On), gputest.Values(z.On)...) {
			if math.IsNaN(v) != (i%18 < 12) {
				t.Errorf("value %d is %v", i, v)
			}
		}
	})
}

func TestDataPanicsNameTheTensor(t *testing.T) {
	l := newLab(t)
	y, index := l.zeros(3, 10), gputest.Put(l.a, gpu.I32, []int32{0, 0, 0}, 3)
	packed, image := l.a.New(gpu.U8, 4, 3), l.a.New(gpu.U8, 1, 8, 8, 3)
	g, c, n := l.a.New(gpu.I32, 1, gpu.AugmentFields), l.zeros(1, 3), l.zeros(6)
	for text, f := range map[string]func(){
		"gpu: DecodeGenotypes: lut is [10, 2], want [10, 4]": func() { gpu.DecodeGenotypes(y, packed, index, l.zeros(10, 2)) },
		"gpu: DecodeBits: packed is [4, 3], want [4, 2]":     func() { gpu.DecodeBits(y, packed, index, l.zeros(10, 2)) },
		"gpu: GatherRows: table is i32 [3], want f64 or u8 of rank [2]": func() {
			gpu.GatherRows(y, index, index, gpu.Tensor{}, gpu.Tensor{})
		},
		"gpu: GatherRows: shift is [3, 10], want [10]":                         func() { gpu.GatherRows(y, y, index, gpu.Tensor{}, y) },
		"gpu: Augment: y is [1, 4, 5, 3], want squares of at least 3 channels": func() { gpu.Augment(l.zeros(1, 4, 5, 3), image, g, c, n) },
		"gpu: Augment: geometry is [3], want [1, 10]":                          func() { gpu.Augment(l.zeros(1, 4, 4, 3), image, index, c, n) },
		"gpu: SoftmaxCrossEntropy: labels is f64, want i32":                    func() { gpu.SoftmaxCrossEntropy(l.zeros(2), y, y, l.zeros(3), l.zeros(1)) },
		"gpu: Finite: flag is [3], want [1]":                                   func() { gpu.Finite(index, y) },
	} {
		gputest.Panics(t, text, f)
	}
}
