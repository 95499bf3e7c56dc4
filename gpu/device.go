package gpu

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"contig-gpu/gpu/internal/cpukern"
)

// ErrNoDevice is returned by Open for a device that this machine or this build does not have.
var ErrNoDevice = errors.New("no such device")

type kind uint8

const (
	cpu kind = iota
	plan
	cudaKind
	gorgonia
)

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
	kind kind
	why  string
	pool *cpukern.Pool // nil except on the CPU
	card *card         // nil except on a GPU, and on a device that plans for one
	held ledger        // of what card does not hold

	convs     []ConvUse // of the planning device
	convCalls map[ConvUse]int
}

// Open returns the device named by spec: "auto", "cpu", "cuda", "cuda:N", "plan" or, in a build with the tag gorgonia,
// "gorgonia:N". "plan" checks shapes and counts; "plan:cuda" counts what a GPU's operations take beside their
// tensors too, without having one: see Plan; so does "plan:h200" for a GPU of PlannedCards. A GPU is driven by the thread of the goroutine that opened it, which alone may use it; "auto" takes the
// first GPU there is, else the CPU.
// Errors wrap ErrNoDevice and name what was looked for.
func Open(spec string, o Options) (*Device, error) {
	name, number, numbered := strings.Cut(spec, ":")
	switch {
	case spec == "plan":
		return &Device{kind: plan, why: "asked for"}, nil
	case spec == "plan:cuda":
		return planDevice(absent()), nil
	case name == "plan":
		d, err := openPlanned(number)
		if err != nil {
			return nil, fmt.Errorf("gpu: Open %q: %w: %w", spec, ErrNoDevice, err)
		}
		return d, nil
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
	return &Device{kind: cpu, why: why, pool: cpukern.NewPool(o.Threads, o.Portable)}
}

// Name returns "cpu", "cuda", "gorgonia" or "plan".
func (d *Device) Name() string {
	return [...]string{cpu: "cpu", plan: "plan", cudaKind: "cuda", gorgonia: "gorgonia"}[d.kind]
}

// computes reports whether operations of the device take floats of type t.
func (d *Device) computes(t DType) bool {
	switch t {
	case F32:
		return true
	case F64:
		return d.kind == cpu || d.kind == plan && d.card == nil
	case BF16, F16:
		return d.kind == cudaKind || d.kind == plan && d.pool == nil
	}
	return false
}

// floats lists the types that computes accepts.
func (d *Device) floats() string {
	switch {
	case d.kind == plan && d.card != nil:
		return "f32, bf16 or f16"
	case d.kind == plan && d.pool != nil:
		return "f32 or f64"
	}
	return [...]string{cpu: "f32 or f64", cudaKind: "f32, bf16 or f16", gorgonia: "f32", plan: "a float type"}[d.kind]
}

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
func (d *Device) Sync() error {
	if d.card != nil {
		return d.card.dev.Sync()
	}
	return nil
}

// Close ends the device's worker threads or gives the GPU back. Its tensors must not be used afterwards. Close may
// be called again.
func (d *Device) Close() error {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.card != nil {
		return d.card.close()
	}
	return nil
}
