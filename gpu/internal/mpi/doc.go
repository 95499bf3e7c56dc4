// Package mpi opens an MPI library at run time and does with it what ranks on CPUs need of each other: a sum over all, a broadcast,
// and how many there are. The program is linked to no MPI. Open MPI 4 and 5, MPICH 4 and 5 and what keeps MPICH's interface (Intel's,
// Cray's, MVAPICH), and the interface of MPI 5 are served by one table.
//
// The library must be the launcher's: another's begins as N worlds of one rank each. So Files chooses by the launcher's variables, and
// whoever opens a World compares its size with the launcher's number.
package mpi

import (
	"errors"
	"fmt"
)

// Env names the environment variable that may name the library's file, and nothing else is tried then.
const Env = "CONTIG_LIBMPI"

// ErrGone is wrapped by what calls of a World return after Abandon.
var ErrGone = errors.New("mpi: the ranks are no longer together")

// An Error is a call that MPI refused.
type Error struct {
	Call string // the function
	Code int
	Text string // as the library explains it; "": it does not
}

func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: error %d", e.Call, e.Code)
	}
	return e.Call + ": " + e.Text
}

// Files returns what to open, in order: openmpi's names first, or else MPICH's. named, where not empty, is the only one.
func Files(named string, mpichFirst bool) []string {
	const openmpi = "libmpi.so.40"
	mpich := []string{"libmpi_abi.so.1", "libmpi.so.12", "libmpich.so.12"} // the last is Debian's name
	switch {
	case named != "":
		return []string{named}
	case mpichFirst:
		return append(mpich, openmpi)
	}
	return append([]string{openmpi}, mpich...)
}

// A Found is a library that could be opened, or why it cannot be used.
type Found struct {
	Name                     string // under which it was looked for
	Interface, Version, Path string
	Err                      error
}
