package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestCollectLate: the percentage is back after the first collection, but for one that a verb has set.
func TestCollectLate(t *testing.T) {
	percent := func() int { p := debug.SetGCPercent(late); debug.SetGCPercent(p); return p }
	usual := percent()
	defer debug.SetGCPercent(usual)
	for _, verb := range []int{0, 25} {
		debug.SetGCPercent(usual)
		t.Setenv("GOGC", "")
		collectLate()
		if percent() != late {
			t.Fatalf("GC percent %d, want %d", percent(), late)
		}
		want := usual
		if verb != 0 {
			debug.SetGCPercent(verb)
			want = verb
		}
		for range 100 {
			if runtime.GC(); percent() == want && verb == 0 {
				break
			}
		}
		if percent() != want {
			t.Errorf("GC percent %d after collections, want %d", percent(), want)
		}
	}
	t.Setenv("GOGC", "50")
	if collectLate(); percent() == late {
		t.Error("GOGC of the environment is not left alone")
	}
}
