package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/folder"
	"contig-gpu/data/fundus"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/checkpoint/onnx"

	"github.com/urfave/cli/v2"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the image encoder for PyTorch or ONNX, or the whole model under our names",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "run", Usage: "run folder, of which the best checkpoint is taken"},
			&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example; a run folder means its best"},
			&cli.StringFlag{Name: "out", Usage: "file to write: safetensors, or with --onnx ONNX"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a file of the kind that is there"},
			&cli.BoolFlag{Name: "torchvision", Usage: "the image encoder alone, as torchvision.models names it"},
			&cli.BoolFlag{Name: "onnx", Usage: fmt.Sprintf("the image encoder alone, in ONNX (opset %d, float32, any number of images at a time)", onnx.Opset)},
			&cli.BoolFlag{Name: "with-example", Usage: "with --torchvision: write load.py beside it, a program that loads the encoder and prepares images as training did"},
		}, talkFlags()...),
		Action: exportAction,
	}
}

// An exported is what export says of what it wrote.
type exported struct {
	Out      string            `json:"out"`
	Bytes    int64             `json:"bytes"`
	Example  string            `json:"example,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"` // of an image encoder
}

func exportAction(c *cli.Context) error {
	out, err := need(c, "out")
	switch {
	case err != nil:
		return err
	case c.Bool("with-example") && !c.Bool("torchvision"):
		return usagef("export: --with-example is of --torchvision: the whole model is read by contig-gpu")
	case c.Bool("onnx") && c.Bool("torchvision"):
		return usagef("export: --onnx and --torchvision are two files: give one of them at a time")
	}
	from, err := checkpointOf(c)
	if err != nil {
		return err
	}
	e := exported{Out: out}
	if c.Bool("with-example") {
		e.Example = filepath.Join(filepath.Dir(out), exampleName)
		if err := (folder.File{Path: e.Example, Overwrite: c.Bool("overwrite"), Ours: isExample, Inputs: []string{from, out}}).Check(); err != nil {
			return err
		}
	}
	file := folder.File{Path: out, Overwrite: c.Bool("overwrite"), Ours: folder.Safetensors, Inputs: []string{from}}
	if c.Bool("onnx") {
		file.Ours = onnx.Ours
	}
	if err := file.Check(); err != nil {
		return err
	}
	undo, err := file.Parents()
	if err != nil {
		return err
	}
	line := progress.New(c.App.ErrWriter)
	if err := line.While("reading "+from+" and writing "+out, func() error { return e.write(c, from) }); err != nil {
		undo()
		return err
	}
	return e.finish(c)
}

// write writes the file that is asked for, and keeps the metadata of an image encoder.
func (e *exported) write(c *cli.Context, from string) (err error) {
	switch {
	case c.Bool("onnx"):
		e.Metadata, err = checkpoint.ExportONNX(from, e.Out, preparation())
	case c.Bool("torchvision"):
		e.Metadata, err = checkpoint.ExportTorchvision(from, e.Out, preparation())
	default:
		err = checkpoint.ExportAll(from, e.Out)
	}
	return err
}

// finish says what was written, and writes the example that is asked for.
func (e *exported) finish(c *cli.Context) error {
	info, err := os.Stat(e.Out)
	if err != nil {
		return err
	}
	e.Bytes = info.Size()
	text := fmt.Sprintf("wrote %s: %s\n", e.Out, bytesText(int(e.Bytes)))
	m := e.Metadata
	if m != nil {
		text += fmt.Sprintf("%s without fc; images %s px, %s, mean %s, std %s: in the file's metadata\n", m["encoder"], m["image_size"], m["fit"], m["mean"], m["std"])
	}
	if e.Example != "" {
		if err := folder.WriteFile(e.Example, 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, loadExample(m, filepath.Base(e.Out)))
			return err
		}); err != nil {
			return err
		}
		text += fmt.Sprintf("wrote %s\n", e.Example)
	}
	return result(c, text, e)
}

// preparation says how images are made for the encoder, beside what the checkpoint knows. Mean and standard deviation are those of
// package fundus, by what it makes of black and white.
func preparation() map[string]string {
	var black, white [3]float32
	fundus.Normalise(black[:], []uint8{0, 0, 0})
	fundus.Normalise(white[:], []uint8{255, 255, 255})
	var mean, std []string
	for i := range black {
		scale := 1 / float64(white[i]-black[i])
		text := func(v float64) string { return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64) }
		mean, std = append(mean, text(-float64(black[i])*scale)), append(std, text(scale))
	}
	return map[string]string{"mean": strings.Join(mean, ","), "std": strings.Join(std, ","), "interpolation": "bilinear, antialias", "channels": "RGB, 0 to 1"}
}

// exampleName is the file of --with-example, exampleHead how it begins.
const (
	exampleName = "load.py"
	exampleHead = `"""Loads an image encoder that contig-gpu export wrote`
)

// isExample reports whether a file begins as ours do.
func isExample(r io.Reader) bool {
	b := make([]byte, len(exampleHead))
	_, err := io.ReadFull(r, b)
	return err == nil && string(b) == exampleHead
}

// loadExample is a program in Python that needs torch, torchvision, safetensors and pillow.
func loadExample(m map[string]string, file string) string {
	square := `    side = max(h, w)
    left, top = (side - w) // 2, (side - h) // 2
    image = v2.functional.pad(image, [left, top, side - w - left, side - h - top])
`
	if m["fit"] == "stretch" {
		square = ""
	}
	return strings.NewReplacer("{file}", file, "{encoder}", m["encoder"], "{size}", m["image_size"], "{mean}", m["mean"], "{std}", m["std"], "{square}", square).Replace(exampleHead + ` and prints the features of images:
    python3 load.py IMAGE...        Needs torch, torchvision, safetensors, pillow."""
import pathlib
import sys

import numpy
import torch
import torchvision
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torchvision.transforms import v2

SIZE = {size}


def pixels(path):
    """[3, SIZE, SIZE], as in training but for its variations."""
    image = torch.from_numpy(numpy.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))).permute(2, 0, 1)
    _, h, w = image.shape
{square}    image = v2.functional.resize(image, [SIZE, SIZE], antialias=True)
    return v2.functional.normalize(image.float() / 255, [{mean}], [{std}])


def encoder():
    """A torchvision network without its last layer: images [N, 3, SIZE, SIZE] to features."""
    net = torchvision.models.{encoder}(weights=None)
    net.fc = torch.nn.Identity()
    net.load_state_dict(load_file(str(pathlib.Path(__file__).with_name("{file}"))))
    return net.eval()


if __name__ == "__main__":
    with torch.no_grad():
        print(encoder()(torch.stack([pixels(p) for p in sys.argv[1:]])))
`)
}
