package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"contig-gpu/cmd/internal/progress"
)

// listen returns a context that ends with the first signal that asks to stop, and says on stderr what that means; quit gets the
// second; where it is nil a second changes nothing, as with ranks, to which launchers may hand on one signal twice, and one that quit would take
// all others' checkpoint along. A signal that this process was started to ignore, as nohup does with SIGHUP, stays ignored.
func listen(args []string, stderr io.Writer, quit func(syscall.Signal)) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stopSignals()...)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Whoever stops reading what is printed does not end the work. Notify, and not Ignore, which programs that are started inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		s := (<-signals).(syscall.Signal)
		fmt.Fprintf(stderr, "contig-gpu: %s\n", stopping(args, s, quit != nil))
		cancel(interrupt{s})
		for again := range signals {
			if quit != nil {
				quit(again.(syscall.Signal)) // whoever asks twice does not want to wait for the checkpoint
			}
		}
	}()
	return ctx
}

// stopping says what happens between the first signal and the end, and with a second.
func stopping(args []string, s syscall.Signal, hurries bool) string {
	text := "stopping, nothing is left half-written"
	if len(args) > 0 && args[0] == "train" {
		text = "stopping after this step, writing a checkpoint"
	} else if len(args) > 0 && args[0] == "explain" {
		text = "stopping, what is finished is kept for --resume"
	}
	if !hurries {
		return fmt.Sprintf("%v: %s", s, text)
	}
	if s == syscall.SIGINT {
		return text + "; Ctrl-C again quits at once"
	}
	return fmt.Sprintf("%v: %s; a second signal quits at once", s, text)
}

// unread is a writer whose reader may go away: what nobody reads counts as written.
type unread struct{ w io.Writer }

func (u unread) Write(p []byte) (int, error) {
	n, err := u.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}

// outputOf returns what the program prints on: a terminal itself, which progress lines ask for, or else f, whose reader may go away.
func outputOf(f *os.File) io.Writer {
	if progress.IsTerminal(f) {
		return f
	}
	return unread{f}
}
