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
// with another than 0, before any 1, which those have that heard of another's end; they are given as long as they take to hear of it.
func (l Launch) Run(ctx context.Context, signal func(error) os.Signal) (code int, err error) {
	runtime.LockOSThread() // the ranks are killed when the thread ends that has started them: with this process
	if l.Address == "" {
		if l.Address, err = freeAddress(); err != nil {
			return 0, err
		}
	}
	ended, secret := make(chan int, l.Ranks), hex.EncodeToString(append(nonce(), nonce()...))
	var started []*exec.Cmd
	for i := range l.Ranks {
		cmd := exec.Command(l.Program, l.Args...)
		cmd.Stdout, cmd.Stderr, cmd.Env = l.Stdout, l.Stderr, l.environment(i, secret)
		cmd.SysProcAttr = followed()
		if err := cmd.Start(); err != nil {
			killAll(started)
			return 0, fmt.Errorf("starting rank %d: %w", l.First+i, err)
		}
		started = append(started, cmd)
		go func() { ended <- codeOf(cmd) }()
	}
	asked := ctx.Done()
	var late <-chan time.Time
	for left := l.Ranks; left > 0; {
		select {
		case c := <-ended:
			if left--; c != 0 && late == nil {
				late = time.After(grace)
			}
			if code <= 1 { // 1 is also of ranks that end because another has
				code = max(code, c)
			}
		case <-asked:
			asked = nil
			for _, cmd := range started {
				_ = cmd.Process.Signal(signal(context.Cause(ctx))) // one that has ended does not mind
			}
		case <-late:
			killAll(started)
		}
	}
	return code, nil
}

// grace is how long ranks may outlive one that has failed: they hear of it within four beats.
const grace = 6 * DefaultBeat

func killAll(all []*exec.Cmd) {
	for _, cmd := range all {
		_ = cmd.Process.Kill() // one that has ended does not mind
	}
}

// codeOf waits for a process and returns its exit code as a shell tells it.
func codeOf(cmd *exec.Cmd) int {
	err := cmd.Wait()
	switch code := cmd.ProcessState.ExitCode(); {
	case err == nil:
		return 0
	case code > 0:
		return code
	}
	return 128 + signalOf(cmd.ProcessState)
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
