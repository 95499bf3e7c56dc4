package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// Of the heap at which the collector first works. Go's own is 4 MiB: a list of 100,000 variants then costs more to look through, again and again while it
// grows, than to read.
const (
	firstHeap = 32 << 20
	goHeap    = 4 << 20                  // at 100 percent
	late      = 100 * firstHeap / goHeap // percent
)

// collectLate lets the first collection wait for a heap of firstHeap; from then on heaps grow as Go has it. It leaves GOGC of the environment alone.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(late)
	runtime.AddCleanup(&struct{ first *int }{new(int)}, func(usual int) {
		if now := debug.SetGCPercent(usual); now != late { // a verb has its own
			debug.SetGCPercent(now)
		}
	}, usual)
}
