package train

import (
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
)

// A Loaded model is a checkpoint's, ready for evaluation.
type Loaded struct {
	Model  *model.Model
	Device *gpu.Device // borrowed
	Config Config
	Stats  map[string]*data.Stats // by modality: how raw values become features
	Cohort string                 // hash of the cohort it was trained on
	Step   int                    // steps it was trained for

	dtype gpu.DType
}

// LoadModel reads a checkpoint, or what ExportAll wrote, onto dev: in float64 if it was trained so, else in dev's own best precision. Of averaged
// parameters (EMA) it takes the averages.
func LoadModel(path string, dev *gpu.Device) (*Loaded, error) {
	s, err := readCheckpoint(path)
	if err != nil {
		return nil, err
	}
	m, err := model.New(s.config.Model)
	if err != nil {
		return nil, notOurs(path, "its settings", err)
	}
	dtype, err := precisionOn(dev, s.config.Precision)
	if err != nil {
		return nil, err
	}
	if err := m.Place(dev, dtype); err != nil {
		return nil, err
	}
	l := &loader{file: s.file}
	for _, p := range m.Params() {
		if has(s.file, prefixEMA+p.Name) {
			l.fill(prefixEMA+p.Name, p.Value)
		} else {
			l.fill(p.Name, p.Value)
		}
	}
	l.buffers(m.Buffers())
	if err := l.err(); err != nil {
		return nil, err
	}
	m.Refresh()
	return &Loaded{Model: m, Device: dev, Config: s.config, Stats: s.stats, Cohort: s.cohort, Step: s.state.Step, dtype: dtype}, nil
}

// precisionOn returns the type to compute in: float64 if the model was trained in it, else what dev does best.
func precisionOn(dev *gpu.Device, trained string) (gpu.DType, error) {
	if trained != "f64" {
		trained = "auto"
	}
	d, _, err := dev.Precision(trained)
	return d, err
}

// Close forgets the model's memory. The device stays open.
func (l *Loaded) Close() { l.Model.Close() }
