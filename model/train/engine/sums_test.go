package engine

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/worldtest"
	"contig-gpu/model/nn"
)

// linears are n layers that weigh the same, placed on d, with gradients of 1 + the rank.
func linears(d *gpu.Device, n int) (*nn.Weights, []*nn.Param, error) {
	var layers []nn.Layer
	var params []*nn.Param
	for i := range n {
		l := nn.NewLinear(fmt.Sprint(i), 16, 16)
		layers, params = append(layers, l), append(params, l.Weight)
	}
	w := nn.NewWeights(layers...)
	if err := w.Place(d, gpu.F32); err != nil {
		return nil, nil, err
	}
	_, grads, _ := w.Flat()
	gpu.Fill(grads, float64(1+d.Rank()))
	return w, params, nil
}

// TestSumsAreInParts: a quarter of the gradient is summed once all of it and of what is behind it is complete, in whatever order that
// comes, and at the end all is summed once.
func TestSumsAreInParts(t *testing.T) {
	const layers, ranks, total = 8, 3, 1 + 2 + 3
	err := worldtest.Together(ranks, func(world *world.World) error {
		d, err := gpu.Open("cpu", gpu.Options{Threads: 1})
		if err != nil {
			return err
		}
		defer d.Close()
		if err := d.Join(world); err != nil {
			return err
		}
		w, params, err := linears(d, layers)
		if err != nil {
			return err
		}
		e := &Engine{dev: d, weights: w, sums: newSums(w, false)}
		p := nn.Training(d.NewArena(0), gpu.F32)
		e.beginSums(p)
		for i, want := range []struct{ layer, summed int }{{7, 8}, {4, 8}, {5, 8}, {6, 4}, {0, 4}, {3, 4}} { // the first layer that is summed, after each
			p.Done(params[want.layer])
			for l, x := range params {
				if got, sum := gputest.Values(x.Grad)[0], l >= want.summed; sum != (got == total) {
					return fmt.Errorf("after %d layers the gradient of layer %d is %g", i+1, l, got)
				}
			}
		}
		e.sums.end()
		_, grads, _ := w.Flat()
		for i, v := range gputest.Values(grads) {
			if v != total {
				return fmt.Errorf("element %d is %g", i, v)
			}
		}
		return d.Sync()
	})
	if err != nil {
		t.Error(err)
	}
}
