package train

import (
	"strings"

	"contig-gpu/model/train/safetensors"
)

// prefixTrunk is what the names of the image encoder begin with; torchvision's lack it.
const prefixTrunk = "trunk."

// torchBatches is the tensor that torchvision keeps beside a batch norm's running averages: batches seen.
const (
	runningMean  = ".running_mean"
	torchBatches = ".num_batches_tracked"
)

// ExportTorchvision writes the image encoder of a checkpoint under torchvision's names, in float32: what
// load_state_dict of a ResNet without fc takes. Of averaged parameters (EMA) the averages are written.
func ExportTorchvision(checkpoint, out string) error {
	s, err := readCheckpoint(checkpoint)
	if err != nil {
		return err
	}
	var ts []safetensors.Tensor
	for _, t := range chosen(s.file) {
		name, ok := strings.CutPrefix(t.Name, prefixTrunk)
		if !ok {
			continue
		}
		ts = append(ts, safetensors.FromFloats(name, safetensors.F32, t.Shape, t.Float64s()))
		if norm, ok := strings.CutSuffix(name, runningMean); ok {
			ts = append(ts, safetensors.FromInt64(norm+torchBatches, int64(s.state.Step*s.config.Accumulate)))
		}
	}
	return safetensors.WriteFile(out, ts, map[string]string{"format": "pt", "encoder": s.config.Model.Encoder, keyVersion: s.version})
}

// ExportAll writes all parameters and running averages of a checkpoint by our names, in the checkpoint's precision,
// with its settings and statistics and without the optimiser. Train's InitFrom and LoadModel read it.
func ExportAll(checkpoint, out string) error {
	s, err := readCheckpoint(checkpoint)
	if err != nil {
		return err
	}
	return safetensors.WriteFile(out, chosen(s.file), s.file.Metadata)
}

// chosen returns the model's tensors: averaged parameters in place of the last ones, no optimiser.
func chosen(f *safetensors.File) []safetensors.Tensor {
	var ts []safetensors.Tensor
	for _, t := range f.Tensors {
		if strings.HasPrefix(t.Name, prefixOptimizer) || strings.HasPrefix(t.Name, prefixEMA) {
			continue
		}
		if avg, ok := f.Lookup(prefixEMA + t.Name); ok {
			avg.Name = t.Name
			t = avg
		}
		ts = append(ts, t)
	}
	return ts
}

func has(f *safetensors.File, name string) bool {
	_, ok := f.Lookup(name)
	return ok
}

func hasPrefix(prefix string) func(safetensors.Tensor) bool {
	return func(t safetensors.Tensor) bool { return strings.HasPrefix(t.Name, prefix) }
}
