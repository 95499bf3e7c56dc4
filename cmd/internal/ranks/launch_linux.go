package ranks

import (
	"os"
	"syscall"
)

// followed puts a process into a group of its own, so that what a terminal sends reaches it through its parent alone, with which it ends.
func followed() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// signalOf returns the number of the signal that ended a process.
func signalOf(p *os.ProcessState) int {
	if s, ok := p.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return int(s.Signal())
	}
	return 0
}
