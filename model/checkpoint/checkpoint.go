// Package checkpoint reads and writes what a training keeps: weights by name, in PyTorch's layout, with the settings and
// the statistics that they were trained with. Whoever uses a trained network needs this package and none of training.
//
//	c, err := checkpoint.Load("run/checkpoints/best.safetensors", dev)
//	defer c.Close()
//	out := c.Objective.Evaluate(pass, batch, terms)
package checkpoint

import (
	"encoding/json"
	"fmt"

	"contig-gpu/data"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/objective"
)

// What marks a checkpoint of ours and the version of its layout. Those of the first have no digest and are read without.
const (
	formatName     = "contig-gpu checkpoint 2"
	formatUnsealed = "contig-gpu checkpoint 1"
)

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
	PrefixEMA       = "ema."       // averages of the parameters, by their names
	PrefixOptimizer = "optimizer." // state of the optimiser
)

// A Checkpoint is what stands in a file beside or in its tensors.
type Checkpoint struct {
	File    *safetensors.File
	Config  json.RawMessage // all settings of the training: Settings are those that build the network
	State   json.RawMessage // where the training stands
	Stats   map[string]*data.Stats
	Cohort  string // data.Cohort.Hash
	Content string // data.Cohort.Content; "": of a version that kept none
	Version string // of the program

	settings Settings
	step     int
	network  objective.Objective // that the settings describe, without memory
}

// Settings are those of a training's settings that say what its network is.
type Settings struct {
	build.Config
	Precision  string `json:"precision"`
	Accumulate int    `json:"accumulate"`
}

// Meta is what a checkpoint keeps beside its tensors. Config and State are kept as JSON.
type Meta struct {
	Config, State any
	Stats         map[string]*data.Stats
	Cohort        *data.Cohort // of which the digests are kept
	Version       string
}

// Encode returns the text part of a checkpoint, for safetensors.WriteFile.
func (m Meta) Encode() (map[string]string, error) {
	text := map[string]string{keyFormat: formatName, keyCohort: m.Cohort.Hash, keyVersion: m.Version}
	if c := m.Cohort.Content; c != "" {
		text[keyContent] = c
	}
	for key, v := range map[string]any{keyConfig: m.Config, keyState: m.State, keyStats: m.Stats} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("checkpoint: %s: %w", key, err)
		}
		text[key] = string(b)
	}
	return text, nil
}

// Read reads a checkpoint. A file that is none is E709; one whose settings, state or statistics make no sense, or contradict each
// other, E718; one whose tensors are not those of its network, E706. All this is known before the tensors are read.
func Read(path string) (*Checkpoint, error) {
	return readWhere(path, func(c *Checkpoint) (func(safetensors.Tensor) bool, error) {
		return func(safetensors.Tensor) bool { return true }, nil
	})
}

// ReadHeader is Read without the tensors' bytes, whose digest is not compared.
func ReadHeader(path string) (*Checkpoint, error) {
	f, err := safetensors.ReadHeader(path)
	if err != nil {
		return nil, err
	}
	return open(f)
}

// readUsed is Read of what the network computes with alone, if fits has no error. The others have no Data.
func readUsed(path string, fits func(*Checkpoint) error) (*Checkpoint, error) {
	return readWhere(path, func(c *Checkpoint) (func(safetensors.Tensor) bool, error) {
		used := c.used()
		return func(t safetensors.Tensor) bool { return used[t.Name] }, fits(c)
	})
}

func readWhere(path string, choose func(*Checkpoint) (func(safetensors.Tensor) bool, error)) (*Checkpoint, error) {
	var c *Checkpoint
	_, err := safetensors.ReadWhere(path, func(f *safetensors.File) (func(safetensors.Tensor) bool, error) {
		var err error
		if c, err = open(f); err != nil {
			return nil, err
		}
		return choose(c)
	})
	return c, err
}

// DecodeConfig reads the settings into v, over what stands there: settings that are newer than the file keep their values.
func (c *Checkpoint) DecodeConfig(v any) error { return c.decode(keyConfig, c.Config, v) }

// DecodeState reads where the training stands into v.
func (c *Checkpoint) DecodeState(v any) error { return c.decode(keyState, c.State, v) }

// Settings returns the settings that say what the network is.
func (c *Checkpoint) Settings() Settings { return c.settings }

func (c *Checkpoint) decode(key string, raw json.RawMessage, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return c.Contradiction(key, err)
	}
	return nil
}
