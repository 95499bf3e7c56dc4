package claims

import (
	"fmt"
	"math"
)

// HeldOutPower returns a sentence where a held-out test of so many persons and units finds only what is large, "" else:
// where nothing was found, or the first unit would have to raise the loss by more than large of its own standard deviation over
// persons to be found with a chance of 80 % (normal approximation: (z_(1 - q/units) + z_.8) / sqrt(persons)).
func HeldOutPower(persons, units, found int, q float64) string {
	const large, z80 = 0.2, 0.8416212335729143
	if units == 0 || persons < 2 {
		return fmt.Sprintf("%d held-out persons have the modality: at least 2 are needed to test anything", persons)
	}
	needed := (normalQuantile(1-min(0.5, q/float64(units))) + z80) / math.Sqrt(float64(persons))
	if needed <= large && found > 0 {
		return ""
	}
	return fmt.Sprintf("with %d held-out persons and %d units, a unit is found at q = %.3g with a chance of 80 %% only if exchanging it raises the loss by %.2f of that increase's standard deviation over persons",
		persons, units, q, needed)
}

// DecoyPower returns a sentence where decoys claimed nothing, "" else: knockoff+ needs about 1/q discoveries for one run and
// 2/q for e-values of several, whose runs are at q/2.
func DecoyPower(runs, found int, q float64) string {
	switch {
	case found > 0:
		return ""
	case runs > 1:
		return fmt.Sprintf("at least %.0f discoveries are needed at q = %.3g with several runs; held-out has no such floor", math.Ceil(2/q-slack), q)
	}
	return fmt.Sprintf("at least %.0f discoveries are needed at q = %.3g with one run; held-out has no such floor", math.Ceil(1/q-slack), q)
}

func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
