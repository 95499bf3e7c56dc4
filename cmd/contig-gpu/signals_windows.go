package main

import (
	"os"
	"syscall"
)

// stopSignals are those that ask to stop: Ctrl-C, and the end of the session.
func stopSignals() []os.Signal { return []os.Signal{syscall.SIGINT, syscall.SIGTERM} }
