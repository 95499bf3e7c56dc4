//go:build unix

package main

import (
	"os"
	"syscall"
)

// stopSignals are those that ask to stop: also SIGUSR1, which launchers hand on in time that send nothing else, such as sbatch --signal=USR1.
func stopSignals() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1}
}
