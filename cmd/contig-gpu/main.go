// Contig-gpu trains medical image encoders with genetics instead of labels (ContIG, Taleb et al., CVPR 2022).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		s := (<-signals).(syscall.Signal)
		cancel(interrupt{s})
		s = (<-signals).(syscall.Signal) // whoever asks twice does not want to wait for the checkpoint
		os.Exit(128 + int(s))
	}()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	os.Exit(finish(err, os.Stderr))
}
