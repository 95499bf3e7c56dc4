package gpu_test

import (
	"testing"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestMark: the time between two marks is not negative and lies within that on the host's clock.
func TestMark(t *testing.T) {
	for _, g := range gputest.Targets() {
		t.Run(g.Name, func(t *testing.T) {
			d := g.Open(t)
			x := d.NewArena(1<<16).New(gpu.F32, 1000)
			began := time.Now()
			first := d.Mark()
			gpu.Fill(x, 1)
			second := d.Mark()
			took, err := second.Since(first)
			if wall := time.Since(began); err != nil || took < 0 || took > wall {
				t.Errorf("%v, %v, within %v on the host", took, err, wall)
			}
			first.Close()
			second.Close()
			if err := d.Sync(); err != nil {
				t.Error(err)
			}
		})
	}
}
