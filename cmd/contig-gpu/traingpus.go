package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/data"
	"contig-gpu/gpu"

	"github.com/urfave/cli/v2"
)

// severalToAGPU names NCCL's own variable that lets several ranks share a GPU, which is for trying.
const severalToAGPU = "NCCL_MULTI_RANK_GPU_ENABLE"

// launchRanks starts this command again as the ranks that --gpus asks for, or the PET_ variables of a TrainJob, and returns how they ended; false:
// this process trains itself.
func launchRanks(c *cli.Context) (bool, error) {
	if os.Getenv(ranks.LaunchedEnv) != "" {
		return false, nil
	}
	l, asked, err := ranks.Kubeflow(os.Getenv)
	if err != nil {
		return true, err
	}
	if c.IsSet("gpus") {
		if l, err = gpusAskedFor(c); err != nil || l.Ranks == 1 {
			return err != nil, err
		}
	} else if !asked {
		return false, nil
	}
	if l.Program, err = os.Executable(); err != nil {
		return true, err
	}
	l.Args, l.Stdout, l.Stderr = commandOf(c), os.Stdout, os.Stderr
	code, err := l.Run(c.Context, func(cause error) os.Signal {
		var stop interrupt
		if errors.As(cause, &stop) {
			return stop.sig
		}
		return syscall.SIGTERM
	})
	if err == nil && code != 0 {
		err = toldExit{code}
	}
	return true, err
}

// gpusAskedFor reads --gpus.
func gpusAskedFor(c *cli.Context) (ranks.Launch, error) {
	text, there := c.String("gpus"), gpu.GPUs()
	place, err := ranks.Find(os.Getenv)
	switch {
	case err != nil:
		return ranks.Launch{}, err
	case place.Size > 1:
		return ranks.Launch{}, usagef("train: --gpus starts ranks itself, and %s has started %d: leave it out", place.Launcher, place.Size)
	case c.String("device") == "cpu":
		return ranks.Launch{}, usagef("train: --gpus is of GPUs; several ranks on CPUs: mpirun -n 2 --bind-to none contig-gpu train --device cpu ...")
	}
	n, err := strconv.Atoi(text)
	switch {
	case text == "all" && there > 0:
		n = there
	case text != "all" && (err != nil || n < 1):
		return ranks.Launch{}, usagef("train: --gpus %q: want a number of GPUs from 1, or all", text)
	case there == 0:
		return ranks.Launch{}, &data.Problem{Code: codeDevice, What: "--gpus, and no GPU", Cause: "no NVIDIA driver, or a container without GPUs; contig-gpu doctor says more", Fix: "contig-gpu doctor; on CPUs mpirun -n 2 --bind-to none contig-gpu train --device cpu ..."}
	case n > there && os.Getenv(severalToAGPU) != "1":
		return ranks.Launch{}, &data.Problem{Code: codeFewGPUs, What: fmt.Sprintf("--gpus %d, and this machine has %d", n, there), Cause: "CUDA_VISIBLE_DEVICES hides some; another machine was meant", Fix: "--gpus all"}
	}
	return ranks.Launch{Ranks: n, Size: n}, nil
}

// A toldExit is the exit code of ranks that have said what there is to say.
type toldExit struct{ code int }

func (e toldExit) Error() string { return fmt.Sprintf("a rank ended with exit code %d", e.code) }
