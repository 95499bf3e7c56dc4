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
func aloud(stderr io.Writer) io.Writer {
	if place, err := ranks.Find(os.Getenv); os.Getenv(ranks.LaunchedEnv) != "" || err == nil && place.Rank > 0 {
		return io.Discard
	}
	return stderr
}

func main() {
	collectLate()
	stdout, stderr := outputOf(os.Stdout), outputOf(os.Stderr)
	ctx := listen(os.Args[1:], aloud(stderr), func(s syscall.Signal) { os.Exit(128 + int(s)) })
	err := run(ctx, os.Args[1:], stdout, stderr)
	code := finish(err, stderr)
	world.Leave(code)
	os.Exit(code)
}
