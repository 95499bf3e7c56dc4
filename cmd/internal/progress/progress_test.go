package progress

import (
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

func TestETA(t *testing.T) {
	now := time.Unix(1000, 0)
	l := &Line{start: now.Add(-10 * time.Second)}
	if eta, ok := l.eta(10, 30, now); !ok || eta != 20*time.Second {
		t.Errorf("eta %v %v, want 20s", eta, ok)
	}
	if _, ok := l.eta(0, 30, now); ok {
		t.Error("an eta before the first step")
	}
}
