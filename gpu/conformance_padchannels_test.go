package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"testing"
)

func TestConformancePadChannels(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, rows := range gputest.Ragged() {
			for _, c := range [][2]int{{1, 1}, {3, 4}, {3, 8}, {5, 7}, {4, 12}, {33, 64}} {
				x, wide := l.In("x", -1, 1, rows, c[0]), l.InVec("wide", -1, 1, 2, rows, c[0])
				y, narrow := l.Out(rows, c[1]), l.Out(2, rows, c[1])
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					gpu.PadChannels(of(y), of(x))
					gpu.PadChannels(of(narrow), of(wide))
				})
				l.Same("padded", y, 1, 1)
				l.Same("converted", narrow, 1, 1)
			}
		}
	})
}
