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
}

// LoadModel reads a checkpoint, or what ExportAll wrote, onto dev, in the precision it was trained in. Of averaged
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
	if err := m.Place(dev, s.config.DType()); err != nil {
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
	return &Loaded{Model: m, Device: dev, Config: s.config, Stats: s.stats, Cohort: s.cohort, Step: s.state.Step}, nil
}

// Close forgets the model's memory. The device stays open.
func (l *Loaded) Close() { l.Model.Close() }
