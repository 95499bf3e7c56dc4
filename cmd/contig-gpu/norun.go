package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"contig-gpu/data"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// needRun is E704 unless dir is the folder of a run and has the file called name. Every verb that is given a run asks it first.
func needRun(dir, name string) error {
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return nil
	}
	if holdsRun(dir) {
		return &data.Problem{Code: 704, File: dir, What: "this run has no " + name, Expected: filepath.Join(dir, name),
			Cause: "it ended before there was one, or the file was moved", Fix: "go on with it (train --run and --resume), or give another run"}
	}
	info, err := os.Stat(dir)
	p := &data.Problem{Code: 704, File: dir, What: "this folder holds no run", Expected: "what a training leaves: " + strings.Join(runLeaves(), ", "),
		Cause: "another folder was meant, or the run never began", Fix: "give the folder of a run, such as runs/demo-1"}
	var system *fs.PathError
	switch {
	case err == nil && !info.IsDir():
		p.Found, p.Cause = "a file", "a file of a run in place of its folder"
	case errors.Is(err, fs.ErrNotExist):
		p.What, p.Cause = "there is no such folder, so no run", "a misspelt path, or one relative to another folder"
	case errors.As(err, &system):
		p.Found = system.Err.Error()
	}
	if near := runsNear(dir); len(near) > 0 {
		p.Fix = "give the folder of a run, such as " + strings.Join(near, ", ")
	}
	return p
}

// runLeaves are the names by which a folder is known to be a run's.
func runLeaves() []string { return []string{metricsName, "checkpoints", configName} }

// holdsRun reports whether a run has begun in dir.
func holdsRun(dir string) bool {
	for _, name := range runLeaves() {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// mostNear is how many runs an error proposes.
const mostNear = 3

// runsNear returns a few runs that may have been meant instead of dir: the nearest in name beside it, or those in it.
func runsNear(dir string) []string {
	in := func(at string) (out []string) {
		entries, err := os.ReadDir(at)
		if err != nil {
			return nil
		}
		for _, e := range entries {
			if d := filepath.Join(at, e.Name()); e.IsDir() && holdsRun(d) {
				out = append(out, d)
			}
		}
		return out
	}
	if inside := in(dir); len(inside) > 0 {
		return inside[:min(mostNear, len(inside))]
	}
	beside := in(filepath.Dir(filepath.Clean(dir)))
	if near := data.Nearest(filepath.Clean(dir), beside); near != "" {
		return []string{near}
	}
	if len(beside) == 0 {
		beside = in("runs")
	}
	return beside[:min(mostNear, len(beside))]
}

// checkpointOf returns the checkpoint that --run or --checkpoint names: of a run folder its best, or its last where nothing was validated.
func checkpointOf(c *cli.Context) (string, error) {
	dir, path := c.String("run"), c.String("checkpoint")
	switch {
	case dir == "" && path == "":
		return "", usagef("%s: --run or --checkpoint is required", verb(c))
	case dir != "" && path != "":
		return "", usagef("%s: --run and --checkpoint name the same thing: give one of them", verb(c))
	case dir == "":
		return checkpointAt(path)
	}
	return bestOf(dir)
}

// checkpointAt returns the checkpoint that a path names: of a run folder its best, of a file itself. What is not there is taken for a folder unless it has the ending of a file.
func checkpointAt(path string) (string, error) {
	info, err := os.Stat(path)
	if path == "" || err == nil && !info.IsDir() || err != nil && filepath.Ext(path) == weightsName {
		return path, nil
	}
	return bestOf(path)
}

// bestOf returns the best checkpoint of a run folder, or its last where nothing was validated; E704 where there is no run, or one without a checkpoint.
func bestOf(dir string) (string, error) {
	if path := train.CheckpointPath(dir, "best"); needRun(dir, inFolder(dir, path)) == nil {
		return path, nil
	}
	path := train.CheckpointPath(dir, "last")
	return path, needRun(dir, inFolder(dir, path))
}

// inFolder returns path as it is called in dir.
func inFolder(dir, path string) string {
	if name, err := filepath.Rel(dir, path); err == nil {
		return name
	}
	return path
}
