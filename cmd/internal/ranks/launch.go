package ranks

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"contig-gpu/gpu"
)

// LaunchedEnv names the environment variable that tells a rank that a Launch has started it.
const LaunchedEnv = "CONTIG_LAUNCHED"

// A Launch starts ranks on this host, each a process of this program, as torchrun would.
type Launch struct {
	Ranks          int    // to start
	First, Size    int    // the number of the first of them, and of all ranks on all hosts
	Address        string // host and port of rank 0; "": this host, at a free port
	Program        string
	Args           []string
	Stdout, Stderr io.Writer

	grace time.Duration // 0: outlasts
}

// Kubeflow returns what the PET_ variables of a TrainJob, which has one process on each host, ask this process to start; false: nothing.
func Kubeflow(get func(string) string) (Launch, bool, error) { return kubeflow(get, gpu.GPUs) }

func kubeflow(get func(string) string, gpus func() int) (Launch, bool, error) {
	if get("PET_NNODES") == "" || get("RANK") != "" || oneEach(get, gpus) {
		return Launch{}, false, nil
	}
	each, err := perHost(get, gpus)
	if err != nil {
		return Launch{}, false, err
	}
	var nodes, node int
	for name, to := range map[string]*int{"PET_NNODES": &nodes, "PET_NODE_RANK": &node} {
		n, err := strconv.Atoi(get(name))
		if err != nil || n < 0 {
			return Launch{}, false, contradiction("PET variables", fmt.Errorf("%s is %q, want a whole number", name, get(name)))
		}
		*to = n
	}
	if node >= nodes {
		return Launch{}, false, contradiction("PET variables", fmt.Errorf("node %d of %d, %d ranks on each", node, nodes, each))
	}
	at, err := petMaster(get)
	if err != nil {
		return Launch{}, false, contradiction("PET variables", err)
	}
	return Launch{Ranks: each, First: node * each, Size: nodes * each, Address: at}, true, nil
}

// Run starts the ranks and waits for their end. What ends ctx is passed on to them as a signal, once. It returns the exit code of the first that ended
// with another than 0, before any 1, which those have that heard of another's end; they are given as long as they take to hear of it. Where no rank can
// have said what went wrong it says on Stderr how they ended.
func (l Launch) Run(ctx context.Context, signal func(error) os.Signal) (code int, err error) {
	runtime.LockOSThread() // the ranks are killed when the thread ends that has started them: with this process
	if l.Address == "" {
		if l.Address, err = freeAddress(); err != nil {
			return 0, err
		}
	}
	if l.grace == 0 {
		l.grace = outlasts
	}
	ended := make(chan exit, l.Ranks)
	started, err := l.start(ended)
	if err != nil {
		return 0, err
	}
	ends := exits{grace: l.grace}
	asked := ctx.Done()
	var late <-chan time.Time
	for len(ends.all) < l.Ranks {
		select {
		case e := <-ended:
			e.killed = ends.late && e.signal == syscall.SIGKILL
			if ends.all = append(ends.all, e); e.code() != 0 && late == nil {
				late = time.After(l.grace)
			}
			if code <= 1 { // 1 is also of ranks that end because another has
				code = max(code, e.code())
			}
		case <-asked:
			asked = nil
			ends.passed = signal(context.Cause(ctx))
			for _, cmd := range started {
				_ = cmd.Process.Signal(ends.passed) // one that has ended does not mind
			}
		case <-late:
			ends.late = true
			killAll(started)
		}
	}
	if problem := ends.untold(); problem != "" {
		fmt.Fprintln(l.Stderr, "contig-gpu: "+problem)
	}
	return code, nil
}

// start starts the ranks, whose ends come over the channel; where one cannot be started, none is left.
func (l Launch) start(ended chan<- exit) (started []*exec.Cmd, err error) {
	secret := hex.EncodeToString(append(nonce(), nonce()...))
	for i := range l.Ranks {
		cmd := exec.Command(l.Program, l.Args...)
		cmd.Stdout, cmd.Stderr, cmd.Env = l.Stdout, l.Stderr, l.environment(i, secret)
		cmd.SysProcAttr = followed()
		if err := cmd.Start(); err != nil {
			killAll(started)
			return nil, fmt.Errorf("starting rank %d: %w", l.First+i, err)
		}
		started = append(started, cmd)
		go func() {
			_ = cmd.Wait() // the state says it
			ended <- exit{rank: l.First + i, pid: cmd.Process.Pid, status: cmd.ProcessState.ExitCode(), signal: signalOf(cmd.ProcessState)}
		}()
	}
	return started, nil
}

// outlasts is how long ranks may outlive one that has failed: they hear of it within four beats.
const outlasts = 6 * DefaultBeat

// killAll stops all before it kills the first, so that none says of another that it is lost.
func killAll(all []*exec.Cmd) {
	for _, cmd := range all {
		freeze(cmd.Process)
	}
	for _, cmd := range all {
		_ = cmd.Process.Kill() // one that has ended does not mind
	}
}

// environment is this process's, with the place of the i-th rank. Where all ranks are here and there is no secret they get a random one.
func (l Launch) environment(i int, secret string) []string {
	host, port, _ := net.SplitHostPort(l.Address)
	env := append(os.Environ(), LaunchedEnv+"=1", "RANK="+strconv.Itoa(l.First+i), "WORLD_SIZE="+strconv.Itoa(l.Size), "LOCAL_RANK="+strconv.Itoa(i), "LOCAL_WORLD_SIZE="+strconv.Itoa(l.Ranks),
		"MASTER_ADDR="+host, "MASTER_PORT="+port, agentStoreEnv+"=") // no agent has this port, though torchrun may have started this process
	if os.Getenv(secretEnv) == "" && l.Ranks == l.Size {
		env = append(env, secretEnv+"="+secret)
	}
	return env
}

// freeAddress returns this host and a port that was free a moment ago.
func freeAddress() (string, error) {
	s, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return s.Addr().String(), s.Close()
}
