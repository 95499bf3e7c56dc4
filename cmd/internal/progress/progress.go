// Package progress shows how far a run is: one line redrawn in place on a terminal, a plain line now and
// then elsewhere.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Line shows progress on one writer. It is used from one goroutine.
type Line struct {
	w        io.Writer
	terminal bool
	every    time.Duration // between two lines
	start    time.Time
	last     time.Time
	first    int       // steps done when this Line was first told of any
	began    time.Time // when that was
	now      func() time.Time
	width    func() int    // of the terminal, for tests
	waits    time.Duration // before While says what is done; patience but for tests
	drawn    bool
}

// New returns a Line on w, which is redrawn in place if w is a terminal.
func New(w io.Writer) *Line {
	l := &Line{w: w, terminal: IsTerminal(w), every: 10 * time.Second, start: time.Now(), now: time.Now, waits: patience}
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

// Step shows done of total steps, with text such as the loss. The last step is always shown. Steps are timed from the end of the
// first that this Line is told of: what came before, such as reading a cohort, or an earlier session, says nothing of their speed.
func (l *Line) Step(done, total int, text string) {
	l.timed(done, total, fmt.Sprintf("step %d of %d", done, total), text)
}

// Part shows done of total things that are no steps, such as persons explained, as Step does.
func (l *Line) Part(done, total int, things string) {
	l.timed(done, total, fmt.Sprintf("%d of %d %s", done, total, things), "")
}

// timed shows how far something is, then the time that is left, then a text, which may be "".
func (l *Line) timed(done, total int, far, text string) {
	now := l.clock()
	if l.began.IsZero() {
		l.first, l.began = done, now
	}
	if now.Sub(l.last) < l.every && done != total {
		return
	}
	if left, ok := l.Left(done, total); ok {
		far += "  " + About(left) + " left"
	}
	if text != "" {
		far += "  " + text
	}
	l.show(now, far)
}

// leastTimed is how many steps are timed before they are taken to say how long the others take.
const leastTimed = 2

// Left returns how long the steps that are left take if they take as long as those of this session, with what came between
// them; false before its third step, and when none is left.
func (l *Line) Left(done, total int) (time.Duration, bool) {
	n := done - l.first
	if l.began.IsZero() || n < leastTimed || done >= total {
		return 0, false
	}
	return time.Duration(float64(l.clock().Sub(l.began)) / float64(n) * float64(total-done)), true
}

// clock returns the time.
func (l *Line) clock() time.Time {
	if l.now == nil {
		return time.Now()
	}
	return l.now()
}

// About says a duration as people say it, such as "about 2 min": an estimate has no seconds.
func About(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 10*time.Second:
		return "a few seconds"
	case d < 90*time.Second:
		return fmt.Sprintf("about %.0f s", d.Round(10*time.Second).Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("about %.0f min", d.Minutes())
	case d < 2*day:
		return fmt.Sprintf("about %.0f h", d.Hours())
	}
	return fmt.Sprintf("about %.0f days", d.Hours()/day.Hours())
}

// patience is how long something takes before its progress is shown.
const patience = time.Second

// leastCounted is the part of all things, a fiftieth, that is counted before it is taken to say how long the others take.
const leastCounted = 50

// Count shows done of total things, such as images, of something that is seldom worth a word: nothing for the first
// second, and not its end.
func (l *Line) Count(done, total int, things string) {
	now := l.clock()
	if l.began.IsZero() {
		l.first, l.began = done, now
	}
	if now.Sub(l.start) < patience || now.Sub(l.last) < l.every || done == total {
		return
	}
	text := fmt.Sprintf("%d of %d %s", done, total, things)
	if n := done - l.first; n >= max(1, total/leastCounted) && done < total {
		text += "  " + About(time.Duration(float64(now.Sub(l.began))/float64(n)*float64(total-done))) + " left"
	}
	l.show(now, text)
}

// While shows text, such as "writing it", while do runs, if that takes more than a second. do does not use the Line. It returns what do returns.
func (l *Line) While(text string, do func() error) error {
	end := l.Begin(text)
	err := do()
	end()
	l.Done()
	return err
}

// Begin shows text once a second has passed, unless end was called by then. Between the two calls nobody uses the Line. end may be called
// again, which does nothing.
func (l *Line) Begin(text string) (end func()) {
	done, shown := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(shown)
		timer := time.NewTimer(l.waits)
		defer timer.Stop()
		select {
		case <-timer.C:
			l.show(l.clock(), text)
		case <-done:
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-shown
	})
}

func (l *Line) show(now time.Time, s string) {
	l.last = now
	if !l.terminal {
		fmt.Fprintln(l.w, s)
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K%s", fitting(s, l.columns()))
	l.drawn = true
}

// columns returns the width of the terminal, 0 where it is not known.
func (l *Line) columns() int {
	if l.width != nil {
		return l.width()
	}
	return Columns(l.w)
}

// Columns returns the width of w, in characters; 0 where it is no terminal, or does not tell.
func Columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !IsTerminal(w) {
		return 0
	}
	return widthOf(f)
}

// fitting returns a line that does not wrap: fields, which stand two spaces apart, are dropped from the right, and what is longer
// still is cut.
func fitting(s string, columns int) string {
	if columns <= 0 {
		return s
	}
	for utf8.RuneCountInString(s) >= columns {
		i := strings.LastIndex(s, "  ")
		if i <= 0 {
			return string([]rune(s)[:columns-1])
		}
		s = s[:i]
	}
	return s
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
