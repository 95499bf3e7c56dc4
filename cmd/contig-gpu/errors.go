package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/train"
)

// Numbers of docs/errors.md that belong to the program itself.
const (
	codeOther  = 800 // what has no better number
	codeFile   = 803 // the operating system refused a file or folder
	codeDevice = 804 // no such device
	codeNumber = 805 // a precision that the device does not compute in
)

// A usageError is a mistake on the command line: exit code 2.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// An interrupt is the signal that ended the run: exit code 128 + its number.
type interrupt struct{ sig syscall.Signal }

func (e interrupt) Error() string { return "stopped by signal: " + e.sig.String() }

// Unwrap makes an interrupt one kind of context.Canceled.
func (e interrupt) Unwrap() error { return context.Canceled }

// ended is the end of a run of several ranks, which have the same exit code, by a signal that one of them was sent.
type ended struct {
	sig  syscall.Signal
	rank int
}

func (e ended) Error() string { return "stopped by signal: " + e.sig.String() }

// silentGrace is how long a rank that says nothing stays: launchers end all ranks once one has ended with another code than 0, and the one
// that reports is to do so before.
const silentGrace = 500 * time.Millisecond

// finish prints the one error of a run and returns the exit code.
func finish(err error, stderr io.Writer) int {
	var use usageError
	var stop interrupt
	var many faulty
	var silent ranks.Silent
	var own ranks.Own
	var all ended
	var told toldExit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &told):
		return told.code
	case errors.As(err, &stop):
		fmt.Fprintf(stderr, "contig-gpu: %v\n", stop)
		return 128 + int(stop.sig)
	case errors.As(err, &all):
		if all.rank == 0 {
			fmt.Fprintf(stderr, "contig-gpu: %v\n", all)
		}
		return 128 + int(all.sig)
	case errors.As(err, &silent):
		time.Sleep(silentGrace)
		if errors.As(err, &use) {
			return 2
		}
		return 1
	case errors.As(err, &own):
		fmt.Fprintf(stderr, "contig-gpu: %s: %v\n", own.Who, numbered(own.Err))
		return 1
	case errors.As(err, &many):
		fmt.Fprintf(stderr, "contig-gpu: %v\n", many)
		return 1
	case errors.As(err, &use):
		fmt.Fprintf(stderr, "contig-gpu: %s\n", data.Plain(use.text))
		return 2
	}
	fmt.Fprintf(stderr, "contig-gpu: %v\n", numbered(err))
	return 1
}

// numbered returns the Problem in err, or makes one of it.
func numbered(err error) *data.Problem {
	var p *data.Problem
	var path *fs.PathError
	var link *os.LinkError // renaming
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &path):
		return refused(path.Path, path.Op, path.Err)
	case errors.As(err, &link):
		return refused(link.New, link.Op, link.Err)
	case errors.Is(err, gpu.ErrNoDevice):
		return &data.Problem{Code: codeDevice, What: err.Error(), Fix: "use --device cpu"}
	case errors.Is(err, gpu.ErrPrecision):
		return &data.Problem{Code: codeNumber, What: err.Error(), Fix: "use --precision auto, or another --device"}
	case errors.Is(err, syscall.ENOSPC):
		return &data.Problem{Code: codeFile, What: "cannot write", Err: err, Cause: cause(err), Fix: "make room and run again with --resume"}
	}
	return &data.Problem{Code: codeOther, What: err.Error()}
}

// refused is the problem of a path that the system will not do something to.
func refused(path, op string, err error) *data.Problem {
	p := &data.Problem{Code: codeFile, File: path, What: "cannot " + op, Err: err, Cause: cause(err), Fix: "correct the path, or the permissions of the file and its folder"}
	if errors.Is(err, syscall.ENOSPC) {
		p.Fix = "make room; a training goes on with --resume"
	}
	return p
}

// withoutIDs says in one line what went wrong, for a log and a report: the number and the kind of file, with its line, but no
// name of a file of the cohort and nothing that is quoted from one, since both may hold ids of persons. Of what the program
// itself writes into the run folder dir the path in it is named. Stderr has all of it.
func withoutIDs(err error, dir string, images []data.Image) string {
	if errors.Is(err, train.ErrInterrupted) {
		return train.ErrInterrupted.Error()
	}
	p := numbered(err)
	text := fmt.Sprintf("E%d: %s", p.Code, kindOf(p, images))
	if p.Code >= firstOwn && p.Code != codeOther {
		text = fmt.Sprintf("E%d: %s", p.Code, p.What)
		var system syscall.Errno
		if errors.As(p.Err, &system) {
			text += fmt.Sprintf(" (%v)", system)
		}
		if in, err := filepath.Rel(dir, p.File); p.File != "" && err == nil && filepath.IsLocal(in) {
			text += ": " + in
		}
	}
	return text + "; the error on stderr says more"
}

// firstOwn is the first of the numbers of what is not read from a cohort: checkpoints, runs, the program.
const firstOwn = 700

// kindOf says which kind of input p is about, and which line.
func kindOf(p *data.Problem, images []data.Image) string {
	for _, im := range images {
		if p.File == im.Path {
			return fmt.Sprintf("the image of line %d of the manifest", im.Line)
		}
	}
	kinds := [...]string{1: "the manifest, data.toml or a file of ids", "a PLINK file", "a score file", "a table", "an image", "the splits"}
	kind := "a fault of the program"
	if k := p.Code / 100; k > 0 && k < len(kinds) {
		kind = kinds[k]
	}
	if p.Line > 0 {
		kind += fmt.Sprintf(", line %d", p.Line)
	}
	return kind
}

func cause(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "a misspelt path, or one relative to another folder"
	case errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return "a folder stands there"
	case errors.Is(err, syscall.ENOTDIR):
		return "a part of the path is a file"
	case errors.Is(err, fs.ErrPermission):
		return "the permissions do not allow it"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full"
	}
	return ""
}
