package checkpoint

import (
	"slices"

	"contig-gpu/gpu"
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

// Load reads a checkpoint, or what ExportAll wrote, onto dev: in float64 or 16 bits if it was trained so and dev has that, else in dev's own
// best precision.
func Load(path string, dev *gpu.Device) (*Loaded, error) { return LoadIn(path, dev, "auto") }

// LoadIn is Load in a precision, as gpu.Device.Precision takes it; auto is Load's.
func LoadIn(path string, dev *gpu.Device, precision string) (*Loaded, error) {
	return LoadWithin(path, dev, precision, 0)
}

// LoadWithin is LoadIn where the host has free bytes, 0 where that is not known: E721 where the network takes more, before anything
// is taken. Values that no network has are E717.
func LoadWithin(path string, dev *gpu.Device, precision string, free int) (*Loaded, error) {
	l := &Loaded{Device: dev}
	var err error
	l.Checkpoint, err = readUsed(path, func(c *Checkpoint) (err error) {
		if l.DType, err = precisionOn(dev, precision, c.settings.Precision); err != nil {
			return err
		}
		device, file, err := c.need(dev, l.DType)
		if dev.GPU() == nil {
			file += device
		}
		if err == nil && free > 0 && file > free {
			err = tooLarge(path, file, free)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	l.Settings, l.Step, l.Objective = l.settings, l.step, l.network
	w := l.Objective.Weights()
	if err := w.Place(dev, l.DType); err != nil {
		return nil, err
	}
	f := &Loader{File: l.File}
	f.Averages(w.Params())
	f.Buffers(w.Buffers())
	w.Refresh()
	if err := f.Err(); err != nil {
		w.Close()
		return nil, err
	}
	l.File.Tensors = nil // their bytes are on the device
	return l, nil
}

// precisionOn returns the type to compute in: with auto what the network was trained in where that is float64 or one that auto may stand
// for on dev, else what dev does best.
func precisionOn(dev *gpu.Device, asked, trained string) (gpu.DType, error) {
	if asked == "auto" && (trained == "f64" || slices.Contains(dev.Auto(), trained)) {
		asked = trained
	}
	d, _, err := dev.Precision(asked)
	return d, err
}

// Close gives the weights' memory back. The device stays open.
func (l *Loaded) Close() { l.Objective.Weights().Close() }
