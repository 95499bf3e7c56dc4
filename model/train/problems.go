package train

import (
	"fmt"
	"strings"

	"contig-gpu/data"
)

// Numbers of the catalogue of errors.
const (
	codeCohortDiffers = 702
	codeConfigDiffers = 703
	codeNoCheckpoint  = 704
	codeRunExists     = 705
	codeInit          = 706 // tensors that do not fit the model
	codeMetrics       = 707 // metrics.jsonl is shorter than the checkpoint says
	codeTooFew        = 708 // not enough batches for one step
	codeFormat        = 709 // a safetensors file that is not a checkpoint of ours
	codeNotFinite     = 720
	codeMemory        = 721 // planned
	codeOutOfMemory   = 722 // after the plan said that it fits
)

func notOurs(path, what string, err error) error {
	return &data.Problem{
		Code: codeFormat, File: path, What: "not a checkpoint of this program: " + what, Err: err,
		Expected: "a file under checkpoints/ of a run folder", Fix: "give the path of RUN/checkpoints/best.safetensors",
	}
}

func misfit(path string, names []string) error {
	shown := names[:min(len(names), 8)]
	found := strings.Join(shown, "\n")
	if len(names) > len(shown) {
		found += fmt.Sprintf("\n... and %d more", len(names)-len(shown))
	}
	return &data.Problem{
		Code: codeInit, File: path, What: fmt.Sprintf("%d tensors do not fit the model", len(names)), Found: found,
		Expected: "the names and shapes of this encoder and these modalities",
		Cause:    "another encoder, other embedding sizes, or other features", Fix: "give the --encoder and sizes that the file was made with",
	}
}
