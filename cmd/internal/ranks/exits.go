package ranks

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// An exit is how a rank that Launch has started ended.
type exit struct {
	rank, pid int
	status    int            // its own; -1: none, a signal ended it
	signal    syscall.Signal // 0: none
	killed    bool           // by Launch, since it outlived another for too long
}

// code is the exit code as a shell tells it.
func (e exit) code() int {
	if e.status >= 0 {
		return e.status
	}
	return 128 + int(e.signal)
}

func (e exit) String() string {
	how := fmt.Sprintf("ended with exit status %d", e.status)
	if e.status < 0 {
		how = fmt.Sprintf("was ended by signal %d (%v)", int(e.signal), e.signal)
	}
	return fmt.Sprintf("rank %d (process %d) %s", e.rank, e.pid, how)
}

// exits are the ranks of a Launch that have ended, in that order.
type exits struct {
	grace  time.Duration
	all    []exit
	late   bool      // those that were left after grace were killed
	passed os.Signal // what was asked for, and passed on to all; nil: nothing
}

// untold says in one line, E733, how ranks ended of which no rank can have spoken; nothing where one has, or all went well. A rank with an exit status of
// its own, not 0, has said its error, or keeps silent because rank 0 says it: which it does not where it was killed here.
func (x exits) untold() string {
	var bad, killed []string
	told := false
	for _, e := range x.all {
		switch {
		case e.killed:
			killed = append(killed, fmt.Sprint(e.rank))
		case e.status > 0:
			told = true
			bad = append(bad, e.String())
		case e.status < 0 && e.signal != x.passed: // one that is told to stop before it can listen ends by that signal
			bad = append(bad, e.String())
		}
	}
	silenced := slices.ContainsFunc(x.all, func(e exit) bool { return e.killed && e.rank == 0 })
	if told && !silenced || len(bad)+len(killed) == 0 {
		return ""
	}
	what := few(bad)
	if len(killed) > 0 {
		who := "ranks " + few(killed)
		if len(killed) == 1 {
			who = "rank " + killed[0]
		}
		what = strings.TrimPrefix(fmt.Sprintf("%s; %s did not end within %v of it and had to be killed", what, who, x.grace), "; ")
	}
	return fmt.Sprintf("E%d: %s; no rank has said why: look at the system's log (dmesg) for a process that was killed for memory and for errors of a GPU, then start all ranks again", codeLost, what)
}
