package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

func TestConformanceCast(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		if l.Type != gpu.BF16 && l.Type != gpu.F16 {
			l.Skip("a conversion between float32 and itself")
		}
		for _, n := range append(gputest.Ragged(), 70000) {
			wide, narrow, back := l.Put(gpu.F32, hard(n), n), l.Out(n), l.New(gpu.F32, n)
			want := l.Put(l.Type, hard(n), n) // rounded by the host
			on := func(of of) { gpu.Cast(of(narrow), of(wide)); gpu.Cast(of(back), of(narrow)) }
			on(func(x gputest.Twin) gpu.Tensor { return x.On })
			exact(l, fmt.Sprint(n, " narrow"), narrow.On, want.On)
			exact(l, fmt.Sprint(n, " and back"), back.On, want.On)
		}
	})
}
