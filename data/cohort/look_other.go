//go:build !linux

package cohort

import (
	"io/fs"
	"time"
)

// lookOf says that nothing but its content tells whether a file has changed.
func lookOf(fs.FileInfo) (look string, changed time.Time, ok bool) { return "", time.Time{}, false }
