package checkpoint

import (
	"io"
	"maps"
	"strconv"
	"strings"

	"contig-gpu/data/folder"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint/onnx"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/trunk"
)

// torchBatches is the tensor that torchvision keeps beside a batch norm's running averages: batches seen.
const (
	runningMean  = ".running_mean"
	runningVar   = ".running_var"
	torchBatches = ".num_batches_tracked"
)

// secondMoment is what the name of Adam's mean of squares ends with.
const secondMoment = ".v"

// ExportTorchvision writes the image encoder of a checkpoint under torchvision's names, in float32: what
// load_state_dict of a ResNet without fc takes. Of averaged parameters (EMA) the averages are written. The metadata has encoder, step and
// how images are prepared: image_size, fit, recipe, and more of what the caller knows. It is returned.
func ExportTorchvision(checkpoint, out string, more map[string]string) (map[string]string, error) {
	e, err := imageEncoderOf(checkpoint, more)
	if err != nil {
		return nil, err
	}
	var ts []safetensors.Tensor
	for _, t := range e.tensors {
		ts = append(ts, t)
		if norm, ok := strings.CutSuffix(t.Name, runningMean); ok {
			ts = append(ts, safetensors.FromInt64(norm+torchBatches, int64(e.c.step)*int64(e.c.settings.Accumulate)))
		}
	}
	e.meta["format"] = "pt"
	return e.meta, safetensors.WriteFile(out, ts, e.meta)
}

// ExportONNX writes the image encoder of a checkpoint in ONNX, in float32, with the same metadata: see package onnx. It returns the metadata.
func ExportONNX(checkpoint, out string, more map[string]string) (map[string]string, error) {
	e, err := imageEncoderOf(checkpoint, more)
	if err != nil {
		return nil, err
	}
	t, err := trunk.New(e.c.settings.Model.Encoder, "")
	if err != nil {
		return nil, err
	}
	n := onnx.Network{Trunk: t, Size: e.size, Weights: map[string]safetensors.Tensor{}, Version: e.c.Version, Metadata: e.meta}
	for _, t := range e.tensors {
		n.Weights[t.Name] = t
	}
	return e.meta, folder.WriteFile(out, 0o644, func(w io.Writer) error { return onnx.Write(w, n) })
}

// An imageEncoder is a checkpoint's image encoder under torchvision's names, in float32.
type imageEncoder struct {
	c       *Checkpoint
	tensors []safetensors.Tensor
	size    int               // pixels of an image
	meta    map[string]string // encoder, version, step and how images are prepared
}

func imageEncoderOf(checkpoint string, more map[string]string) (imageEncoder, error) {
	c, weights, err := weightsOf(checkpoint)
	if err != nil {
		return imageEncoder{}, err
	}
	var images struct {
		Size   int    `json:"image_size"`
		Fit    string `json:"fit"`
		Recipe string `json:"recipe"`
	}
	if err := c.DecodeConfig(&images); err != nil {
		return imageEncoder{}, err
	}
	e := imageEncoder{c: c, size: images.Size, meta: map[string]string{"encoder": c.settings.Model.Encoder, keyVersion: c.Version, "step": strconv.Itoa(c.step),
		"image_size": strconv.Itoa(images.Size), "fit": images.Fit, "recipe": images.Recipe}}
	maps.Copy(e.meta, more)
	for _, t := range weights {
		name, ok := strings.CutPrefix(t.Name, model.TrunkPrefix)
		if !ok {
			continue
		}
		x := safetensors.Floats[float32](t)
		if what := fault(t.Name, x); what != "" {
			return imageEncoder{}, unsound(checkpoint, []string{t.Name + what})
		}
		e.tensors = append(e.tensors, safetensors.FromFloats(name, safetensors.F32, t.Shape, x))
	}
	return e, nil
}

// ExportAll writes all parameters and running averages of a checkpoint by our names, in the checkpoint's precision,
// with its settings and statistics and without the optimiser. Init and Load read it.
func ExportAll(checkpoint, out string) error {
	c, weights, err := weightsOf(checkpoint)
	if err != nil {
		return err
	}
	c.File.Metadata[keyFormat] = formatName
	return safetensors.WriteFile(out, weights, c.File.Metadata)
}

// weightsOf reads the tensors that a checkpoint's network computes with, by the names of the network: averaged parameters in place of
// the last ones, no optimiser. Values that no network has are E717.
func weightsOf(path string) (*Checkpoint, []safetensors.Tensor, error) {
	c, err := readUsed(path, func(*Checkpoint) error { return nil })
	if err != nil {
		return nil, nil, err
	}
	var ts []safetensors.Tensor
	var bad []string
	used := c.used()
	for _, t := range c.File.Tensors {
		if !used[t.Name] {
			continue
		}
		what := ""
		if t.DType == safetensors.F64 {
			what = fault(t.Name, safetensors.Floats[float64](t))
		} else {
			what = fault(t.Name, safetensors.Floats[float32](t))
		}
		if what != "" {
			bad = append(bad, t.Name+what)
		}
		t.Name = strings.TrimPrefix(t.Name, PrefixEMA)
		ts = append(ts, t)
	}
	if len(bad) > 0 {
		return nil, nil, unsound(path, bad)
	}
	return c, ts, nil
}
