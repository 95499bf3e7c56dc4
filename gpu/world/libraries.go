package world

import "contig-gpu/gpu/internal/mpi"

// A Library is an MPI library of this machine, or why one cannot be used.
type Library struct {
	Name   string `json:"name"` // under which it was looked for
	Engine        // empty where Error is not
	Error  string `json:"error,omitempty"`
}

// Libraries opens the MPI libraries that OpenMPI would look for, the named one alone where named is not empty, and asks each what it is. MPI does not
// begin. The second result has the names that were looked for.
func Libraries(named string) ([]Library, []string) {
	var all []Library
	files := mpi.Files(named, false)
	for _, f := range mpi.Find(files) {
		l := Library{Name: f.Name, Engine: Engine{Interface: f.Interface, Version: f.Version, Path: f.Path}}
		if f.Err != nil {
			l.Error = f.Err.Error()
		}
		all = append(all, l)
	}
	return all, files
}
