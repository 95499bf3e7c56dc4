package bench

import (
	"context"
	"reflect"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestFloorsAreTheGraph: the launches that a step is planned to have are those that it makes on the emulated GPU, and
// those that the graph recorded there consists of.
func TestFloorsAreTheGraph(t *testing.T) {
	gputest.UseEmulator(t)
	s := stepIn(t, "cuda", gpu.BF16, true)
	if err := s.Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	planned, total, err := Floors(s.dev.Plan(), s.o)
	if err != nil {
		t.Fatal(err)
	}
	s.dev.CountLaunches()
	s.work()
	made, _ := floorsOf(s.dev.Launches())
	if !reflect.DeepEqual(planned, made) {
		t.Errorf("planned %+v, made %+v", planned, made)
	}
	if total.Launches != s.Nodes() {
		t.Errorf("%d launches are planned, the graph has %d", total.Launches, s.Nodes())
	}
}
