package gpu

func (c *card) sumSquares(out, x Tensor)                               { panic("not built") }
func (c *card) clipScale(scale, sumsq Tensor, maxNorm, gain float64)   { panic("not built") }
func (c *card) adam(p, half, g, m, v, rates, scale Tensor, s AdamSpec) { panic("not built") }
func (c *card) sgd(p, half, g, buf, rates, scale Tensor, s SGDSpec)    { panic("not built") }
func (c *card) ema(avg, p, decay Tensor)                               { panic("not built") }
