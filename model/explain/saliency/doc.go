// Package saliency explains images: what their pixels do to a score, a number that an image encoder's features lead to.
//
//	m, err := saliency.New(saliency.Options{Device: dev, DType: gpu.F32, Encoder: "resnet50", Trunk: t, Height: 448, Width: 448, Rows: 8})
//	defer m.Close()
//	x, err := m.Gradient(ctx, image, score)
//	heat := x.Magnitude()
//
// Images are normalised, [Height, Width, 3]. The network runs in evaluation mode, and gradients of its parameters are never
// computed. What is 0 in a normalised image is the mean colour.
package saliency
