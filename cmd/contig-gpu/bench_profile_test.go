package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/gpu"
)

// TestBenchProfile: on the emulated GPU every launch that `bench floor` counts is timed, and the plans of convolutions are named.
func TestBenchProfile(t *testing.T) {
	if !emulated(t) {
		return
	}
	args := []string{"--encoder", "resnet18", "--image-size", "32", "--batch", "2", "--features", "3", "--hidden", "8", "--json"}
	var p stepProfile
	out := must(t, append([]string{"bench", "profile", "--device", "cuda:0", "--windows", "2", "--seconds", "0"}, args...)...)
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	var f stepFloors
	out = must(t, append([]string{"bench", "floor"}, args...)...)
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		t.Fatal(err)
	}
	if p.Total.Flops != f.Total.Flops || !(p.Total.Measured > 0) || !(p.Step.Median > 0) {
		t.Errorf("the step is %+v, of which %+v is counted", p.Total, f.Total)
	}
	for _, want := range f.Rows { // of what does not depend on the number of multiprocessors
		i := slices.IndexFunc(p.Rows, func(r bench.ProfileRow) bool { return r.Kernel == want.Kernel })
		if strings.HasPrefix(want.Kernel, "conv_") && (i < 0 || p.Rows[i].Launches != want.Launches || p.Rows[i].Bytes != want.Bytes || p.Rows[i].Flops != want.Flops) {
			t.Errorf("bench floor has %+v, the rows are %+v", want, p.Rows)
		}
	}
	sum, last := 0.0, p.Rows[0].Measured
	for _, r := range p.Rows {
		if sum += r.Measured; r.Measured <= 0 || r.Measured > last {
			t.Errorf("%+v after %g ms", r, last)
		}
		last = r.Measured
	}
	if d := sum - p.Total.Measured; d > 1e-6*sum || d < -1e-6*sum {
		t.Errorf("%g ms in all, the rows have %g", p.Total.Measured, sum)
	}
	if len(p.Plans) < 20 || !slices.ContainsFunc(p.Plans, func(x gpu.ConvPlan) bool {
		return len(x.Kernels) == 1 && strings.HasPrefix(x.Problem, "forward + statistics")
	}) {
		t.Errorf("the plans are %+v", p.Plans)
	}
	if code, _, errs := exec(t, "bench", "profile", "--device", "cpu"); code != 2 || !strings.Contains(errs, "no GPU") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
