// Contig-gpu trains medical image encoders with genetics instead of labels (ContIG, Taleb et al., CVPR 2022).
package main

import (
	"os"
	"syscall"

	"contig-gpu/gpu/world"
)

func main() {
	collectLate()
	stdout, stderr := outputOf(os.Stdout), outputOf(os.Stderr)
	ctx := listen(os.Args[1:], stderr, func(s syscall.Signal) { os.Exit(128 + int(s)) })
	err := run(ctx, os.Args[1:], stdout, stderr)
	code := finish(err, stderr)
	world.Leave(code)
	os.Exit(code)
}
