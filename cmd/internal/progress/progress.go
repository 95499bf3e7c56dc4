// Package progress shows how far a run is: one line redrawn in place on a terminal, a plain line now and
// then elsewhere.
package progress

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A Line shows progress on one writer. It is used from one goroutine.
type Line struct {
	w        io.Writer
	terminal bool
	every    time.Duration // between two lines
	start    time.Time
	last     time.Time
	drawn    bool
}

// New returns a Line on w, which is redrawn in place if w is a terminal.
func New(w io.Writer) *Line {
	l := &Line{w: w, terminal: IsTerminal(w), every: 10 * time.Second, start: time.Now()}
	if l.terminal {
		l.every = 200 * time.Millisecond
	}
	return l
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// Step shows done of total steps, with text such as the loss. The last step is always shown.
func (l *Line) Step(done, total int, text string) {
	if now := time.Now(); now.Sub(l.last) >= l.every || done == total {
		l.show(now, fmt.Sprintf("step %d of %d  %s", done, total, text), done, total)
	}
}

// patience is how long something takes before its progress is shown.
const patience = 2 * time.Second

// Count shows done of total things, such as images, of something that is seldom worth a word: nothing for the first two
// seconds, and not its end.
func (l *Line) Count(done, total int, things string) {
	if now := time.Now(); now.Sub(l.start) >= patience && now.Sub(l.last) >= l.every && done != total {
		l.show(now, fmt.Sprintf("%d of %d %s", done, total, things), done, total)
	}
}

func (l *Line) show(now time.Time, s string, done, total int) {
	l.last = now
	if eta, ok := l.eta(done, total, now); ok {
		s += "  " + eta.String() + " left"
	}
	if !l.terminal {
		fmt.Fprintln(l.w, s)
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K%s", s)
	l.drawn = true
}

func (l *Line) eta(done, total int, now time.Time) (time.Duration, bool) {
	if done <= 0 || done >= total {
		return 0, false
	}
	rest := now.Sub(l.start) / time.Duration(done) * time.Duration(total-done)
	return rest.Round(time.Second), true
}

// Print writes a whole line, above the one that is redrawn.
func (l *Line) Print(text string) {
	l.Done()
	fmt.Fprintln(l.w, text)
}

// Done ends the line that is being redrawn. It may be called again.
func (l *Line) Done() {
	if l.drawn {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.drawn = false
}
