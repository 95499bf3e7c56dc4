package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/train"
)

// codeSlow is the number of a training that would take hours on the CPU, which nobody asked for.
const codeSlow = 807

// askFrom is how long a training on the CPU takes at least when --device auto is not enough to begin it.
const askFrom = time.Hour

// openDevice opens the device, before any data are read.
func (r *trainRun) openDevice() (err error) {
	if r.device, err = train.OpenDevice(r.cfg, func(c gpu.PlanCounts) { r.planning(c) }); err != nil {
		return err
	}
	if r.several() && r.cfg.HalvesGradients() && r.device.GPU() == nil {
		return usagef("train: --gradients bf16 is for ranks on GPUs: the sums of MPI are of float32")
	}
	return nil
}

// describeDevice says which device it is.
func (r *trainRun) describeDevice() error {
	_, precision, err := r.device.Precision(r.cfg.Precision)
	if err != nil {
		return err
	}
	d := r.device
	r.deviceText = func(precision string) string { return deviceText(d, precision) }
	if r.cfg.Precision == "auto" {
		precision = strings.Join(d.Auto(), " or ") // which of them the training says
	}
	r.deviceLine = r.deviceText(precision)
	r.say("%s", r.deviceLine)
	if g := r.device.GPU(); g != nil {
		r.driver = fmt.Sprintf("CUDA %d.%d", g.Driver/1000, g.Driver%1000/10)
	}
	if n := gpu.GPUs(); n > 1 && !r.several() && r.device.GPU() != nil && r.auto() {
		r.say("%d GPUs are here and 1 is used: --gpus %d trains on all", n, n)
	}
	if unused := unusedGPU(os.DirFS("/")); unused != "" && r.device.GPU() == nil && r.auto() {
		r.say("W801: an NVIDIA GPU is in this machine (PCI %s) but cannot be used: contig-gpu doctor says why", unused)
	}
	return nil
}

// closeDevice closes a device that no training has taken over.
func (r *trainRun) closeDevice() {
	if r.device != nil {
		r.device.Close()
	}
}

// auto reports whether nobody has named a device.
func (r *trainRun) auto() bool { return r.cfg.Device == "auto" || r.cfg.Device == "" }

// deviceText says what computes, how, and why that.
func deviceText(d *gpu.Device, precision string) string {
	why := d.Why()
	if why == "asked for" { // and not chosen
		why = "as --device says"
	}
	if g := d.GPU(); g != nil {
		return fmt.Sprintf("device: %s (%s), %s: %s", d.Name(), g.Name, precision, why)
	}
	return fmt.Sprintf("device: %s, %s, %s: %s", d.Name(), counted(d.Threads(), "thread"), precision, why)
}

// unusedGPU returns the PCI address of the first NVIDIA display or 3D controller, "" where there is none or the system does not tell.
func unusedGPU(root fs.FS) string {
	const devices, nvidia, display = "sys/bus/pci/devices", "0x10de", "0x03"
	all, err := fs.ReadDir(root, devices)
	if err != nil {
		return ""
	}
	is := func(address, name, prefix string) bool {
		text, err := fs.ReadFile(root, path.Join(devices, address, name))
		return err == nil && strings.HasPrefix(string(text), prefix)
	}
	for _, d := range all {
		if is(d.Name(), "vendor", nvidia) && is(d.Name(), "class", display) {
			return d.Name()
		}
	}
	return ""
}

// approve says how long the training takes at least, where the CPU computes. It is E807 where that is hours and nobody has
// asked for the CPU: --device cpu, of a flag, a file or the run that is resumed, asks for it.
func (r *trainRun) approve(d *gpu.Device) func(train.Work) error {
	return func(w train.Work) error {
		r.total = max(r.total, w.Steps)
		if !r.first() {
			return r.dryRun()
		}
		if d.GPU() != nil || w.Steps == 0 {
			return r.dryRun()
		}
		least := leastTime(w, convSpeed(d, r.cfg.Precision))
		later := "; a better estimate follows the third step"
		if r.dry {
			later = ""
		}
		r.say("time: %s, at least %s, by the speed of a convolution measured now%s", stepsText(w.Steps), progress.About(least), later)
		if r.dry && r.auto() && least >= askFrom {
			r.say("--device auto does not begin this on a CPU: --device cpu does")
		}
		if err := r.dryRun(); err != nil {
			return err
		}
		return tooSlow(r.auto(), least, w.Steps, d.Why())
	}
}

// errDryRun ends a training that was not to begin.
var errDryRun = errors.New("dry run")

// dryRun is errDryRun where the training is not to begin.
func (r *trainRun) dryRun() error {
	if r.dry {
		return errDryRun
	}
	return nil
}

// leastTime is what the convolutions alone take at so many multiplications and additions per second. No more than centuries.
func leastTime(w train.Work, speed float64) time.Duration {
	const most = 200 * 365 * 24 * float64(time.Hour)
	return time.Duration(min(most, float64(w.Steps)*w.Flops/speed*float64(time.Second)))
}

// tooSlow is E807 where a device that nobody named takes askFrom or longer.
func tooSlow(auto bool, least time.Duration, steps int, why string) error {
	if !auto || least < askFrom {
		return nil
	}
	return &data.Problem{Code: codeSlow, What: fmt.Sprintf("without a GPU this training takes %s or longer", progress.About(least)),
		Expected: "what takes less than an hour, where --device auto takes the CPU", Found: fmt.Sprintf("%d steps; %s", steps, why),
		Cause: "no usable GPU, or the defaults, which are meant for one",
		Fix:   "--device cpu to train on the CPU all the same; a smaller --encoder, --image-size or --epochs; contig-gpu doctor says why there is no GPU"}
}

// timed is how long a convolution is repeated to learn its speed.
const timed = 50 * time.Millisecond

// convSpeed returns the multiplications and additions per second of a convolution as ResNets have them in their middle.
func convSpeed(d *gpu.Device, precision string) float64 {
	const n, side, channels = 4, 14, 128
	t := gpu.F32
	if precision == "f64" {
		t = gpu.F64
	}
	a := d.NewArena(64 << 20)
	defer a.Close()
	x, y, w := a.New(t, n, side, side, channels), a.New(t, n, side, side, channels), a.New(t, channels, 3, 3, channels)
	for _, v := range []gpu.Tensor{x, w} {
		gpu.Fill(v, 0.5)
	}
	conv := func() { gpu.Conv(y, x, w, gpu.ConvSpec{Stride: 1, Pad: 1}) }
	conv() // what the first one prepares is not its speed
	times, start := 0, time.Now()
	for ; time.Since(start) < timed; times++ {
		conv()
	}
	return float64(times) * 2 * n * side * side * channels * channels * 9 / time.Since(start).Seconds()
}
