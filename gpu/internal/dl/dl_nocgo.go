//go:build !(linux && cgo)

package dl

import (
	"fmt"
	"unsafe"
)

// A Library is an opened shared library; this build has none.
type Library struct{}

// Open returns an error that wraps ErrNoCgo.
func Open(name, soname, env string) (*Library, error) {
	return nil, fmt.Errorf("%s (%s) could not be opened: %w", name, soname, ErrNoCgo)
}

// Path returns "".
func (l *Library) Path() string { return "" }

// Symbol returns an error that wraps ErrNoCgo.
func (l *Library) Symbol(name string) (unsafe.Pointer, error) { return nil, ErrNoCgo }
