//go:build !linux

package ranks

import (
	"os"
	"syscall"
)

// followed asks for nothing: only Linux has GPUs for several ranks.
func followed() *syscall.SysProcAttr { return nil }

func signalOf(*os.ProcessState) syscall.Signal { return 0 }

func freeze(*os.Process) {}
