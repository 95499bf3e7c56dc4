package checkpoint

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/checkpoint/strict"
)

// Numbers of the catalogue of errors.
const (
	codeMisfit = 706 // tensors that do not fit the network
	codeFormat = 709 // a safetensors file that is not a checkpoint of ours
	codeTwice  = 715 // weights that hold the image encoder more than once
	codeValue  = 717 // weights that no network has
	codeFalse  = 718 // settings, state or statistics that make no sense
)

func notOurs(path, what string, err error) error {
	return &data.Problem{
		Code: codeFormat, File: path, What: "not a checkpoint of this program: " + what, Err: err,
		Expected: "a file under checkpoints/ of a run folder", Fix: "give the path of RUN/checkpoints/best.safetensors",
	}
}

// Contradiction is the problem of metadata that make no sense (E718), of this key.
func (c *Checkpoint) Contradiction(key string, err error) error {
	return &data.Problem{Code: codeFalse, File: c.File.Path, What: fmt.Sprintf("the checkpoint's metadata make no sense: %s", key), Err: strict.Short(err),
		Expected: "settings, state and statistics as a training writes them, which agree with each other", Cause: "a checkpoint that was edited or damaged, or is of a newer version of this program",
		Fix: "take another copy of the checkpoint, or an earlier one"}
}

// tooLarge is the problem of a network that does not fit into the memory that is free (E721).
func tooLarge(path string, need, free int) error {
	return &data.Problem{Code: 721, File: path, What: "the network takes more memory than is free", Expected: fmt.Sprintf("at most %d bytes", free),
		Found: fmt.Sprintf("%d bytes", need), Cause: "wide tables or hidden layers on a small machine", Fix: "end other programs, or take a larger machine"}
}

func severalEncoders(path string, prefixes []string) error {
	return &data.Problem{Code: codeTwice, File: path, What: "the file holds the image encoder more than once", Expected: "one encoder",
		Found: fmt.Sprintf("encoders whose names begin with %s", quoted(prefixes)), Cause: "a checkpoint of a method with two networks, such as a teacher or a momentum encoder",
		Fix: "write a file with the tensors of one of them"}
}

func unsound(path string, found []string) error {
	return &data.Problem{Code: codeValue, File: path, What: fmt.Sprintf("%d tensors hold values that no network has", len(found)), Expected: "finite numbers, and variances that are not negative",
		Found: few(found), Cause: "weights of a training that went wrong, or a damaged file", Fix: "take an earlier checkpoint, or other weights"}
}

// quoted quotes the first of many.
func quoted(words []string) string {
	var out []string
	for _, w := range words[:min(len(words), 8)] {
		out = append(out, strict.Quote(w))
	}
	return strings.Join(out, " ")
}

// few names the first of many.
func few(names []string) string {
	shown := names[:min(len(names), 8)]
	found := strings.Join(shown, "\n")
	if len(names) > len(shown) {
		found += fmt.Sprintf("\n... and %d more", len(names)-len(shown))
	}
	return found
}

// misfit is the problem of tensors that do not fit, of a file that has these (E706).
func misfit(f *safetensors.File, names []string) error {
	have := "; the file has no tensors"
	if len(f.Tensors) > 0 {
		have = "\nThe file has " + strict.Name(f.Tensors[0].Name) + " and " + strict.Name(f.Tensors[len(f.Tensors)-1].Name)
	}
	return &data.Problem{
		Code: codeMisfit, File: f.Path, What: fmt.Sprintf("%d tensors do not fit the model", len(names)), Found: few(names) + have,
		Expected: "the names and shapes of this encoder and these modalities",
		Cause:    "another encoder, other embedding sizes, or other features", Fix: "give the --encoder and sizes that the file was made with",
	}
}
