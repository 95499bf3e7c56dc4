package gpu

import (
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/planned"
)

// PlannedGPUs returns the names of GPUs that Open plans for without having them, as "plan:h200", and of which it is
// known what cuDNN works in.
func PlannedGPUs() []string { return dnn.GPUs() }

// ConvAnswers says how much is known of the scratch memory that convolutions were planned with for a GPU that is not there.
type ConvAnswers struct {
	CuDNN   string `json:"cudnn"`   // version that was asked: for its first proposals, which timing on a GPU may not prefer
	Known   int    `json:"known"`   // passes of convolutions that it was asked for as they are
	Scaled  int    `json:"scaled"`  // asked for in batches of 64: their bytes, in proportion to the batch
	Unknown int    `json:"unknown"` // not asked for: taken for 0
}

// ConvAnswers returns that of what was planned so far, nil except on a device of PlannedGPUs.
func (d *Device) ConvAnswers() *ConvAnswers {
	t := d.described()
	if t == nil || t.CuDNN == "" {
		return nil
	}
	n := t.Answers()
	return &ConvAnswers{t.CuDNN, n[planned.Known], n[planned.Scaled], n[planned.Unknown]}
}
