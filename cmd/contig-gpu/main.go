// Contig-gpu trains medical image encoders with genetics instead of labels (ContIG, Taleb et al., CVPR 2022).
package main

import (
	"io"
	"os"
	"syscall"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu/world"
)

// aloud is stderr, but of ranks that another process speaks for: what a signal will do is said once.
func aloud(place ranks.Place, stderr io.Writer) io.Writer {
	if os.Getenv(ranks.LaunchedEnv) != "" || place.Rank > 0 {
		return io.Discard
	}
	return stderr
}

func main() {
	collectLate()
	stdout, stderr := outputOf(os.Stdout), outputOf(os.Stderr)
	place, _ := ranks.Find(os.Getenv) // a verb that runs as ranks says what is wrong with it
	var quit func(syscall.Signal)
	if place.Size <= 1 {
		quit = func(s syscall.Signal) { os.Exit(128 + int(s)) }
	}
	ctx := listen(os.Args[1:], aloud(place, stderr), quit)
	err := run(ctx, os.Args[1:], stdout, stderr)
	code := finish(err, stderr)
	world.Leave(code)
	os.Exit(code)
}
