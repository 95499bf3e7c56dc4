//go:build !(linux && cgo)

package blas

import (
	"fmt"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// An API is the opened library; this build has none.
type API struct{}

// A Handle computes products; this build has none.
type Handle struct{}

// Load returns an error that wraps dl.ErrNoCgo.
func Load() (*API, error) { return nil, fmt.Errorf("blas: %w", dl.ErrNoCgo) }

// New returns an error that wraps dl.ErrNoCgo.
func New(Stream) (*Handle, error) { return nil, fmt.Errorf("blas: %w", dl.ErrNoCgo) }

// Library returns the zero Library.
func (a *API) Library() driver.Library { return driver.Library{} }

// Library returns the zero Library.
func (h *Handle) Library() driver.Library { return driver.Library{} }

// Close does nothing.
func (h *Handle) Close() error { return nil }

// SetScratch does nothing.
func (h *Handle) SetScratch(p driver.Ptr, bytes int) {}

// FusesBias returns false.
func (h *Handle) FusesBias(driver.Product) bool { return false }

// MatMulScratch returns 0.
func (h *Handle) MatMulScratch(driver.Product) int { return 0 }

// MatMul does nothing: there is no Handle to call it on.
func (h *Handle) MatMul(p driver.Product, c, a, b driver.Ptr) {}
