package engine

import (
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// hostFeed is the feed of batches that sources make ready for the objective.
type hostFeed struct{}

func (hostFeed) unpack(_ *nn.Pass, in input) objective.Batch { return in.Batch }

func (hostFeed) upload(u *gpu.Upload, in input, b *data.Batch) {
	gpu.UploadTo(u, in.Image, b.Image[:in.Image.Len()])
	for i, t := range in.Tables {
		gpu.UploadTo(u, t, b.Tables[i][:t.Len()])
	}
}

func (hostFeed) whole(b *data.Batch, _ int) *data.Batch { return b }

func (f hostFeed) on(*gpu.Arena, objective.Objective) feed { return f }

func (hostFeed) settle() {}

func (hostFeed) close() {}
