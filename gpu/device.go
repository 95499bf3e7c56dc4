package gpu

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"contig-gpu/gpu/internal/cpukern"
)

// ErrNoDevice is returned by Open for a device that this machine or this build does not have.
var ErrNoDevice = errors.New("no such device")

type kind uint8

const (
	cpu kind = iota
	plan
)

// Options of Open. The zero value is right for nearly everybody.
type Options struct {
	Threads  int  // CPU threads; 0 takes GOMAXPROCS
	Portable bool // the CPU device uses the portable Go kernels only, never assembly
}

// A Device executes operations. Operations on one Device run in program order, called from one
// goroutine at a time. Close it when done.
type Device struct {
	kind kind
	why  string
	pool *cpukern.Pool // nil but on the CPU
}

// Open returns the device named by spec: "auto", "cpu" or "plan".
// Errors wrap ErrNoDevice and name what was looked for.
func Open(spec string, o Options) (*Device, error) {
	switch {
	case spec == "plan":
		return &Device{kind: plan, why: "asked for"}, nil
	case spec == "cpu":
		return openCPU(o, "asked for"), nil
	case spec == "auto" || spec == "":
		return openCPU(o, "this build has no GPU device"), nil
	case strings.HasPrefix(spec, "cuda"), strings.HasPrefix(spec, "gorgonia"):
		return nil, fmt.Errorf("gpu: Open %q: %w: this build has no GPU device; use cpu", spec, ErrNoDevice)
	}
	return nil, fmt.Errorf("gpu: Open %q: %w: the devices are auto, cpu and plan", spec, ErrNoDevice)
}

func openCPU(o Options, why string) *Device {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return &Device{kind: cpu, why: why, pool: cpukern.NewPool(o.Threads, o.Portable)}
}

// Name returns "cpu" or "plan".
func (d *Device) Name() string { return [...]string{cpu: "cpu", plan: "plan"}[d.kind] }

// Why says why Open took this device and not another.
func (d *Device) Why() string { return d.why }

// Threads returns the number of CPU threads the device computes with; 0 for "plan".
func (d *Device) Threads() int {
	if d.pool == nil {
		return 0
	}
	return d.pool.Threads()
}

// Sync waits for all queued work and returns the first failure since Open.
func (d *Device) Sync() error { return nil }

// Close ends the device's worker threads. Its tensors must not be used afterwards. Close may be called again.
func (d *Device) Close() error {
	if d.pool != nil {
		d.pool.Close()
	}
	return nil
}
