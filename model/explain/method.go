package explain

import (
	"fmt"
	"strings"

	"contig-gpu/gpu"
)

// A Method attributes f to features.
type Method uint8

const (
	Gradient      Method = iota // df/dx
	GradientInput               // x df/dx
	IG                          // Integrated Gradients (Sundararajan et al. 2017) on the straight path from the baseline
	Smooth                      // SmoothGrad (Smilkov et al. 2017) over IG: its mean over noisy inputs
	Expected                    // expected gradients (Erion et al. 2021): IG from rows drawn from the reference
	DeepLift                    // the rescale rule (Shrikumar et al. 2017), the function above the embedding by its mean gradient
)

// MethodNames returns the names of all methods, in the order of their constants.
func MethodNames() []string {
	return []string{"gradient", "gradient-input", "ig", "smooth", "expected", "deeplift"}
}

func (m Method) String() string { return MethodNames()[m] }

// ParseMethod returns the method of that name.
func ParseMethod(name string) (Method, error) {
	for i, n := range MethodNames() {
		if n == name {
			return Method(i), nil
		}
	}
	return 0, fmt.Errorf("explain: method %q: want %s", name, strings.Join(MethodNames(), ", "))
}

// Complete reports whether the method's attributions add up to f(x) - f(baseline).
func (m Method) Complete() bool { return m != Gradient && m != GradientInput }

// A Baseline is what a person is compared with.
type Baseline uint8

const (
	Zero      Baseline = iota // 0: of centred features the mean of training
	Mean                      // the mean of the reference's rows
	Persons                   // rows of the reference, drawn: the mean over them
	baselines = iota
)

// BaselineNames returns the names of all baselines, in the order of their constants.
func BaselineNames() []string { return []string{"zero", "mean", "reference"} }

func (b Baseline) String() string { return BaselineNames()[b] }

// ParseBaseline returns the baseline of that name.
func ParseBaseline(name string) (Baseline, error) {
	for i, n := range BaselineNames() {
		if n == name {
			return Baseline(i), nil
		}
	}
	return 0, fmt.Errorf("explain: baseline %q: want %s", name, strings.Join(BaselineNames(), ", "))
}

// Settings say how genetics are attributed. The zero value is not valid: start from Defaults.
type Settings struct {
	Methods   []Method    // each once
	Baseline  Baseline    // of all but Expected, which has Persons, and of the gradients, which have none
	Steps     int         // nodes of a path; 0: doubled from 8 to 64, then where they are missing, until Tolerance is kept
	Tolerance float64     // |sum of attributions - (f(x) - f(baseline))| allowed, as a share of |f(x) - f(baseline)|
	MaxSteps  int         // nodes at which that ends, kept or not
	Draws     int         // paths of a person in Smooth and wherever baselines are drawn
	Noise     float64     // of Smooth, in units of each feature's standard deviation
	Seed      uint64      // of draws, which depend on it and on the person's number alone
	Bytes     int         // of the device's and the host's memory, to be kept unless 32 rows take more
	Exact     *gpu.Device // a CPU: where float32's rounding leaves a path open that nodes were doubled on, and of DeepLift everywhere, float64 on it makes that again; nil: it stays
}

// Defaults returns adaptive Integrated Gradients from zero.
func Defaults() Settings {
	return Settings{Methods: []Method{IG}, Tolerance: 0.01, MaxSteps: 1024, Draws: 5, Noise: 0.1, Bytes: 512 << 20}
}

// check reports what makes no sense.
func (s Settings) check() error {
	seen := map[Method]bool{}
	for _, m := range s.Methods {
		if int(m) >= len(MethodNames()) || seen[m] {
			return fmt.Errorf("explain: methods %v: want each once", s.Methods)
		}
		seen[m] = true
	}
	switch {
	case len(s.Methods) == 0:
		return fmt.Errorf("explain: no method is asked for")
	case s.Baseline >= baselines:
		return fmt.Errorf("explain: baseline %d is none", s.Baseline)
	case s.Steps < 0 || s.Draws < 1 || s.MaxSteps < 8:
		return fmt.Errorf("explain: %d steps, %d draws, %d steps at most: want 0 or more, 1 or more, 8 or more", s.Steps, s.Draws, s.MaxSteps)
	case !(s.Tolerance > 0) || !(s.Noise >= 0):
		return fmt.Errorf("explain: tolerance %g and noise %g: want more than 0, and 0 or more", s.Tolerance, s.Noise)
	}
	return nil
}

// noisy reports whether a method's inputs are varied, drawn whether its baselines are, and draws a person's paths.
func (s Settings) noisy(m Method) bool { return m == Smooth }
func (s Settings) drawn(m Method) bool {
	return m == Expected || m.Complete() && s.Baseline == Persons
}
func (s Settings) draws(m Method) int {
	if s.noisy(m) || s.drawn(m) {
		return s.Draws
	}
	return 1
}
