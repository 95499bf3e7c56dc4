package gpu

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/planned"
	"contig-gpu/gpu/internal/vendor"
	"contig-gpu/gpu/world"
)

// ErrNoDevice is returned by Open for a device that this machine or this build does not have.
var ErrNoDevice = errors.New("no such device")

// Options of Open. The zero value is right for nearly everybody.
type Options struct {
	Threads int // CPU threads; 0 takes GOMAXPROCS
	// NonDeterministic allows cuDNN plans on a GPU that sum in whatever order their parts are ready: where one is faster, two
	// runs no longer give the same bytes. All else that a device computes is the same every time whatever is asked for.
	NonDeterministic bool

	Portable bool // our plainest kernels only: on the CPU no assembly, on a GPU neither cuBLASLt nor cuDNN

	// Planning, where it is not nil, is told of every convolution for which cuDNN made plans, which may have taken seconds.
	Planning func(PlanCounts)
}

// A Device executes operations. Operations on one Device run in program order, called from one
// goroutine at a time. Close it when done.
type Device struct {
	backend
	why  string
	pool *cpukern.Pool // a CPU's, or one that only counts; nil on other devices

	again func() (*Device, error) // opens it once more; nil: it cannot be

	world *world.World // whom it computes with
	lost  error        // the first failure of an exchange
}

func newDevice(b backend, why string) *Device {
	return &Device{backend: b, why: why, world: world.Alone()}
}

// Open returns the device named by spec: "auto", "cpu", "cuda", "cuda:N", "plan" or, in a build with the tag gorgonia,
// "gorgonia:N". "plan" checks shapes and counts; "plan:cuda" counts what a GPU's operations take beside their
// tensors too, without having one: see Plan; so does "plan:h200" for a GPU of PlannedGPUs. A GPU is driven by the thread of the goroutine that opened it, which alone may use it; "auto" takes the
// first GPU there is, else the CPU.
// Errors wrap ErrNoDevice and name what was looked for.
func Open(spec string, o Options) (*Device, error) {
	name, number, numbered := strings.Cut(spec, ":")
	switch {
	case spec == "plan":
		return newDevice(&blankBackend{}, "asked for"), nil
	case spec == "plan:cuda":
		return planDescribed(planned.Absent()), nil
	case name == "plan":
		d, err := planned.Open(number)
		if err != nil {
			return nil, fmt.Errorf("gpu: Open %q: %w: %w", spec, ErrNoDevice, err)
		}
		return planDescribed(d), nil
	case spec == "cpu":
		return openCPU(o, "asked for"), nil
	case spec == "auto" || spec == "":
		d, err := openCUDA(0, o)
		if err != nil {
			return openCPU(o, "no GPU: "+summary(err)+" (contig-gpu doctor says where it was looked for)"), nil
		}
		d.why = "the best there is"
		return d, nil
	case name == "cuda" || name == "gorgonia":
		open := openCUDA
		if name == "gorgonia" {
			open = func(n int, _ Options) (*Device, error) { return openGorgonia(n) }
		}
		n, err := strconv.Atoi(number)
		if numbered && (err != nil || n < 0) {
			return nil, fmt.Errorf("gpu: Open %q: %w: the number of a GPU is 0 or more", spec, ErrNoDevice)
		}
		d, err := open(n, o)
		if err != nil {
			return nil, fmt.Errorf("gpu: Open %q: %w: %w", spec, ErrNoDevice, err)
		}
		return d, nil
	}
	return nil, fmt.Errorf("gpu: Open %q: %w: the devices are auto, cpu, cuda:0, gorgonia:0 and plan", spec, ErrNoDevice)
}

// summary returns the first sentence of an error that goes on for lines.
func summary(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	first, _, _ = strings.Cut(first, ";")
	return first
}

func openCPU(o Options, why string) *Device {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return newHost(cpukern.NewPool(o.Threads, o.Portable), why)
}

// openCUDA opens a GPU by its number.
func openCUDA(ordinal int, o Options) (*Device, error) {
	dev, nn, err := vendor.Open(ordinal, vendor.Options{NonDeterministic: o.NonDeterministic, Portable: o.Portable, Planning: o.Planning})
	if err != nil {
		return nil, err
	}
	d := newDevice(newGPU("cuda", dev, nn), "asked for")
	d.again = func() (*Device, error) { return openCUDA(ordinal, o) }
	return d, nil
}

// Name returns "cpu", "cuda", "gorgonia" or "plan".
func (d *Device) Name() string { return d.name() }

// has reports whether operations of the device take floats of type t.
func (d *Device) has(t DType) bool { return slices.Contains(d.types(), t) }

// floats lists the types that has accepts.
func (d *Device) floats() string {
	var names []string
	for _, t := range d.types() {
		names = append(names, t.String())
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Why says why Open took this device and not another.
func (d *Device) Why() string { return d.why }

// Threads returns the number of CPU threads the device computes with; 0 for "plan".
func (d *Device) Threads() int { return d.threads() }

// Sync waits for all queued work and returns the first failure since Open.
func (d *Device) Sync() error {
	if err := d.sync(); err != nil {
		return err
	}
	return d.lost
}

// Close ends the device's worker threads or gives the GPU back. Its tensors must not be used afterwards. Close may
// be called again.
func (d *Device) Close() error { return d.close() }
