// Package nn has the layers that encoders are built from, the memory of their weights, and the pass that runs them.
// A layer computes its own gradient: there is no tape.
//
//	w := nn.NewWeights(layer)
//	w.Place(dev, gpu.F32)
//	w.Init(seed)
//	p := nn.Training(arena, gpu.F32)
//	y := layer.Forward(p, x)
//	layer.Backward(p, dy) // dy from p.Temp
//	p.Finish()
package nn
