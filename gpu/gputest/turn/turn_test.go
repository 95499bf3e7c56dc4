package turn

import (
	"fmt"
	"testing"
)

// named is a test by its name alone.
type named struct {
	testing.TB
	name string
}

func (n named) Name() string { return n.name }

// TestTurns: every test is in one share of any number of them, whatever there are.
func TestTurns(t *testing.T) {
	for n := 1; n <= 5; n++ {
		for i := range 100 {
			in := 0
			for k := 1; k <= n; k++ {
				t.Setenv(Env, fmt.Sprintf("%d/%d", k, n))
				if Whole(named{t, fmt.Sprint("TestLong", i)}) {
					in++
				}
			}
			if in != 1 {
				t.Errorf("test %d is in %d of %d shares", i, in, n)
			}
		}
	}
	t.Setenv(Env, "")
	if Whole(t) || !mine(t) {
		t.Error("without a wish the short forms run, and all that is not Long")
	}
}
