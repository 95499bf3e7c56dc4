package main

import (
	"encoding/json"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/mpitest"
)

// doctorAs runs doctor as a process of its own, with further variables, and returns what it printed and its object.
func doctorAs(t *testing.T, env ...string) (string, health) {
	t.Helper()
	var text string
	var h health
	for _, args := range []string{"doctor", "doctor\n--json"} {
		cmd := osexec.Command(os.Args[0])
		cmd.Env = append(append(os.Environ(), mainArgs+"="+args), env...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		if args == "doctor" {
			text = string(out)
		} else if err := json.Unmarshal(out, &h); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
	}
	return text, h
}

// TestDoctorFindsMPI: every MPI of this machine is named with its interface, Debian's by the loader, others where CONTIG_LIBMPI says.
func TestDoctorFindsMPI(t *testing.T) {
	for _, mpi := range mpitest.All(t) {
		t.Run(mpi.String(), func(t *testing.T) {
			if _, err := osexec.LookPath(mpi.Launcher); err != nil {
				t.Skipf("%v (Debian: apt-get install openmpi-bin mpich)", err)
			}
			var env []string
			if mpi.Library != "" {
				env = []string{mpitest.LibraryEnv + "=" + mpi.Library}
			}
			text, h := doctorAs(t, env...)
			i := slices.IndexFunc(h.Ranks.Libraries, func(l world.Library) bool {
				return l.Interface == mpi.Interface && strings.Contains(l.Version, mpi.Version) && (mpi.Library == "" || l.Path == mpi.Library)
			})
			if i < 0 || mpi.Library != "" && len(h.Ranks.Libraries) != 1 {
				t.Fatalf("%+v", h.Ranks.Libraries)
			}
			if l := h.Ranks.Libraries[i]; !strings.Contains(text, l.Version+"\n          "+l.Path+", interface "+mpi.Interface+"\n") {
				t.Errorf("%s", text)
			}
		})
	}
}

// TestDoctorWithoutMPI: what is no MPI is said to be none, and how to get one.
func TestDoctorWithoutMPI(t *testing.T) {
	for file, want := range map[string]string{"/nowhere/libmpi.so": "cannot open shared object file", "libm.so.6": "MPI_Get_library_version"} {
		text, h := doctorAs(t, mpitest.LibraryEnv+"="+file)
		if len(h.Ranks.Libraries) != 1 || h.Ranks.Libraries[0].Error == "" {
			t.Errorf("%s: %+v", file, h.Ranks.Libraries)
		}
		if !strings.Contains(text, want) && !strings.Contains(text, "without cgo") || !strings.Contains(text, "none of "+file+"; several ranks on CPUs need one") {
			t.Errorf("%s: %s", file, text)
		}
	}
}

// TestDoctorPlace: the place that a launcher's variables give, or how they contradict each other; and the settings of libraries, but not the secret.
func TestDoctorPlace(t *testing.T) {
	const none = mpitest.LibraryEnv + "=/nowhere/libmpi.so" // opens nothing
	for want, env := range map[string][]string{
		"ranks     one, alone (no launcher)\n": nil,
		"ranks     one, alone (no launcher); Slurm's job 17 is around this shell: srun starts ranks in it\n":                    {"SLURM_JOB_ID=17", "SLURM_PROCID=0", "SLURM_NTASKS=4"},
		"ranks     rank 2 of 4, started by RANK and WORLD_SIZE; rank 0 is at n1:29500, and no MPI is started\n":                 {"RANK=2", "WORLD_SIZE=4", "MASTER_ADDR=n1"},
		"ranks     rank 1 of 4, started by mpirun of Open MPI, 1 of 2 on this host; they meet over the MPI of Open MPI\n":       {"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_LOCAL_RANK=1", "OMPI_COMM_WORLD_LOCAL_SIZE=2"},
		"ranks     E730: the environment does not say which rank this is: rank 4 of 4 (RANK and WORLD_SIZE), 0 of 0 on this ho": {"RANK=4", "WORLD_SIZE=4", "CONTIG_SECRET=not for others"},
		"set       NCCL_DEBUG=INFO\n          UCX_TLS=tcp\n":                                                                    {"UCX_TLS=tcp", "NCCL_DEBUG=INFO"},
	} {
		text, _ := doctorAs(t, append(env, none)...)
		if !strings.Contains(text, want) || strings.Contains(text, "not for others") {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
}
