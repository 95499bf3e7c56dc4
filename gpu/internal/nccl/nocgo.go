//go:build !(linux && cgo)

package nccl

import (
	"context"
	"fmt"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// An API is the opened library; this build has none.
type API struct{}

// A Comm is this process among the ranks; this build has none.
type Comm struct{ driver.Collectives }

// Load returns an error that wraps dl.ErrNoCgo.
func Load() (*API, error) {
	return nil, fmt.Errorf("nccl: %w: %w", driver.ErrNoCollectives, dl.ErrNoCgo)
}

// Library returns the zero Library.
func (a *API) Library() driver.Library { return driver.Library{} }

// UniqueID returns an error that wraps dl.ErrNoCgo.
func (a *API) UniqueID() ([]byte, error) { return nil, dl.ErrNoCgo }

// Join returns an error that wraps dl.ErrNoCgo.
func Join(context.Context, Stream, driver.Place, bool) (*Comm, error) {
	return nil, fmt.Errorf("nccl: %w: %w", driver.ErrNoCollectives, dl.ErrNoCgo)
}

// Library returns the zero Library.
func (c *Comm) Library() driver.Library { return driver.Library{} }
