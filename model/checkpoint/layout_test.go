package checkpoint

import (
	"fmt"
	"testing"
)

func TestLayoutRoundTrip(t *testing.T) {
	d := []int{2, 3, 4, 5}
	v := make([]float64, 120)
	for i := range v {
		v[i] = float64(i)
	}
	torch := toTorch(v, d)
	// Element [k, r, s, c] of ours is [k, c, r, s] of PyTorch's.
	if at := func(k, c, r, s int) float64 { return torch[((k*5+c)*3+r)*4+s] }; at(1, 4, 2, 3) != 119 || at(0, 1, 0, 0) != 1 || at(1, 2, 1, 3) != v[((1*3+1)*4+3)*5+2] {
		t.Error("toTorch")
	}
	if back := fromTorch(torch, d); fmt.Sprint(back) != fmt.Sprint(v) {
		t.Error("fromTorch does not undo toTorch")
	}
}
