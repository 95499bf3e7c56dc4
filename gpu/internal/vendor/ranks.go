//go:build linux && cgo

package vendor

import (
	"context"
	"errors"
	"slices"

	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/nccl"
)

// together is a GPU that may be one of several, by NCCL, which is opened when it joins.
type together struct {
	*cuda.Context
	deterministic bool
	comm          *nccl.Comm // nil: alone
}

// UniqueID returns what driver.Place's ID is to be on all ranks. No GPU is needed.
func UniqueID() ([]byte, error) {
	api, err := nccl.Load()
	if err != nil {
		return nil, err
	}
	return api.UniqueID()
}

// Collectives describes the library that carries sums between GPUs. No GPU is needed.
func Collectives() (driver.Library, error) {
	api, err := nccl.Load()
	if err != nil {
		return driver.Library{}, err
	}
	return api.Library(), nil
}

// join implements driver.Caps' Join.
func (v *together) join(ctx context.Context, p driver.Place) (driver.Collectives, error) {
	if v.comm != nil {
		return nil, errors.New("the GPU has joined already")
	}
	if err := v.MayWait("ncclCommInitRankConfig"); err != nil {
		return nil, err
	}
	comm, err := nccl.Join(ctx, v.Context, p, v.deterministic)
	if err != nil {
		return nil, err
	}
	v.comm = comm
	return comm, nil
}

// Caps adds that it may join.
func (v *together) Caps() driver.Caps {
	c := v.Context.Caps()
	c.Join = v.join
	return c
}

// fromSHARP is the compute capability from which on GPUs may hang on switches that sum: Hopper.
const fromSHARP = 90

// warning says that NCCL sums without the switches' help, where they may have any to give.
func (v *together) warning() error {
	if v.comm == nil || !v.comm.LeavesOutSHARP() || v.Context.Info().Arch < fromSHARP {
		return nil
	}
	return errors.New("W732: NCCL sums without NVLink SHARP, whose order of additions is not the same each time; NCCL_NVLS_ENABLE=1 or --deterministic=false uses it where NVSwitch has it")
}

// Info adds NCCL, once it is open.
func (v *together) Info() driver.Info {
	i := v.Context.Info()
	if v.comm != nil {
		i.Libraries = append(slices.Clone(i.Libraries), v.comm.Library())
	}
	return i
}

// leave waits for what is queued, and gives back recorded work and then NCCL, which waits for the end of what holds its collectives.
func (v *together) leave() error {
	err := v.Context.Sync()
	if v.comm == nil {
		return err
	}
	return errors.Join(err, v.CloseGraphs(), v.comm.Close())
}

// Close leaves the others, if there are any, and closes the driver.
func (v *together) Close() error {
	if v.comm == nil {
		return v.Context.Close()
	}
	return errors.Join(v.leave(), v.Context.Close())
}

// Count returns how many GPUs the driver shows this process, 0 where there is no driver.
func Count() int {
	api, err := cuda.Load()
	if err != nil {
		return 0
	}
	n, err := api.DeviceCount()
	if err != nil {
		return 0
	}
	return n
}
