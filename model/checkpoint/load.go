package checkpoint

import (
	"contig-gpu/gpu"
	"contig-gpu/model/build"
	"contig-gpu/model/objective"
)

// A Loaded network is a checkpoint's, on a device, ready for evaluation. Of averaged parameters (EMA) it has the averages.
type Loaded struct {
	*Checkpoint
	Objective objective.Objective
	Settings  Settings
	Device    *gpu.Device // borrowed
	DType     gpu.DType   // of activations
	Step      int         // steps it was trained for
}

// Load reads a checkpoint, or what ExportAll wrote, onto dev: in float64 if it was trained so, else in dev's own best
// precision.
func Load(path string, dev *gpu.Device) (*Loaded, error) { return LoadIn(path, dev, "auto") }

// LoadIn is Load in a precision, as gpu.Device.Precision takes it; auto is Load's.
func LoadIn(path string, dev *gpu.Device, precision string) (*Loaded, error) {
	c, err := Read(path)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Checkpoint: c, Device: dev}
	if l.Settings, err = c.Settings(); err != nil {
		return nil, err
	}
	if l.Step, err = c.step(); err != nil {
		return nil, err
	}
	if l.Objective, err = build.New(l.Settings.Config); err != nil {
		return nil, notOurs(path, "its settings", err)
	}
	if l.DType, err = precisionOn(dev, precision, l.Settings.Precision); err != nil {
		return nil, err
	}
	w := l.Objective.Weights()
	if err := w.Place(dev, l.DType); err != nil {
		return nil, err
	}
	f := &Loader{File: c.File}
	f.Averages(w.Params())
	f.Buffers(w.Buffers())
	w.Refresh()
	return l, f.Err()
}

// precisionOn returns the type to compute in: with auto float64 if the network was trained in it, else what dev does best.
func precisionOn(dev *gpu.Device, asked, trained string) (gpu.DType, error) {
	if asked == "auto" && trained == "f64" {
		asked = trained
	}
	d, _, err := dev.Precision(asked)
	return d, err
}

// Close gives the weights' memory back. The device stays open.
func (l *Loaded) Close() { l.Objective.Weights().Close() }
