package mpitest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRecognise(t *testing.T) {
	for text, want := range map[string]MPI{
		"mpirun.openmpi (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n":                  {Name: "Open MPI", Version: "4.1.4"},
		"mpirun (Open MPI) 5.0.11\n\nReport bugs to https://www.open-mpi.org/community/help/\n":                       {Name: "Open MPI", Version: "5.0.11"},
		"HYDRA build details:\n    Version:                                 5.0.2\n    Release Date:    Fri Sep 25\n": {Name: "MPICH", Version: "5.0.2"},
		"HYDRA build details:\n": {},
		"mpirun (IBM) 1":         {},
	} {
		if got, known := recognise(text); got != want || known != (want != MPI{}) {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

// TestFolders: an MPI of CONTIG_MPIS is there once for each of its libraries, and starts with its own.
func TestFolders(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no third on PATH
	folder := t.TempDir()
	for _, name := range []string{"bin/mpirun", "lib/libmpi.so.12", "lib/libmpi_abi.so.1"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho HYDRA Version: 9.8\n"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("lib", filepath.Join(folder, "lib64")); err != nil {
		t.Fatal(err)
	}
	t.Setenv(FoldersEnv, folder)
	var names, libraries []string
	for _, m := range All(t) {
		names, libraries = append(names, m.String()), append(libraries, m.Library)
	}
	if want := []string{"mpirun.openmpi", "mpirun.mpich", "MPICH 9.8 libmpi.so.12", "MPICH 9.8 libmpi_abi.so.1"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	m := All(t)[3]
	m.Name = "Open MPI" // to which the folder's is the other
	if got := m.Other(t); got != libraries[2] {
		t.Errorf("another MPI's library is %s, want %s", got, libraries[2])
	}
	if !slices.Contains(m.env(), LibraryEnv+"="+libraries[3]) {
		t.Errorf("its environment is %q", m.env())
	}
}
