// Package loss says how the contrastive losses of several modalities are added up, and which pairs of one person count: in
// configurations by name. The loss itself is gpu.InfoNCE.
package loss

import (
	"fmt"
	"slices"

	"contig-gpu/gpu"
)

// Weights says how the terms of several modalities are added up.
type Weights uint8

const (
	Mean    Weights = iota // 1/M each, M the number of modalities
	Sum                    // 1 each
	Present                // 1/live each, live the modalities with two or more present rows in the batch
)

// Names of the Weights and of the treatments of pairs of one person in configurations.
const (
	MeanName    = "mean"
	SumName     = "sum"
	PresentName = "present"

	AvoidName    = "avoid"
	MaskName     = "mask"
	PositiveName = "positive"
)

// WeightNames returns the names of the Weights, in their order.
func WeightNames() []string { return []string{MeanName, SumName, PresentName} }

// PairNames returns the names of gpu.Pairs, in their order.
func PairNames() []string { return []string{AvoidName, MaskName, PositiveName} }

// ParseWeights returns the Weights called mean, sum or present.
func ParseWeights(name string) (Weights, error) {
	if i := slices.Index(WeightNames(), name); i >= 0 {
		return Weights(i), nil
	}
	return 0, fmt.Errorf("loss weights %q: want mean, sum or present", name)
}

// ParsePairs returns the treatment of pairs of one person called avoid, mask or positive.
func ParsePairs(name string) (gpu.Pairs, error) {
	if i := slices.Index(PairNames(), name); i >= 0 {
		return [...]gpu.Pairs{gpu.AvoidPairs, gpu.MaskPairs, gpu.PositivePairs}[i], nil
	}
	return 0, fmt.Errorf("pairs of one person %q: want avoid, mask or positive", name)
}

// Scale returns the weight of each modality's term, given how many rows of the batch have it.
func (w Weights) Scale(present []int) []float64 {
	s, v := make([]float64, len(present)), 1.0
	switch w {
	case Mean:
		v = 1 / float64(max(1, len(present)))
	case Present:
		v = 1 / float64(max(1, Live(present)))
	}
	for i := range s {
		s[i] = v
	}
	return s
}

// Live returns the number of modalities with two or more present rows: those whose term is not 0.
func Live(present []int) int {
	n := 0
	for _, c := range present {
		if c >= 2 {
			n++
		}
	}
	return n
}
