package assoc

import (
	"math"
	"testing"
)

// TestTTable: the table is NegLog10T, at any t and for few and many degrees of freedom.
func TestTTable(t *testing.T) {
	for _, df := range []float64{1, 29, 30, 31, 57, 400, 2193, 1e5, 1e6} {
		table := newTTable(df)
		if (table == nil) != (df < tTableFrom) {
			t.Fatalf("%g degrees of freedom: a table: %v", df, table != nil)
		}
		worst := 0.0
		for i := range 90001 {
			x := float64(i)/10000 - 0.00003
			if i%7 == 0 {
				x = -x
			}
			want := NegLog10T(x, df)
			worst = max(worst, math.Abs(table.at(x, df)/want-1))
		}
		if !(worst < 1e-12+2e-16*df) { // NegLog10T itself loses digits to logarithms of the size of df
			t.Errorf("%g degrees of freedom: off by %g", df, worst)
		}
		if table.at(0, df) != 0 || !math.IsNaN(table.at(math.NaN(), df)) || table.at(1.5, df+1) != NegLog10T(1.5, df+1) {
			t.Errorf("%g degrees of freedom: at 0 %g, of NaN %g", df, table.at(0, df), table.at(math.NaN(), df))
		}
	}
}
