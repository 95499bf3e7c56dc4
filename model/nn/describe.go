package nn

// Geometry returns the kernel's size and how it moves, in pixels.
func (c *Conv) Geometry() (kernel, stride, pad int) {
	return c.Weight.Dims[1], c.spec.Stride, c.spec.Pad
}

// Eps returns what is added to the variance.
func (b *BatchNorm) Eps() float64 { return normEps }

// Rectifies reports whether a ReLU comes last.
func (b *BatchNorm) Rectifies() bool { return b.relu }
