package world

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// TestAlone: with one rank every collective gives what it was given.
func TestAlone(t *testing.T) {
	w := Alone()
	x, b := []float64{1, 2}, []byte("b")
	if err := Sum(w, x); err != nil || !slices.Equal(x, []float64{1, 2}) {
		t.Errorf("the sum is %v, %v", x, err)
	}
	if err := w.Broadcast(b); err != nil || string(b) != "b" {
		t.Errorf("the broadcast is %q, %v", b, err)
	}
	for judge, want := range map[bool]int{false: 0, true: 1} {
		if got, err := w.Verdict(judge); err != nil || len(got) != want {
			t.Errorf("the verdict on %v is %v, %v", judge, got, err)
		}
	}
	if all, err := w.Gather(7); err != nil || !slices.Equal(all, []float64{7}) {
		t.Errorf("gathered %v, %v", all, err)
	}
	if _, ok := w.Engine(); ok || w.Rank() != 0 || w.Size() != 1 {
		t.Errorf("rank %d of %d, engine %v", w.Rank(), w.Size(), ok)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	Leave(1) // returns: nothing was opened
}

// TestNoLibrary: a named file is the only one that is tried.
func TestNoLibrary(t *testing.T) {
	_, err := OpenMPI(context.Background(), "/nowhere/libmpi.so.40", false)
	if err == nil || (!strings.Contains(err.Error(), "/nowhere/libmpi.so.40") && !strings.Contains(err.Error(), "without cgo")) {
		t.Errorf("error %v", err)
	}
}
