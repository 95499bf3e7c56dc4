//go:build !(linux && cgo)

package cuda

import (
	"errors"
	"testing"

	"contig-gpu/gpu/internal/dl"
)

func TestWithoutCgo(t *testing.T) {
	if _, err := Load(); !errors.Is(err, dl.ErrNoCgo) {
		t.Errorf("Load: %v", err)
	}
	if _, _, err := CompileNVRTC(nil, nil, 90); !errors.Is(err, dl.ErrNoCgo) {
		t.Errorf("CompileNVRTC: %v", err)
	}
}
