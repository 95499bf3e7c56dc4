package checkpoint

import (
	"strings"

	"contig-gpu/model"
	"contig-gpu/model/checkpoint/safetensors"
)

// torchBatches is the tensor that torchvision keeps beside a batch norm's running averages: batches seen.
const (
	runningMean  = ".running_mean"
	runningVar   = ".running_var"
	torchBatches = ".num_batches_tracked"
)

// ExportTorchvision writes the image encoder of a checkpoint under torchvision's names, in float32: what
// load_state_dict of a ResNet without fc takes. Of averaged parameters (EMA) the averages are written.
func ExportTorchvision(checkpoint, out string) error {
	c, err := Read(checkpoint)
	if err != nil {
		return err
	}
	s, err := c.Settings()
	if err != nil {
		return err
	}
	step, err := c.step()
	if err != nil {
		return err
	}
	var ts []safetensors.Tensor
	for _, t := range weightsOf(c.File) {
		name, ok := strings.CutPrefix(t.Name, model.TrunkPrefix)
		if !ok {
			continue
		}
		ts = append(ts, safetensors.FromFloats(name, safetensors.F32, t.Shape, t.Float64s()))
		if norm, ok := strings.CutSuffix(name, runningMean); ok {
			ts = append(ts, safetensors.FromInt64(norm+torchBatches, int64(step*s.Accumulate)))
		}
	}
	return safetensors.WriteFile(out, ts, map[string]string{"format": "pt", "encoder": s.Model.Encoder, keyVersion: c.Version})
}

// ExportAll writes all parameters and running averages of a checkpoint by our names, in the checkpoint's precision,
// with its settings and statistics and without the optimiser. Init and Load read it.
func ExportAll(checkpoint, out string) error {
	c, err := Read(checkpoint)
	if err != nil {
		return err
	}
	return safetensors.WriteFile(out, weightsOf(c.File), c.File.Metadata)
}

// weightsOf returns the network's tensors: averaged parameters in place of the last ones, no optimiser.
func weightsOf(f *safetensors.File) []safetensors.Tensor {
	var ts []safetensors.Tensor
	for _, t := range f.Tensors {
		if strings.HasPrefix(t.Name, PrefixOptimizer) || strings.HasPrefix(t.Name, PrefixEMA) {
			continue
		}
		if avg, ok := f.Lookup(PrefixEMA + t.Name); ok {
			avg.Name = t.Name
			t = avg
		}
		ts = append(ts, t)
	}
	return ts
}
