package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/data"
	"contig-gpu/model/train"
	"contig-gpu/model/train/engine"

	"github.com/urfave/cli/v2"
)

// Under mpirun or srun a training has several ranks: all set up the same and take steps together, and rank 0 alone speaks and has the run folder.

// meet brings the ranks together, and settles what each was asked for: all the same.
func (r *trainRun) meet(c *cli.Context) error {
	o, err := ranksOptions(c)
	if err != nil {
		return err
	}
	o.Unit, o.Orderly = "step", true
	r.team, err = ranks.Start(c.Context, o)
	return err
}

// several reports whether the training has several ranks.
func (r *trainRun) several() bool { return r.team.Size > 1 }

// first reports whether this rank speaks and has the run folder.
func (r *trainRun) first() bool { return r.team.Rank == 0 }

// suit fits the settings to the ranks, and refuses what several cannot do.
func (r *trainRun) suit() error {
	if !r.several() {
		return nil
	}
	if !r.first() {
		r.out, r.json, r.quiet, r.events = io.Discard, nil, true, false
	}
	var err error
	if r.cfg.Device, err = gpuOfRank("train", r.cfg.Device, r.team); err != nil {
		return err
	}
	if err := sharesBatch("train", r.cfg.Batch, r.team.Size); err != nil {
		return err
	}
	if r.cfg.SkipsBad() {
		return usagef("train: --bad-images skip is for one process: several ranks would have to agree on every image. Find those that are broken with contig-gpu check, and mark them in the manifest's column skip")
	}
	threads := processorsOf(r.team)
	if r.cfg.Threads == 0 {
		r.cfg.Threads = threads
	}
	if r.cfg.Workers == 0 {
		r.cfg.Workers = threads
	}
	return nil
}

// alike is an error on all ranks where they were not asked for the same.
func (r *trainRun) alike() error {
	if !r.several() {
		return nil
	}
	text := &bytes.Buffer{}
	if err := r.values.write(text); err != nil {
		return err
	}
	return r.team.Alike("settings", fmt.Sprintf("%x", sha256.Sum256(text.Bytes())), "flags, --config of another content, or a run folder that is not the same on all hosts")
}

// introduce says who takes part.
func (r *trainRun) introduce() {
	if !r.several() {
		return
	}
	engine, _ := r.team.World.Engine()
	name, _, _ := strings.Cut(engine.Version, ",") // Open MPI v4.1.4, package: ...
	if name != "" {
		name = ", " + name
	}
	r.say("%s%s; batch %d = %d x %d", membersText(r.team.Members(), r.team.Launcher), name, r.cfg.Batch, r.team.Size, r.cfg.Batch/r.team.Size)
	for _, w := range r.team.Warnings {
		r.say("%s", w)
	}
}

// membersText says how many ranks there are, and where.
func membersText(all []ranks.Member, launcher string) string {
	names, counts := ranks.Hosts(all)
	var on []string
	for _, n := range names {
		on = append(on, fmt.Sprintf("%s %d", n, counts[n]))
	}
	return fmt.Sprintf("%s on %s (%s), started by %s", counted(len(all), "rank"), counted(len(names), "host"), strings.Join(on, ", "), launcher)
}

// inTurn calls f on the first rank of every host, and then on the others: what the first leaves there, the others find.
func (r *trainRun) inTurn(f func() error) error {
	if r.team.Local == 0 {
		if err := r.team.Together(f()); err != nil {
			return err
		}
		return r.team.Together(nil)
	}
	if err := r.team.Together(nil); err != nil {
		return err
	}
	return r.team.Together(f())
}

// told is progress on the rank that speaks. What another one's training warns of goes there.
func (r *trainRun) told(e train.Event) {
	switch {
	case r.first():
		r.progress(e)
	case e.Kind == train.Warned:
		r.say("warning: %s", e.Text)
	}
}

// warned keeps a warning that is said, so that no other rank's is said again. Those of ranks but the first go there.
func (r *trainRun) warned(text string) {
	if !r.first() {
		r.team.Warn(text)
		return
	}
	if r.warnings == nil {
		r.warnings = map[string]bool{}
	}
	r.warnings[text] = true
}

// sayOthers says of what other ranks have warned and this one has not.
func (r *trainRun) sayOthers() {
	if !r.several() {
		return
	}
	for _, w := range r.team.Warned() {
		if !r.warnings[w.Text] {
			r.warned(w.Text)
			r.say("%v", w)
		}
	}
}

// end makes of how a training of several ranks ended what this rank is to end with.
func (r *trainRun) end(ctx context.Context, err error) error {
	if !r.several() {
		return err
	}
	err = r.stoppedAlike(ctx, err)
	if collective(err) {
		err = ranks.Shared{Err: err}
	}
	if err = r.team.End(r.team.Lost(err, "a sum over all ranks")); err != nil && !errors.Is(err, context.Canceled) {
		err = settled{err}
	}
	return err
}

// stoppedAlike makes of an error that all ranks have come to the end by a signal, where one of them was sent one.
func (r *trainRun) stoppedAlike(ctx context.Context, err error) error {
	var shared ranks.Shared
	stopped := errors.Is(err, train.ErrInterrupted) || errors.Is(err, train.ErrNotBegun)
	if !stopped && !errors.As(err, &shared) {
		return err
	}
	sig, lost := r.team.Signal(signalOf(ctx))
	switch {
	case lost == nil && sig != 0:
		return ranks.Shared{Err: ended{alikeSignal(sig), r.team.Rank}}
	case lost != nil && stopped:
		return lost
	}
	return err
}

// together is f's error, and of several ranks that of a panic in it, whose trace goes to stderr: the others are to hear of it. One process ends with a
// panic as Go has it.
func (r *trainRun) together(f func() error) (err error) {
	if !r.several() {
		return f()
	}
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s\n", fault, debug.Stack())
			what, _, _ := strings.Cut(fmt.Sprint(fault), "\n")
			err = &data.Problem{Code: codeOther, What: "panic: " + what, Cause: "a fault of the program", Fix: "report it, with what stands above on stderr and the first lines of train.log"}
		}
	}()
	return f()
}

// settled is what ends one of several ranks, whatever signals came: launchers send some once a rank has failed.
type settled struct{ error }

// Unwrap returns the error.
func (s settled) Unwrap() error { return s.error }

// collective reports whether an error is one that all ranks come to alike: of the loss, or of parameters that differ.
func collective(err error) bool {
	return err != nil && (numbered(err).Code == engine.CodeNotFinite || numbered(err).Code == data.CodeRanksDiffer)
}

// signalOf returns the number of the signal that ended ctx, 0 for none.
func signalOf(ctx context.Context) int {
	var stop interrupt
	if errors.As(context.Cause(ctx), &stop) {
		return int(stop.sig)
	}
	return 0
}

// alikeSignal is the signal that all ranks end with: SIGINT, or SIGTERM for every other, since launchers turn one into another.
func alikeSignal(number int) syscall.Signal {
	if s := syscall.Signal(number); s == syscall.SIGINT {
		return s
	}
	return syscall.SIGTERM
}
