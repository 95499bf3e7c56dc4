package train

import (
	"encoding/json"
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/train/safetensors"
)

// formatName marks a checkpoint of ours and the version of its layout.
const formatName = "contig-gpu checkpoint 1"

// Keys of a checkpoint's metadata.
const (
	keyFormat  = "format"
	keyConfig  = "config"
	keyState   = "state"
	keyStats   = "stats"
	keyCohort  = "cohort"  // data.Cohort.Hash
	keyContent = "content" // data.Cohort.Content; older checkpoints have none
	keyVersion = "version"
)

// Prefixes of tensors that are neither parameters nor running averages.
const (
	prefixEMA       = "ema."
	prefixOptimizer = "optimizer."
)

// A state is where a training stands, beside its tensors.
type state struct {
	Step         int      `json:"step"`          // done
	Epoch        int      `json:"epoch"`         // completed
	EpochStep    int      `json:"epoch_step"`    // done within the epoch
	MetricsLines int      `json:"metrics_lines"` // of metrics.jsonl
	BestLoss     *float64 `json:"best_loss"`     // of validation, of the best checkpoint; nil before the first
	BestStep     int      `json:"best_step"`

	BestRetrieval *float64 `json:"best_retrieval,omitempty"` // the same; nil also in checkpoints of older versions

	Scaling lossScale `json:"loss_scaling"`
}

// tensors returns everything that the rest of the run depends on, in PyTorch's layout.
func (t *trainer) tensors() []safetensors.Tensor {
	ts := modelTensors(t.model, "")
	for _, s := range t.opt.State() {
		ts = append(ts, encode(prefixOptimizer+s.Name, s.Value))
	}
	if t.ema.Ok() {
		t.withEMA(func() { ts = append(ts, paramTensors(t.model.Params(), prefixEMA)...) })
	}
	return ts
}

// modelTensors returns parameters and running averages.
func modelTensors(m *model.Model, prefix string) []safetensors.Tensor {
	ts := paramTensors(m.Params(), prefix)
	for _, b := range m.Buffers() {
		ts = append(ts, encode(prefix+b.Name, b.Value))
	}
	return ts
}

func paramTensors(ps []*nn.Param, prefix string) []safetensors.Tensor {
	ts := make([]safetensors.Tensor, 0, len(ps))
	for _, p := range ps {
		ts = append(ts, encode(prefix+p.Name, p.Value))
	}
	return ts
}

func encode(name string, v gpu.Tensor) safetensors.Tensor {
	if v.DType() == gpu.F64 {
		return encodeAs[float64](name, safetensors.F64, v)
	}
	return encodeAs[float32](name, safetensors.F32, v)
}

func encodeAs[E float32 | float64](name string, t safetensors.DType, v gpu.Tensor) safetensors.Tensor {
	x, d := make([]E, v.Len()), v.Dims()
	gpu.Read(x, v)
	return safetensors.FromFloats(name, t, torchDims(d), toTorch(x, d))
}

// metadata returns the text part of a checkpoint.
func (t *trainer) metadata() (map[string]string, error) {
	t.at.MetricsLines = t.log.lines
	m := map[string]string{keyFormat: formatName, keyCohort: t.o.Cohort.Hash, keyVersion: t.o.Version}
	if c := t.o.Cohort.Content; c != "" {
		m[keyContent] = c
	}
	for key, v := range map[string]any{keyConfig: t.cfg, keyState: t.at, keyStats: statsOf(t.o.Cohort)} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("train: checkpoint %s: %w", key, err)
		}
		m[key] = string(b)
	}
	return m, nil
}

func statsOf(c *data.Cohort) map[string]*data.Stats {
	s := map[string]*data.Stats{}
	for _, t := range c.Tables {
		s[t.Name()] = t.Stats()
	}
	return s
}

// A saved checkpoint is one that was read.
type saved struct {
	file    *safetensors.File
	config  Config
	state   state
	stats   map[string]*data.Stats
	cohort  string
	content string // "": of a version that kept none
	version string
}

// readCheckpoint reads a checkpoint of ours.
func readCheckpoint(path string) (*saved, error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	if f.Metadata[keyFormat] != formatName {
		return nil, notOurs(path, fmt.Sprintf("its format is %q, want %q", f.Metadata[keyFormat], formatName), nil)
	}
	s := &saved{file: f, cohort: f.Metadata[keyCohort], content: f.Metadata[keyContent], version: f.Metadata[keyVersion]}
	for key, v := range map[string]any{keyConfig: &s.config, keyState: &s.state, keyStats: &s.stats} {
		if err := json.Unmarshal([]byte(f.Metadata[key]), v); err != nil {
			return nil, notOurs(path, "metadata "+key, err)
		}
	}
	return s, nil
}

// A loader fills tensors from a file and remembers what did not fit.
type loader struct {
	file *safetensors.File
	bad  []string
}

// fill reads the tensor called name into v, whose name and shape must be as in the file.
func (l *loader) fill(name string, v gpu.Tensor) {
	t, ok := l.file.Lookup(name)
	if !ok {
		l.bad = append(l.bad, name+" is missing")
		return
	}
	d := v.Dims()
	if want := torchDims(d); fmt.Sprint(t.Shape) != fmt.Sprint(want) || t.DType != safetensors.F32 && t.DType != safetensors.F64 {
		l.bad = append(l.bad, fmt.Sprintf("%s is %s %v, want %v", name, t.DType, t.Shape, want))
		return
	}
	if v.DType() == gpu.F64 {
		gpu.Write(v, fromTorch(safetensors.Floats[float64](t), d))
	} else {
		gpu.Write(v, fromTorch(safetensors.Floats[float32](t), d))
	}
}

func (l *loader) params(ps []*nn.Param, prefix string) {
	for _, p := range ps {
		l.fill(prefix+p.Name, p.Value)
	}
}

func (l *loader) buffers(bs []*nn.Buffer) {
	for _, b := range bs {
		l.fill(b.Name, b.Value)
	}
}

// err returns E706 if anything did not fit.
func (l *loader) err() error {
	if len(l.bad) == 0 {
		return nil
	}
	return misfit(l.file.Path, l.bad)
}
