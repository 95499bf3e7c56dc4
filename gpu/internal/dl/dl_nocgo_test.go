//go:build !(linux && cgo)

package dl

import (
	"errors"
	"strings"
	"testing"
)

func TestOpenWithoutCgo(t *testing.T) {
	_, err := Open("cuDNN", "libcudnn.so.9", "CONTIG_LIBCUDNN")
	if !errors.Is(err, ErrNoCgo) || !strings.Contains(err.Error(), "cuDNN") {
		t.Errorf("error is %v", err)
	}
}
