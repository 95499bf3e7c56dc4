//go:build !(linux && cgo)

package dl

import "fmt"

// OpenFirst returns an error that wraps ErrNoCgo.
func OpenFirst(name, env string, files ...string) (*Library, error) {
	return nil, fmt.Errorf("%s could not be opened: %w", name, ErrNoCgo)
}
