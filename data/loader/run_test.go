package loader

import (
	"fmt"
	"strings"
	"testing"
)

// TestPanicsOfWorkers: a panic while a batch is filled is that of whoever asks for the batch, with where it came from.
func TestPanicsOfWorkers(t *testing.T) {
	r := &run{free: make(chan *slot, 1), ordered: make(chan *slot, 1), jobs: make(chan *slot), quit: make(chan struct{})}
	n := &slot{done: make(chan error, 1)}
	n.done <- filled(func() error { panic("a mistake") })
	r.ordered <- n
	close(r.jobs)
	s := &source{run: r}
	defer func() {
		if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "a mistake\n\nin a worker of the loader:\n") || !strings.Contains(text, "TestPanicsOfWorkers") {
			t.Errorf("panic %s", text)
		}
	}()
	t.Error("no panic: ", s.Next(nil))
}
