package ranks

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// env makes an environment of NAME=value words.
func env(text string) func(string) string {
	m := map[string]string{}
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

const (
	slurmStep = "SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=4 SLURM_LOCALID=0 SLURM_STEP_NODELIST=gn[010-011,20] SLURM_JOB_ID=77 SLURM_STEP_ID=0 SLURM_NODEID=1 SLURM_STEP_TASKS_PER_NODE=2,1(x2) "
	openStep  = "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2 PMIX_RANK=1 "
)

// TestFind has the variables as launchers set them.
func TestFind(t *testing.T) {
	alone := Place{Launcher: "no launcher", Size: 1, Locals: 1}
	for text, want := range map[string]Place{
		"": alone,
		"SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_JOB_ID=77": alone, // the batch script itself
		"JOB_COMPLETION_INDEX=3":                        alone, // a Job of many runs
		"WORLD_SIZE=1":                                  alone,
		"RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4 MASTER_ADDR=n1 MASTER_PORT=123 TORCHELASTIC_RUN_ID=x":     {"torchrun", 5, 8, 1, 4, "n1:123", ""},
		"RANK=1 WORLD_SIZE=2 MASTER_ADDR=n1 MASTER_PORT=123 TORCHELASTIC_RUN_ID=x TORCHELASTIC_USE_AGENT_STORE=True":   {"torchrun", 1, 2, 0, 0, "n1:124", ""},
		"RANK=1 WORLD_SIZE=2 MASTER_ADDR=n1 MASTER_PORT=123 TORCHELASTIC_RUN_ID=x TORCHELASTIC_USE_AGENT_STORE=False":  {"torchrun", 1, 2, 0, 0, "n1:123", ""},
		"RANK=1 WORLD_SIZE=2 MASTER_ADDR=::1 TORCHELASTIC_RUN_ID=x TORCHELASTIC_USE_AGENT_STORE=true":                  {"torchrun", 1, 2, 0, 0, "[::1]:29501", ""},
		"RANK=1 WORLD_SIZE=2 MASTER_ADDR=n1 MASTER_PORT=65535 TORCHELASTIC_RUN_ID=x TORCHELASTIC_USE_AGENT_STORE=TRUE": {"torchrun", 1, 2, 0, 0, "n1:65534", ""},
		"RANK=1 WORLD_SIZE=2 MASTER_ADDR=fd00::1": {"RANK and WORLD_SIZE", 1, 2, 0, 0, "[fd00::1]:29500", ""},
		openStep:             {"mpirun of Open MPI", 1, 2, 1, 2, "", openMPI},
		openStep + slurmStep: {"mpirun of Open MPI", 1, 2, 1, 2, "", openMPI},
		"PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2":             {"mpirun of MPICH", 1, 2, 1, 2, "", mpich},
		slurmStep + "PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2": {"mpirun of MPICH", 1, 2, 1, 2, "", mpich},
		slurmStep:                           {"srun", 2, 4, 0, 1, "gn010:21232", ""},
		slurmStep + "MASTER_PORT=7":         {"srun", 2, 4, 0, 1, "gn010:7", ""},
		slurmStep + "MASTER_ADDR=other":     {"srun", 2, 4, 0, 1, "other:29500", ""},
		slurmStep + "PMI_RANK=2 PMI_SIZE=4": {"srun", 2, 4, 0, 1, "", mpich},
		slurmStep + "PMIX_RANK=2":           {"srun", 2, 4, 0, 1, "", openMPI},
		"JOB_COMPLETION_INDEX=3 WORLD_SIZE=4 MASTER_ADDR=run1-0.run1":               {"a Kubernetes Job", 3, 4, 0, 0, "run1-0.run1:29500", ""},
		"PET_NNODES=2 PET_NODE_RANK=1 PET_NPROC_PER_NODE=1 PET_MASTER_ADDR=m":       {"PET variables", 1, 2, 0, 0, "m:29500", ""},
		"PET_NNODES=2 PET_NPROC_PER_NODE=4 RANK=4 WORLD_SIZE=8 MASTER_ADDR=m":       {"RANK and WORLD_SIZE", 4, 8, 0, 0, "m:29500", ""},
		"SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1 SLURM_STEP_ID=4294967290 RANK_FILE=": {"srun", 0, 1, 0, 0, "", ""},
	} {
		if got, err := Find(env(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

// TestFindRefuses: what does not say which rank this is, is E730 with the variable.
func TestFindRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"RANK=5 WORLD_SIZE=8":                                "MASTER_ADDR",
		"RANK=8 WORLD_SIZE=8 MASTER_ADDR=a":                  "rank 8 of 8",
		"RANK=0 MASTER_ADDR=a":                               "WORLD_SIZE",
		"WORLD_SIZE=4":                                       "RANK is not set",
		"RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=http": "MASTER_PORT",
		"RANK=1 WORLD_SIZE=4 LOCAL_RANK=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=a":                               "2 of 2 on this host",
		slurmStep + "MASTER_PORT=0":                                                                       "MASTER_PORT",
		"OMPI_COMM_WORLD_RANK=x OMPI_COMM_WORLD_SIZE=2":                                                   "OMPI_COMM_WORLD_RANK",
		"OMPI_COMM_WORLD_RANK=-1 OMPI_COMM_WORLD_SIZE=2":                                                  "OMPI_COMM_WORLD_RANK",
		"PET_NNODES=1:4 PET_NODE_RANK=0":                                                                  "PET_NNODES",
		"PET_NNODES=2 PET_NODE_RANK=1 PET_NPROC_PER_NODE=4 PET_MASTER_ADDR=m":                             "PET_NPROC_PER_NODE",
		"SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_ID=1 SLURM_STEP_NODELIST=n[3-1]": "n[3-1]",
		"SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_ID=1 SLURM_STEP_NODELIST=n1 SLURM_NODEID=3 SLURM_STEP_TASKS_PER_NODE=1":         "SLURM_NODEID",
		"SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_ID=1 SLURM_STEP_NODELIST=n1 SLURM_NODEID=0 SLURM_STEP_TASKS_PER_NODE=1(x SLURM": "SLURM_STEP_TASKS_PER_NODE",
	} {
		_, err := Find(env(text))
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != codeVariables || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want E730 with %q", text, err, want)
		}
	}
}

func TestExpandHosts(t *testing.T) {
	for list, want := range map[string][]string{
		"vm":                 {"vm"},
		"n[1-3,007],login":   {"n1", "n2", "n3", "n007", "login"},
		"r[1-2]n[08-10]":     {"r1n08", "r1n09", "r1n10", "r2n08", "r2n09", "r2n10"},
		"gnode[10,20,25,37]": {"gnode10", "gnode20", "gnode25", "gnode37"},
		"a-b[1-2]-x.cluster": {"a-b1-x.cluster", "a-b2-x.cluster"},
	} {
		if got, err := expandHosts(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", list, got, err)
		}
	}
	for _, bad := range []string{"", ",", "n[1-", "n[3-1]", "n[a-b]", "n[0-9999][0-9999]", "n[-1]"} {
		if got, err := expandHosts(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestSlurmLocals(t *testing.T) {
	for text, want := range map[string]int{"0 3,1": 3, "1 3,1": 1, "3 2(x4)": 2, "4 2(x4),5": 5, "0 7": 7} {
		node, tasks, _ := strings.Cut(text, " ")
		if got, err := slurmLocals(env("SLURM_NODEID=" + node + " SLURM_STEP_TASKS_PER_NODE=" + tasks)); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
}
