package ranks

import (
	"os"
	"syscall"
)

// followed puts a process into a group of its own, so that what a terminal sends reaches it through its parent alone, with which it ends.
func followed() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// signalOf returns the signal that ended a process.
func signalOf(p *os.ProcessState) syscall.Signal {
	if s, ok := p.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return s.Signal()
	}
	return 0
}

// freeze stops a process, which does not hear of it.
func freeze(p *os.Process) {
	_ = p.Signal(syscall.SIGSTOP) // one that has ended does not mind
}
