package gpu

func (c *card) bnTrain(a *bnArgs)    { panic("not built") }
func (c *card) bnEval(a *bnArgs)     { panic("not built") }
func (c *card) bnBackward(a *bnArgs) { panic("not built") }
