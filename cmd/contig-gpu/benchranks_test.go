//go:build unix

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestBenchStepOfRanks: ranks measure the same steps together, and rank 0 alone says how fast they are, with the sums of the gradient and without.
func TestBenchStepOfRanks(t *testing.T) {
	mpi := installed(t)
	args := []string{"bench", "step", "--device", "cpu", "--encoder", "resnet18", "--image-size", "32", "--batch", "6", "--features", "9,70", "--hidden", "16", "--embedding", "8",
		"--windows", "2", "--seconds", "0.1", "--missing", "0.3", "--json"}
	out, errs, err := launched(t, mpi, 2, nil, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	var r struct {
		Ranks, Batch, Steps int
		All                 struct{ Median float64 } `json:"images_per_second"`
		Each                struct{ Median float64 } `json:"images_per_second_of_a_rank"`
		Time                struct{ Median float64 } `json:"milliseconds_per_step"`
		Without             struct{ Median float64 } `json:"milliseconds_per_step_without_sums"`
		Exposed             float64                  `json:"exposed_communication"`
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if r.Ranks != 2 || r.Batch != 6 || r.Steps < 2 || r.All.Median != 2*r.Each.Median || r.Without.Median <= 0 || r.Exposed != 1-r.Without.Median/r.Time.Median {
		t.Errorf("%s", out)
	}
	for _, x := range []struct{ more, want string }{{"--batch 7", "6 and 8 can"}, {"--interactive", "one process"}} {
		_, errs, err := launched(t, mpi, 2, nil, append(args, strings.Fields(x.more)...)...)
		if err == nil || strings.Count(errs, x.want) != 1 {
			t.Errorf("%s: %v\n%s", x.more, err, errs)
		}
	}
}
