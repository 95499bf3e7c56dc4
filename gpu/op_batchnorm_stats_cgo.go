//go:build linux && cgo

package gpu

import (
	"contig-gpu/gpu/internal/driver"
)

// StatsPay implements convStatist: cuDNN's convolution with sums against its convolution and our own pass over y. Times
// on the emulator mean nothing; there it is always so.
func (v *vendorGPU) StatsPay(q driver.Conv) bool {
	if v.Context.Info().Emulated {
		return v.cudnn.StatsPay(q, nil)
	}
	var pass *statsPass
	defer func() { pass.close() }()
	return v.cudnn.StatsPay(q, func(y driver.Ptr) (err error) {
		if pass == nil {
			pass, err = v.newStatsPass(q, y)
		}
		if err == nil {
			pass.c.bnStatistics(&pass.a, pass.s)
		}
		return err
	})
}

// A statsPass is BatchNormTrain's pass over a convolution's y, with memory of its own.
type statsPass struct {
	c *gpu
	a bnArgs
	s columnShape
}

func (v *vendorGPU) newStatsPass(q driver.Conv, y driver.Ptr) (*statsPass, error) {
	p := &statsPass{c: newGPU(v)}
	types := [...]DType{driver.F32: F32, driver.BF16: BF16, driver.F16: F16}
	p.a.x = Tensor{dev: &Device{kind: cudaKind, gpu: p.c}, dtype: types[q.Type], rank: 4, dims: [4]int{q.N, q.OH(), q.OW(), q.K}, at: y}
	p.s = columnsOf("BatchNormTrain", p.a.x)
	_, _, _, p.c.room = bnMomentsAt(parts(p.s.grid(p.c, bnRowsInFlight, bnMomentBlocks)), p.s.c)
	var err error
	p.c.work, err = v.Context.Alloc(p.c.room)
	return p, err
}

func (p *statsPass) close() {
	if p != nil && p.c.work != 0 {
		p.c.dev.Free(p.c.work)
	}
}
