// Package ranks finds out which rank of a run this process is, under any launcher, and keeps the ranks of a run in touch: they meet at
// rank 0, prove that they know the run's secret, and hear of each other's end. It moves no tensor; gpu/world does. It is the only package
// that opens sockets, and with one rank it opens none.
package ranks

import (
	"fmt"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// The numbers of docs/errors.md that are this package's.
const (
	codeVariables = 730 // what the launcher says contradicts itself or --ranks
	codeMeeting   = 731 // the ranks did not meet
	codeMPI       = 732 // no MPI, or not the launcher's
	codeLost      = 733 // a rank ended, or the network failed
)

// A Place is where a process stands in a run.
type Place struct {
	Launcher string `json:"launcher"`
	Rank     int    `json:"rank"`
	Size     int    `json:"ranks"`
	Local    int    `json:"local_rank"`  // on this host
	Locals   int    `json:"local_ranks"` // 0: the launcher does not say
	Address  string `json:"-"`           // host and port of rank 0; "": MPI tells
	MPI      string `json:"-"`           // whose MPI the launcher starts: openMPI, mpich; "": none's
}

// Whose MPI a launcher starts.
const (
	openMPI = "Open MPI"
	mpich   = "MPICH"
)

// A family is the variables of one launcher.
type family struct {
	name                      string
	rank, size, local, locals string
	present                   func(get func(string) string) bool // beside the rank's variable
	address                   func(get func(string) string) (string, error)
	localsOf                  func(get func(string) string) (int, error) // where no variable has them
}

// families are in order of precedence: what a user sets by hand comes first, and what is started within another before that one. gpus counts this host's.
func families(gpus func() int) []family {
	always := func(func(string) string) bool { return true }
	inStep := func(get func(string) string) bool { return get("SLURM_STEP_ID") != "" } // a batch script has SLURM_PROCID too, and is no rank
	hydra := func(get func(string) string) bool { return get("MPI_LOCALRANKID") != "" || !inStep(get) }
	return []family{
		{name: "RANK and WORLD_SIZE", rank: "RANK", size: "WORLD_SIZE", local: "LOCAL_RANK", locals: "LOCAL_WORLD_SIZE", present: always, address: master},
		{name: "mpirun of Open MPI", rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE", local: "OMPI_COMM_WORLD_LOCAL_RANK",
			locals: "OMPI_COMM_WORLD_LOCAL_SIZE", present: always},
		{name: "mpirun of MPICH", rank: "PMI_RANK", size: "PMI_SIZE", local: "MPI_LOCALRANKID", locals: "MPI_LOCALNRANKS", present: hydra},
		{name: "srun", rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS", local: "SLURM_LOCALID", present: inStep, address: slurmAddress, localsOf: slurmLocals},
		{name: "a Kubernetes Job", rank: "JOB_COMPLETION_INDEX", size: "WORLD_SIZE", present: func(get func(string) string) bool { return get("WORLD_SIZE") != "" },
			address: master},
		{name: "PET variables", rank: "PET_NODE_RANK", size: "PET_NNODES", present: func(get func(string) string) bool { return oneEach(get, gpus) }, address: petMaster},
	}
}

// Find returns the place of this process by the environment, which get looks up: alone where nothing says that there are others. An error is E730.
func Find(get func(string) string) (Place, error) { return find(get, gpu.GPUs) }

func find(get func(string) string, gpus func() int) (Place, error) {
	for _, f := range families(gpus) {
		if get(f.rank) == "" || !f.present(get) {
			continue
		}
		p, err := f.place(get)
		if err != nil {
			return p, contradiction(f.name, err)
		}
		return p, nil
	}
	if get("WORLD_SIZE") != "" && get("WORLD_SIZE") != "1" {
		return Place{}, contradiction("WORLD_SIZE", fmt.Errorf("WORLD_SIZE is %q and RANK is not set", get("WORLD_SIZE")))
	}
	if per := get("PET_NPROC_PER_NODE"); get("PET_NNODES") != "" && !oneEach(get, gpus) {
		if _, err := perHost(get, gpus); err != nil {
			return Place{}, err
		}
		return Place{}, &data.Problem{Code: codeVariables, What: "PET_NPROC_PER_NODE asks for several ranks on each host", Found: per, Expected: "1, or RANK and WORLD_SIZE for each",
			Cause: "contig-gpu train starts them, and torchrun; other verbs do not", Fix: "torchrun --no-python contig-gpu ..."}
	}
	return Place{Launcher: "no launcher", Size: 1, Locals: 1}, nil
}

func contradiction(launcher string, err error) error {
	return &data.Problem{Code: codeVariables, What: fmt.Sprintf("the environment does not say which rank this is: %v", err), Expected: "a rank from 0 to one less than the number of ranks, and where rank 0 is",
		Found: "what is set is of " + launcher, Cause: "variables of another launcher, or of an outer one, are left in the environment; some were not handed on", Fix: "start with one launcher; unset the others' variables; --ranks 1 runs alone"}
}

func (f family) place(get func(string) string) (Place, error) {
	p := Place{Launcher: f.name}
	if f.rank == "RANK" && get("TORCHELASTIC_RUN_ID") != "" {
		p.Launcher = "torchrun"
	}
	for _, v := range []struct {
		name     string
		to       *int
		required bool
	}{{f.rank, &p.Rank, true}, {f.size, &p.Size, true}, {f.local, &p.Local, false}, {f.locals, &p.Locals, false}} {
		if v.name == "" || get(v.name) == "" && !v.required {
			continue
		}
		n, err := strconv.Atoi(get(v.name))
		if err != nil || n < 0 {
			return p, fmt.Errorf("%s is %q, want a whole number", v.name, get(v.name))
		}
		*v.to = n
	}
	if p.Size < 1 || p.Rank >= p.Size || p.Locals > 0 && p.Local >= p.Locals || p.Locals > p.Size {
		return p, fmt.Errorf("rank %d of %d (%s and %s), %d of %d on this host", p.Rank, p.Size, f.rank, f.size, p.Local, p.Locals)
	}
	var err error
	if f.localsOf != nil {
		if p.Locals, err = f.localsOf(get); err != nil {
			return p, err
		}
	}
	if p.Size == 1 {
		return p, nil
	}
	if p.MPI = whoseMPI(get); f.address != nil && p.MPI == "" {
		p.Address, err = f.address(get)
	}
	return p, err
}

// whoseMPI tells by what the launcher left for its MPI: a PMIx server serves Open MPI, a PMI server MPICH.
func whoseMPI(get func(string) string) string {
	switch {
	case get("OMPI_COMM_WORLD_RANK") != "":
		return openMPI
	case get("PMI_RANK") != "":
		return mpich
	case get("PMIX_RANK") != "":
		return openMPI
	}
	return ""
}

// defaultPort is torchrun's.
const defaultPort = "29500"

// agentStoreEnv is True where torchrun's agent itself listens at MASTER_ADDR and MASTER_PORT, for the store of PyTorch's ranks.
const agentStoreEnv = "TORCHELASTIC_USE_AGENT_STORE"

// master is the address that MASTER_ADDR and MASTER_PORT say, or where torchrun's agent has that port, the next one, on all ranks alike.
func master(get func(string) string) (string, error) {
	at, err := address(get, "MASTER_ADDR", "MASTER_PORT")
	if err != nil || !strings.EqualFold(get(agentStoreEnv), "true") {
		return at, err
	}
	cut := strings.LastIndex(at, ":") + 1
	port, err := strconv.Atoi(at[cut:])
	if err != nil {
		return "", err
	}
	if port++; port > lastPort {
		port = lastPort - 1
	}
	return at[:cut] + strconv.Itoa(port), nil
}

func petMaster(get func(string) string) (string, error) {
	return address(get, "PET_MASTER_ADDR", "PET_MASTER_PORT")
}

func address(get func(string) string, host, port string) (string, error) {
	h, p := get(host), get(port)
	if h == "" {
		return "", fmt.Errorf("%s is not set: where rank 0 is", host)
	}
	if p == "" {
		p = defaultPort
	}
	if err := wantPort(port, p); err != nil {
		return "", err
	}
	return join(h, p), nil
}

// lastPort is the highest of TCP.
const lastPort = 65535

// wantPort says what is wrong with the port that a variable has.
func wantPort(name, value string) error {
	if n, err := strconv.Atoi(value); err != nil || n < 1 || n > lastPort {
		return fmt.Errorf("%s is %q, want a port", name, value)
	}
	return nil
}

// join writes an IPv6 address in brackets, also where the user has done so.
func join(host, port string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// perHost returns how many ranks PET_NPROC_PER_NODE, of Kubeflow's TrainJob and of torchrun, asks for on each host: a number, or as many as this host has
// GPUs. The stock runtimes of Kubeflow say auto, which without GPUs is one rank: it uses all processors.
func perHost(get func(string) string, gpus func() int) (int, error) {
	text := get("PET_NPROC_PER_NODE")
	switch text {
	case "":
		return 1, nil
	case "auto":
		return max(1, gpus()), nil
	case "gpu":
		if n := gpus(); n > 0 {
			return n, nil
		}
		return 0, &data.Problem{Code: codeVariables, What: "PET_NPROC_PER_NODE is gpu, a rank for each GPU of this host, and it has none", Expected: "a GPU, or auto, or a number", Found: "no GPU",
			Cause: "no NVIDIA driver, or a pod without nvidia.com/gpu among its limits; contig-gpu doctor says more", Fix: "give the pod GPUs; without them numProcPerNode: 1 in the TrainJob"}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, contradiction("PET variables", fmt.Errorf("PET_NPROC_PER_NODE is %q, want a number from 1, auto or gpu", text))
	}
	return n, nil
}

// oneEach reports whether one process on each host is asked for: this one.
func oneEach(get func(string) string, gpus func() int) bool {
	n, err := perHost(get, gpus)
	return err == nil && n == 1
}
