//go:build !(gorgonia && linux && cgo)

package gpu_test

import (
	"errors"
	"strings"
	"testing"

	"contig-gpu/gpu"
)

func TestOpenGorgoniaSaysHowToBuild(t *testing.T) {
	_, err := gpu.Open("gorgonia:0", gpu.Options{})
	if !errors.Is(err, gpu.ErrNoDevice) || !strings.Contains(err.Error(), "-tags gorgonia") {
		t.Errorf("error %v, want ErrNoDevice with the tag to build with", err)
	}
}
