package gpu

func (c *card) maxPool(y, argmax, x Tensor, g window)           { panic("not built") }
func (c *card) maxPoolBackward(dx, dy, argmax Tensor, g window) { panic("not built") }
func (c *card) globalAvgPool(y, x Tensor)                       { panic("not built") }
func (c *card) globalAvgPoolBackward(dx, dy Tensor)             { panic("not built") }
