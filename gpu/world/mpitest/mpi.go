// Package mpitest finds the MPIs of this machine, for tests of several ranks.
package mpitest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// FoldersEnv names the environment variable that lists folders of further MPIs, as PATH lists folders: of each its bin/mpirun is a launcher, such as
// that of a Python environment into which a wheel of an MPI was installed.
const FoldersEnv = "CONTIG_MPIS"

// LibraryEnv is gpu/world's, which the tests of what is below it cannot import.
const LibraryEnv = "CONTIG_LIBMPI"

// An MPI is a launcher and the library that is its own.
type MPI struct {
	Name      string // Open MPI, MPICH
	Version   string
	Interface string // by which the library is called
	Launcher  string // a file, or a name that PATH has
	Library   string // a file; "": the one that the loader finds
}

// String tells this MPI from the others.
func (m MPI) String() string {
	if m.Library == "" {
		return m.Launcher
	}
	return fmt.Sprintf("%s %s %s", m.Name, m.Version, filepath.Base(m.Library))
}

// Debian returns the two that Debian has beside each other; Run skips where they are not installed.
func Debian() []MPI {
	return []MPI{{Name: "Open MPI", Version: "4", Interface: "Open MPI", Launcher: "mpirun.openmpi"}, {Name: "MPICH", Version: "4", Interface: "MPICH", Launcher: "mpirun.mpich"}}
}

// All returns Debian's two, the one that PATH has as mpirun where it is a third, and those of the folders of CONTIG_MPIS. A library that can be called by
// two interfaces is there twice.
func All(t testing.TB) []MPI {
	t.Helper()
	all := Debian()
	if file, err := exec.LookPath("mpirun"); err == nil && !among(all, file) {
		all = append(all, of(t, filepath.Dir(filepath.Dir(file)))...)
	}
	for _, folder := range filepath.SplitList(os.Getenv(FoldersEnv)) {
		all = append(all, of(t, folder)...)
	}
	return all
}

// among reports whether a launcher is one of these under another name.
func among(these []MPI, file string) bool {
	real, err := filepath.EvalSymlinks(file)
	for _, m := range these {
		if known, err1 := exec.LookPath(m.Launcher); err == nil && err1 == nil {
			if known, err1 = filepath.EvalSymlinks(known); err1 == nil && known == real {
				return true
			}
		}
	}
	return false
}

// of returns the MPI of a folder, once for each library of its own that it has.
func of(t testing.TB, folder string) []MPI {
	t.Helper()
	launcher, err := filepath.Abs(filepath.Join(folder, "bin", "mpirun"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, launcher, "--version").CombinedOutput()
	m, known := recognise(string(out))
	if err != nil || !known {
		t.Fatalf("%s is no MPI that is known (PATH, %s): %v\n%s", launcher, FoldersEnv, err, out)
	}
	m.Launcher = launcher
	var all []MPI
	for _, l := range libraries(m.Name) {
		for _, lib := range []string{"lib", "lib64"} {
			if file := filepath.Join(filepath.Dir(filepath.Dir(launcher)), lib, l[0]); exists(file) {
				m.Library, m.Interface = file, l[1]
				all = append(all, m)
				break // a Python environment has lib under both names
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no library beside it: none of %v in lib or lib64", launcher, libraries(m.Name))
	}
	return all
}

// recognise reads what mpirun --version prints.
func recognise(text string) (MPI, bool) {
	fields := strings.Fields(text)
	for i, f := range fields {
		switch {
		case f == "HYDRA":
			if _, rest, found := strings.Cut(text, "Version:"); found {
				return MPI{Name: "MPICH", Version: strings.Fields(rest + " ?")[0]}, true
			}
		case (f == "(OpenRTE)" || f == "MPI)" && i > 0 && fields[i-1] == "(Open") && i+1 < len(fields):
			return MPI{Name: "Open MPI", Version: fields[i+1]}, true
		}
	}
	return MPI{}, false
}

// libraries returns the names of an MPI's libraries, each with the interface by which it is called.
func libraries(name string) [][2]string {
	if name == "Open MPI" {
		return [][2]string{{"libmpi.so.40", "Open MPI"}}
	}
	return [][2]string{{"libmpi.so.12", "MPICH"}, {"libmpi_abi.so.1", "MPI 5 standard"}}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// A Launch is what a launcher is to start.
type Launch struct {
	Ranks   int
	Program string
	Env     []string
	Before  []string      // words before the launcher's own, such as a program that takes it to another host
	Words   []string      // for the launcher, where the ranks are not all on this host
	Limit   time.Duration // after which all are killed; 0: 3 minutes
}

// Run starts ranks, waits for their end and returns what they printed. It skips where PATH has not the launcher.
func (m MPI) Run(t testing.TB, l Launch) (stdout, stderr string, err error) {
	t.Helper()
	if _, err := exec.LookPath(m.Launcher); err != nil {
		t.Skipf("%v (Debian: apt-get install openmpi-bin mpich)", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(l.Limit, 3*time.Minute))
	defer cancel()
	words := slices.Concat(l.Before, []string{m.Launcher}, m.words(l.Words), []string{"-n", fmt.Sprint(l.Ranks), l.Program})
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.WaitDelay = 10 * time.Second
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = slices.Concat(os.Environ(), m.env(), l.Env)
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// words are those for m's launcher: on this host there may be more ranks than processors.
func (m MPI) words(more []string) []string {
	if m.Name != "Open MPI" {
		return more
	}
	if len(more) == 0 {
		more = []string{"--oversubscribe"}
	}
	return append([]string{"--bind-to", "none"}, more...)
}

// env lets root start ranks, and ranks that wait give their processor to others: there may be more of them than processors, and MPICH 5 takes minutes
// for a sum of three ranks on two busy processors when it does not sleep.
func (m MPI) env() []string {
	env := []string{"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_mpi_yield_when_idle=1",
		"MPIR_CVAR_CH4_PROGRESS_THROTTLE=1", "MPIR_CVAR_CH4_PROGRESS_THROTTLE_NO_PROGRESS_COUNT=16"}
	if m.Library != "" {
		env = append(env, LibraryEnv+"="+m.Library)
	}
	return env
}

// Other returns the library of an MPI that is not of m's name, and skips where none is there.
func (m MPI) Other(t testing.TB) string {
	t.Helper()
	for _, o := range All(t) {
		if _, err := exec.LookPath(o.Launcher); o.Name != m.Name && err == nil {
			return cmp.Or(o.Library, map[string]string{"Open MPI": "libmpi.so.40", "MPICH": "libmpich.so.12"}[o.Name])
		}
	}
	t.Skip("no other MPI than " + m.Name + " (Debian: apt-get install openmpi-bin mpich)")
	return ""
}
