//go:build linux && cgo

package dl

import (
	"path/filepath"
	"testing"
)

// TestOpenFirst: the first that there is, and of none all are named.
func TestOpenFirst(t *testing.T) {
	l, err := OpenFirst("test", env, "libcontig-dl-none.so.1", "libm.so.6", "libc.so.6")
	if err != nil || filepath.Base(l.Path()) != "libm.so.6" {
		t.Fatalf("opened %v, %v; want libm.so.6", l, err)
	}
	_, err = OpenFirst("test", env, "libcontig-dl-none.so.1", "/nowhere/libm.so.6")
	wantTried(t, err, "libcontig-dl-none.so.1", "/nowhere/libm.so.6")
}
