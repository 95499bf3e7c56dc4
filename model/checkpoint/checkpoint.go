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

// Read reads a checkpoint. A file that is none is E709.
func Read(path string) (*Checkpoint, error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	if f.Metadata[keyFormat] != formatName {
		return nil, notOurs(path, fmt.Sprintf("its format is %q, want %q", f.Metadata[keyFormat], formatName), nil)
	}
	c := &Checkpoint{File: f, Config: json.RawMessage(f.Metadata[keyConfig]), State: json.RawMessage(f.Metadata[keyState]),
		Cohort: f.Metadata[keyCohort], Content: f.Metadata[keyContent], Version: f.Metadata[keyVersion]}
	return c, c.decode(keyStats, json.RawMessage(f.Metadata[keyStats]), &c.Stats)
}

// DecodeConfig reads the settings into v, over what stands there: settings that are newer than the file keep their values.
func (c *Checkpoint) DecodeConfig(v any) error { return c.decode(keyConfig, c.Config, v) }

// DecodeState reads where the training stands into v.
func (c *Checkpoint) DecodeState(v any) error { return c.decode(keyState, c.State, v) }

// Settings returns the settings that say what the network is.
func (c *Checkpoint) Settings() (Settings, error) {
	s := Settings{Config: build.Config{Objective: build.ContIG}} // which the first versions had alone
	return s, c.DecodeConfig(&s)
}

// step returns the number of steps that were taken.
func (c *Checkpoint) step() (int, error) {
	var at struct {
		Step int `json:"step"`
	}
	err := c.DecodeState(&at)
	return at.Step, err
}

func (c *Checkpoint) decode(key string, raw json.RawMessage, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return notOurs(c.File.Path, "metadata "+key, err)
	}
	return nil
}
