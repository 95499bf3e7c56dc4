package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"errors"
	"slices"
	"strings"
	"testing"
)

// workOf runs operations that take memory beside their tensors, in types the device has.
func workOf(d *gpu.Device) {
	a := d.NamedArena("tensors", 1<<20)
	n, c := 40, 24
	x, y, w := a.Zeros(gpu.F32, 2, 9, 9, c), a.Zeros(gpu.F32, 2, 9, 9, c), a.Zeros(gpu.F32, c, 3, 3, c)
	s := gpu.ConvSpec{Stride: 1, Pad: 1}
	gpu.Conv(y, x, w, s)
	gpu.ConvBackwardData(x, y, w, s)
	gpu.ConvBackwardWeight(w, y, x, s)
	v := make([]gpu.Tensor, 6)
	for i := range v {
		v[i] = a.Zeros(gpu.F32, c)
	}
	gpu.BatchNormTrain(y, gpu.Tensor{}, gpu.Normed{X: x, Mean: v[0], Rstd: v[1], Gamma: v[2], Beta: v[3], RunMean: v[4], RunVar: v[5], ReLU: true}, gpu.BatchNorm{Eps: 1e-5})
	u, p, loss, scale := a.Zeros(gpu.F32, n, c), a.Zeros(gpu.U8, n), a.Zeros(gpu.F32, 4), a.Zeros(gpu.F32, 1)
	gpu.Fill(p, 1)
	gpu.InfoNCE(loss, a.Zeros(gpu.F32, n, c), a.Zeros(gpu.F32, n, c), u, u, p, gpu.Tensor{}, scale, gpu.InfoNCESpec{Tau: 1, Lambda: 0.5})
	gpu.MatMul(a.Zeros(gpu.F32, c, c), u, u, true, false, 1)
	gpu.SumSquares(a.Zeros(gpu.F64, 1), u)
}

func byName(d *gpu.Device) []gpu.Held {
	held := d.Allocated()
	slices.SortFunc(held, func(a, b gpu.Held) int { return strings.Compare(a.Name, b.Name) })
	return held
}

// TestPlanIsTheDevices: a planning device counts what the device that it plans for holds, and the most scratch memory that
// its operations work in; so does a plan of the plan.
func TestPlanIsTheDevices(t *testing.T) {
	for _, target := range gputest.Targets() {
		for _, portable := range []bool{false, true} {
			if portable {
				target = target.Portable()
			}
			t.Run(target.Name, func(t *testing.T) {
				d := target.Open(t)
				plan := d.Plan()
				workOf(plan)
				again := plan.Plan()
				workOf(again)
				if plan.Scratch() == 0 || again.Scratch() != plan.Scratch() {
					t.Errorf("planned are %d bytes, and by a plan of the plan %d", plan.Scratch(), again.Scratch())
				}
				plan.ReserveScratch(plan.Scratch())
				d.ReserveScratch(plan.Scratch())
				workOf(d)
				if err := d.Sync(); err != nil {
					t.Fatal(err)
				}
				want, got := byName(plan), byName(d)
				if d.Scratch() != plan.Scratch() || !slices.Equal(got, want) {
					t.Errorf("planned %v, %d bytes of scratch\nheld    %v, %d bytes of scratch", want, plan.Scratch(), got, d.Scratch())
				}
			})
		}
	}
}

// TestOutOfMemory: the error names the arena and both numbers; what was held is as it was.
func TestOutOfMemory(t *testing.T) {
	d := gputest.OpenEmulated(t)
	small := d.NamedArena("small", 1000)
	free := d.GPU().Free
	large := d.NamedArena("large", free+1)
	var m *gpu.MemoryError
	if err := d.Sync(); !errors.As(err, &m) || m.Arena != "large" || m.Bytes <= free || m.Free != free {
		t.Errorf("%v: %+v", err, m)
	}
	if want := []gpu.Held{{Name: "small", Bytes: 1024}}; !slices.Equal(d.Allocated(), want) {
		t.Errorf("held are %v, want %v", d.Allocated(), want)
	}
	large.Close()
	small.Close()
	if held := d.Allocated(); len(held) != 0 {
		t.Errorf("held are %v", held)
	}
}

// TestPlanWithoutAGPU: the planning device for a GPU that is not there has what is known of one.
func TestPlanWithoutAGPU(t *testing.T) {
	d := gputest.Open(t, "plan:cuda", gpu.Options{})
	if _, name, err := d.Precision("auto"); err != nil || name != "bf16" {
		t.Errorf("auto is %s, %v", name, err)
	}
	if _, _, err := d.Precision("f64"); !errors.Is(err, gpu.ErrPrecision) {
		t.Errorf("f64: %v", err)
	}
	workOf(d)
	if !d.Async() || d.GPU().Memory == 0 || d.Scratch() == 0 {
		t.Errorf("overlaps %v, %+v, %d bytes of scratch", d.Async(), d.GPU(), d.Scratch())
	}
}
