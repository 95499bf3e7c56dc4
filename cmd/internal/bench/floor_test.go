package bench

import (
	"reflect"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
)

// TestFloorsAreTheGraph: the launches that a step is planned to have are those that it makes on the emulated GPU, and
// those that the graph recorded there consists of: from varying the images to the download of what it leaves.
func TestFloorsAreTheGraph(t *testing.T) {
	for precision, some := range map[string][]string{
		"bf16": {"augment_shrink_u8", "genotypes_forward_bf16", "adam_forward_bf16", "download"},
		"f16":  {"conv_norm_forward_f16", "conv_norm_weight_f16", "conv_norm_data_f16", "batchnorm_summed_backward_f16", "adam_forward_f16"},
	} {
		t.Run(precision, func(t *testing.T) {
			turn.Share(t)
			floorsAreTheGraph(t, precision, some)
		})
	}
}

func floorsAreTheGraph(t *testing.T, precision string, some []string) {
	gputest.UseEmulator(t)
	o := tinyOptions()
	o.Precision, o.Floats = precision, false
	dev := gputest.Open(t, "cuda", gpu.Options{})
	planned, total, err := Floors(dev.Plan(), o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStep(dev, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := s.Launches()
	if err != nil {
		t.Fatal(err)
	}
	if made, _ := floorsOf(all); !reflect.DeepEqual(planned, made) {
		t.Errorf("planned %+v, made %+v", planned, made)
	}
	if total.Launches != s.Nodes() {
		t.Errorf("%d launches are planned, the graph has %d", total.Launches, s.Nodes())
	}
	for _, want := range some {
		if !slices.ContainsFunc(all, func(l gpu.Launch) bool { return l.Name == want }) {
			t.Errorf("the step has no %s: %v", want, planned)
		}
	}
}
