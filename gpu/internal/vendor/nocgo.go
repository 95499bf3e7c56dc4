//go:build !(linux && cgo)

// Package vendor opens NVIDIA GPUs; this build opens none.
package vendor

import (
	"errors"

	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// Options say how a GPU computes.
type Options struct {
	NonDeterministic bool
	Portable         bool
	Planning         func(dnn.Counts)
}

// Open returns an error.
func Open(int, Options) (driver.Device, *dnn.Handle, error) {
	return nil, nil, errors.New("this program was built without cgo for Linux, which a GPU needs")
}

// UniqueID returns an error.
func UniqueID() ([]byte, error) {
	return nil, errors.New("this program was built without cgo for Linux, which NCCL needs")
}

// Collectives returns an error.
func Collectives() (driver.Library, error) {
	_, err := UniqueID()
	return driver.Library{}, err
}

// Count returns 0.
func Count() int { return 0 }
