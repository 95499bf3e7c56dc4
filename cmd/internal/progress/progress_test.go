package progress

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPlainLines(t *testing.T) {
	var b strings.Builder
	l := New(&b)
	for i := 1; i <= 100; i++ {
		l.Step(i, 100, "loss 1.5")
	}
	l.Done()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[1], "step 100 of 100  loss 1.5") || strings.Contains(b.String(), "\x1b") {
		t.Errorf("printed %q", b.String())
	}
}

func TestTerminalRedrawsAndClears(t *testing.T) {
	var b strings.Builder
	l := &Line{w: &b, terminal: true}
	l.Step(1, 2, "a")
	l.Print("note")
	if got := b.String(); !strings.Contains(got, "\r\x1b[Kstep 1 of 2") || !strings.HasSuffix(got, "\r\x1b[Knote\n") {
		t.Errorf("printed %q", got)
	}
}

// TestLeftCountsThisSession: what is left is told from the third step of a session on, by its own steps.
func TestLeftCountsThisSession(t *testing.T) {
	for _, first := range []int{1, 15} { // a fresh run, and one that is resumed
		var b strings.Builder
		at := time.Unix(1000, 0)
		l := &Line{w: &b, start: at.Add(-time.Hour), now: func() time.Time { return at }}
		for i := range 4 {
			if left, ok := l.Left(first+i, 100); ok && i < 2 {
				t.Errorf("%v left is told at step %d of the session", left, i+1)
			}
			l.Step(first+i, 100, "")
			left, ok := l.Left(first+i, 100)
			if want := time.Duration(100-first-i) * 20 * time.Second; ok != (i >= 2) || ok && left != want {
				t.Errorf("from step %d, step %d: %v %v, want %v", first, first+i, left, ok, want)
			}
			at = at.Add(20 * time.Second)
		}
		if !strings.Contains(b.String(), "about ") || strings.Contains(strings.Split(b.String(), "\n")[1], "left") {
			t.Errorf("printed %q", b.String())
		}
		if _, ok := l.Left(100, 100); ok {
			t.Error("time is left after the last step")
		}
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Second: "a few seconds", 44 * time.Second: "about 40 s", 2*time.Minute + 20*time.Second: "about 2 min",
		89 * time.Minute: "about 89 min", 31 * time.Hour: "about 31 h", 100 * time.Hour: "about 4 days"} {
		if got := About(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestCountIsSilentForASecond: what is quick says nothing, what is slow does.
func TestCountIsSilentForASecond(t *testing.T) {
	var b strings.Builder
	at := time.Unix(1000, 0)
	l := &Line{w: &b, start: at, every: 10 * time.Second, now: func() time.Time { return at }}
	l.Count(1, 4, "things")
	if b.Len() > 0 {
		t.Errorf("printed %q at once", b.String())
	}
	at = at.Add(1500 * time.Millisecond)
	l.Count(2, 4, "things")
	if b.String() != "2 of 4 things  a few seconds left\n" {
		t.Errorf("printed %q", b.String())
	}
}

// TestCountWaitsForAnEstimate: what came before the first thing says nothing of the others, nor do a few of many.
func TestCountWaitsForAnEstimate(t *testing.T) {
	var b strings.Builder
	at := time.Unix(1000, 0)
	l := &Line{w: &b, start: at, now: func() time.Time { return at }}
	at = at.Add(time.Minute) // until there is anything to count
	for _, c := range []struct {
		done int
		want string
	}{{1, "1 of 1000 things\n"}, {11, "11 of 1000 things\n"}, {101, "101 of 1000 things  about 3 min left\n"}} {
		b.Reset()
		l.Count(c.done, 1000, "things")
		if b.String() != c.want {
			t.Errorf("printed %q, want %q", b.String(), c.want)
		}
		at = at.Add(10 * time.Second)
	}
}

// TestPart: things that are no steps are not called so, and have a time that is left.
func TestPart(t *testing.T) {
	var b strings.Builder
	at := time.Unix(1000, 0)
	l := &Line{w: &b, now: func() time.Time { return at }}
	for i := range 4 {
		b.Reset()
		l.Part(i+1, 9, "persons explained")
		at = at.Add(20 * time.Second)
	}
	if got := b.String(); got != "4 of 9 persons explained  about 2 min left\n" {
		t.Errorf("printed %q", got)
	}
}

// TestWhile: what is quick says nothing, what is slow is named, and the error of what was done comes back.
func TestWhile(t *testing.T) {
	fails := errors.New("fails")
	var b strings.Builder
	quick := &Line{w: &b, waits: time.Hour}
	if err := quick.While("writing", func() error { return fails }); err != fails || b.Len() > 0 {
		t.Errorf("%v, printed %q", err, b.String())
	}
	said := make(chan string, 1)
	slow := &Line{w: writerFunc(func(p []byte) { said <- string(p) })}
	if err := slow.While("writing", func() error {
		if text := <-said; text != "writing\n" {
			t.Errorf("printed %q", text)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// TestNarrowTerminal: a line never wraps, and says the most important first.
func TestNarrowTerminal(t *testing.T) {
	for width, want := range map[int]string{0: "step 4 of 9  a few seconds left  epoch 1  loss 2.0", 80: "step 4 of 9  a few seconds left  epoch 1  loss 2.0", 40: "step 4 of 9  a few seconds left", 20: "step 4 of 9", 8: "step 4 "} {
		var b strings.Builder
		at := time.Unix(1000, 0)
		l := &Line{w: &b, terminal: true, now: func() time.Time { return at }, width: func() int { return width }}
		for i := range 4 {
			b.Reset()
			l.Step(i+1, 9, "epoch 1  loss 2.0")
			at = at.Add(time.Second)
		}
		if got := b.String(); got != "\r\x1b[K"+want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}
