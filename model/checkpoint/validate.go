package checkpoint

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/checkpoint/strict"
	"contig-gpu/model/setting"
)

// mostText is the longest text of a checkpoint's that is neither settings, state nor statistics: digests take 64 letters.
const mostText = 256

// mostSteps and mostBatches, of a step, are what --max-steps and --accumulate take at most. Their product is a batch count that
// cannot overflow.
const mostSteps, mostBatches = math.MaxInt32, math.MaxInt32

// open takes over what stands beside the tensors of a file and holds it against itself and against the names, shapes and
// types of the tensors, of which no byte was read.
func open(f *safetensors.File) (*Checkpoint, error) {
	format := f.Metadata[keyFormat]
	if format != formatName && format != formatUnsealed {
		return nil, notOurs(f.Path, fmt.Sprintf("its format is %s, want %q", strict.Quote(format), formatName), nil)
	}
	if format == formatName && !f.Sealed() {
		return nil, safetensors.Damaged(f.Path, "a digest", "none")
	}
	c := &Checkpoint{File: f, Config: []byte(f.Metadata[keyConfig]), State: []byte(f.Metadata[keyState]),
		Cohort: f.Metadata[keyCohort], Content: f.Metadata[keyContent], Version: f.Metadata[keyVersion]}
	for _, step := range []func() error{c.checkTexts, c.readSettings, c.readState, c.readStats, c.checkTensors} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Checkpoint) checkTexts() error {
	for key, text := range map[string]string{keyCohort: c.Cohort, keyContent: c.Content, keyVersion: c.Version} {
		if len(text) > mostText || strings.ContainsFunc(text, unicode.IsControl) {
			return c.Contradiction(key, fmt.Errorf("%s is no %s", strict.Quote(text), key))
		}
	}
	return nil
}

// readSettings reads the settings that say what the network is. Settings that are newer than the file have their defaults.
func (c *Checkpoint) readSettings() error {
	s := &c.settings
	*s = Settings{Config: build.Config{Objective: build.ContIG, Model: model.Defaults()}, Accumulate: 1}
	setting.Earlier(s.Model.Settings())
	// A network without genetics has null for its modalities.
	if err := c.object(keyConfig, c.Config, s, "modalities"); err != nil {
		return err
	}
	var err error
	switch {
	case s.Accumulate < 1 || s.Accumulate > mostBatches:
		err = fmt.Errorf("accumulate is %d", s.Accumulate)
	case s.Precision != "" && !slices.Contains(gpu.Precisions(), s.Precision):
		err = fmt.Errorf("precision is %s", strict.Quote(s.Precision))
	default:
		c.network, err = build.New(s.Config)
	}
	if err != nil {
		return c.Contradiction(keyConfig, err)
	}
	return nil
}

func (c *Checkpoint) readState() error {
	var at struct {
		Step int `json:"step"`
	}
	if err := c.object(keyState, c.State, &at, "best_loss", "best_retrieval", "best_score"); err != nil {
		return err
	}
	if c.step = at.Step; at.Step < 0 || at.Step > mostSteps {
		return c.Contradiction(keyState, fmt.Errorf("step is %d", at.Step))
	}
	return nil
}

// object decodes a JSON object of the metadata into v.
func (c *Checkpoint) object(key string, text []byte, v any, nullable ...string) error {
	if err := strict.Check(text, nullable...); err != nil {
		return c.Contradiction(key, err)
	}
	if bytes.TrimLeft(text, " \t\r\n")[0] != '{' {
		return c.Contradiction(key, fmt.Errorf("it is no object"))
	}
	return c.decode(key, text, v)
}

// readStats reads the statistics: of no modality, or of each that the network has. Others may be there: of tables that the
// network does not look at.
func (c *Checkpoint) readStats() error {
	text := []byte(c.File.Metadata[keyStats])
	if string(text) == "null" {
		return nil
	}
	if err := c.object(keyStats, text, &c.Stats); err != nil {
		return err
	}
	for name, s := range c.Stats {
		if err := checkStats(s); err != nil {
			return c.Contradiction(keyStats, fmt.Errorf("modality %s: %w", strict.Quote(name), err))
		}
	}
	for _, t := range c.network.Tables() {
		s, ok := c.Stats[t.Name]
		switch {
		case !ok && len(c.Stats) > 0:
			return c.Contradiction(keyStats, fmt.Errorf("there are none of modality %s", strict.Quote(t.Name)))
		case ok && s.Width() != t.Features:
			return c.Contradiction(keyStats, fmt.Errorf("modality %s has %d features in the settings, %d in the statistics", strict.Quote(t.Name), t.Features, s.Width()))
		}
	}
	return nil
}

