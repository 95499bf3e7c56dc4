// Package dl opens shared libraries at run time, so that a program which can use a GPU builds without the
// vendor's toolkit and runs without the vendor's libraries. It says where it looked for what it does not find.
package dl

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoCgo is wrapped by every error of a program that was built without cgo and so cannot open a library.
var ErrNoCgo = errors.New("this program was built without cgo (for Linux, with CGO_ENABLED=1 and gcc), which opening shared libraries needs")

// An OpenError says why a library could not be opened.
type OpenError struct {
	Name   string // what is looked for, "cuDNN"
	Soname string // its file name, "libcudnn.so.9"
	Env    string // the variable that may name the file, "CONTIG_LIBCUDNN"
	Tried  []Attempt
}

// An Attempt is one place that was looked at.
type Attempt struct {
	Path   string // a file, or a name that the loader searches for
	Reason string // the loader's own words
}

func (e *OpenError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) could not be opened; %s may name the file. Tried:", e.Name, e.Soname, e.Env)
	for _, a := range e.Tried {
		fmt.Fprintf(&b, "\n\t%s: %s", a.Path, reason(a))
	}
	return b.String()
}

// reason leaves out the path where the loader's text begins with it, as it mostly does.
func reason(a Attempt) string { return strings.TrimPrefix(a.Reason, a.Path+": ") }
