//go:build !(linux && cgo)

package dnn

import (
	"fmt"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// A Handle queues convolutions; this build has none. It has the methods of the real one, so that callers compile.
type Handle struct{ driver.Convolutions }

// New returns an error that wraps dl.ErrNoCgo.
func New(s Stream, o Options) (*Handle, error) { return nil, fmt.Errorf("cuDNN: %w", dl.ErrNoCgo) }

// Library describes no library.
func (h *Handle) Library() driver.Library { return driver.Library{} }

// Warning returns nil.
func (h *Handle) Warning() error { return nil }

// Plans returns none.
func (h *Handle) Plans() []Planned { return nil }

// Counts returns zeros.
func (h *Handle) Counts() Counts { return Counts{} }

// Recall returns nil.
func (h *Handle) Recall(kind, key string) []byte { return nil }

// Remember does nothing.
func (h *Handle) Remember(kind, key string, value []byte) {}

// Plan returns an error that wraps dl.ErrNoCgo.
func (h *Handle) Plan(p Problem) (Choice, error) { return Choice{}, dl.ErrNoCgo }

// Scratch returns an error that wraps dl.ErrNoCgo.
func (h *Handle) Scratch(p Problem) (int, error) { return 0, dl.ErrNoCgo }

// AddsWeights reports that there is none.
func (h *Handle) AddsWeights(c driver.Conv) bool { return false }

// StatsPay reports that it does not.
func (h *Handle) StatsPay(c driver.Conv, apart func(y driver.Ptr) error) bool { return false }

// ConvForwardStats does nothing.
func (h *Handle) ConvForwardStats(c driver.Conv, y, x, w, sum, square driver.Ptr) {}

// NormPays reports that it does not.
func (h *Handle) NormPays(c driver.Conv, apart func(y, x driver.Ptr) error) bool { return false }

// ConvNormForward does nothing.
func (h *Handle) ConvNormForward(c driver.Conv, y, x, w, scale, shift, sum, square driver.Ptr) {}

// ConvNormBackwardWeight does nothing.
func (h *Handle) ConvNormBackwardWeight(c driver.Conv, dw, dy, x, scale, shift driver.Ptr) {}

// NormDataPays reports that it does not.
func (h *Handle) NormDataPays(c driver.Conv, add bool, apart func(dy, x driver.Ptr) error) bool {
	return false
}

// ConvNormBackwardData does nothing.
func (h *Handle) ConvNormBackwardData(c driver.Conv, d, dy, w driver.Ptr, n driver.NormInput, dgamma, dbeta, line driver.Ptr) {
}

// NormAddPays reports that it does not.
func (h *Handle) NormAddPays(c driver.Conv, apart func(z, x, add driver.Ptr) error) bool {
	return false
}

// ConvNormAddForward does nothing.
func (h *Handle) ConvNormAddForward(c driver.Conv, y, x, w, scale, shift, add, z, sum, square driver.Ptr) {
}

// DescribeGPU returns an error that wraps dl.ErrNoCgo.
func (h *Handle) DescribeGPU() ([]byte, error) { return nil, dl.ErrNoCgo }

// Close does nothing.
func (h *Handle) Close() error { return nil }

// A Prober makes plans for a GPU that is not there; this build has none.
type Prober struct{}

// NewProber returns an error that wraps dl.ErrNoCgo.
func NewProber(gpu []byte) (*Prober, error) { return nil, fmt.Errorf("cuDNN: %w", dl.ErrNoCgo) }

// Version returns "".
func (p *Prober) Version() string { return "" }

// Plan returns an error that wraps dl.ErrNoCgo.
func (p *Prober) Plan(q Problem, o Options) (Choice, error) { return Choice{}, dl.ErrNoCgo }

// Propose returns an error that wraps dl.ErrNoCgo.
func (p *Prober) Propose(q Problem, o Options) (Choice, error) { return Choice{}, dl.ErrNoCgo }

// Plans returns an error that wraps dl.ErrNoCgo.
func (p *Prober) Plans(q Problem, o Options) ([]Saved, error) { return nil, dl.ErrNoCgo }

// Rebuild returns an error that wraps dl.ErrNoCgo.
func (p *Prober) Rebuild(q Problem, c Choice, o Options) error { return dl.ErrNoCgo }

// Close does nothing.
func (p *Prober) Close() {}