func checkStats(s *data.Stats) error {
	n := s.Width()
	if n == 0 {
		return fmt.Errorf("there are no features")
	}
	for i, list := range [][]string{s.Allele, s.Other} {
		if len(list) != 0 && len(list) != n || len(list) != len(s.Allele) {
			return fmt.Errorf("%d features, %d of %s", n, len(list), []string{"allele", "other"}[i])
		}
	}
	for _, field := range []struct {
		name        string
		v           []float64
		least, most float64
	}{
		// Values are single precision; a standard deviation may be as small as any.
		{"center", s.Center, -math.MaxFloat32, math.MaxFloat32}, {"scale", s.Scale, 0, math.MaxFloat64}, {"fill", s.Fill, -math.MaxFloat32, math.MaxFloat32},
	} {
		if len(field.v) != n {
			return fmt.Errorf("%d features, %d of %s", n, len(field.v), field.name)
		}
		for i, x := range field.v {
			if !(x >= field.least && x <= field.most) {
				return fmt.Errorf("%s[%d] is %v", field.name, i, x)
			}
		}
	}
	seen := make(map[string]bool, n)
	for _, name := range s.Names {
		if seen[name] {
			return fmt.Errorf("feature %s is there twice", strict.Quote(name))
		}
		seen[name] = true
	}
	return nil
}

// checkTensors holds names, shapes and types of the file against the network: all its tensors are there, of averages all or
// none, and beside these and the optimiser's none.
func (c *Checkpoint) checkTensors() error {
	want := map[string][]int{}
	for _, p := range c.network.Weights().Params() {
		want[p.Name] = p.Dims
		if c.averaged() {
			want[PrefixEMA+p.Name] = p.Dims
		}
	}
	for _, b := range c.network.Weights().Buffers() {
		want[b.Name] = b.Dims
	}
	var bad []string
	for _, t := range c.File.Tensors {
		dims, ok := want[t.Name]
		switch {
		case strings.HasPrefix(t.Name, PrefixOptimizer) && t.DType.Floats():
		case !ok:
			bad = append(bad, strict.Name(t.Name)+" is not of this network")
		case !t.DType.Floats() || !slices.Equal(t.Shape, torchDims(dims)):
			bad = append(bad, unlike(t.Name, t, dims))
		}
		delete(want, t.Name)
	}
	for name := range want {
		bad = append(bad, name+" is missing")
	}
	if slices.Sort(bad); len(bad) > 0 {
		return misfit(c.File, bad)
	}
	return nil
}

// averaged reports whether the file has averages of parameters.
func (c *Checkpoint) averaged() bool {
	return slices.ContainsFunc(c.File.Tensors, func(t safetensors.Tensor) bool { return strings.HasPrefix(t.Name, PrefixEMA) })
}

// used are the names of the tensors that the network computes with: its running statistics and of its parameters the averages,
// where there are any.
func (c *Checkpoint) used() map[string]bool {
	names, l := map[string]bool{}, &Loader{File: c.File}
	for _, p := range c.network.Weights().Params() {
		names[l.average(p.Name)] = true
	}
	for _, b := range c.network.Weights().Buffers() {
		names[b.Name] = true
	}
	return names
}

// need returns the bytes that the network takes on dev in dtype, and those of the file that are read for it.
func (c *Checkpoint) need(dev *gpu.Device, dtype gpu.DType) (device, file int, err error) {
	o, err := build.New(c.settings.Config)
	if err != nil {
		return 0, 0, err
	}
	plan := dev.Plan()
	if err := o.Weights().Place(plan, dtype); err != nil {
		return 0, 0, err
	}
	for _, h := range plan.Allocated() {
		device += h.Bytes
	}
	used := c.used()
	for _, t := range c.File.Tensors {
		if used[t.Name] {
			file += t.Len() * t.DType.Size()
		}
	}
	return device, file, nil
}
