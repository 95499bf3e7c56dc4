package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

func TestConformanceMaskRows(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, s := range append(raggedRows(), [2]int{3, 70001}) {
			rows, c := s[0], s[1]
			x, present := notNumbers(l, "x", rows, c, presence(rows))
			y := l.Out(rows, c)
			l.Run(func(of of) {
				gpu.MaskRows(of(y), of(x), of(present))
				gpu.MaskRows(of(x), of(x), of(present))
			})
			l.Same(fmt.Sprint(s, ": y"), y, 1, 1)
			l.Same(fmt.Sprint(s, ": in place"), x, 1, 1)
		}
	})
}
