package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data/folder"
	"contig-gpu/data/fundus"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/checkpoint/safetensors"

	"github.com/urfave/cli/v2"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the image encoder under torchvision's names, or the whole model under ours",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "run", Usage: "run folder, of which the best checkpoint is taken"},
			&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example; a run folder means its best"},
			&cli.StringFlag{Name: "out", Usage: "safetensors file to write"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a safetensors file that is there"},
			&cli.BoolFlag{Name: "torchvision", Usage: "the image encoder alone, as torchvision.models names it"},
			&cli.BoolFlag{Name: "with-example", Usage: "with --torchvision: write load.py beside it, a program that loads the encoder and prepares images as training did"},
		},
		Action: exportAction,
	}
}

func exportAction(c *cli.Context) error {
	from, err := checkpointOf(c)
	if err != nil {
		return err
	}
	out, err := need(c, "out")
	if err != nil {
		return err
	}
	if c.Bool("with-example") && !c.Bool("torchvision") {
		return usagef("export: --with-example is of --torchvision: the whole model is read by contig-gpu")
	}
	example := filepath.Join(filepath.Dir(out), exampleName)
	if c.Bool("with-example") {
		if err := (folder.File{Path: example, Overwrite: c.Bool("overwrite"), Ours: isExample, Inputs: []string{from, out}}).Check(); err != nil {
			return err
		}
	}
	file := folder.File{Path: out, Overwrite: c.Bool("overwrite"), Ours: folder.Safetensors, Inputs: []string{from}}
	if err := file.Check(); err != nil {
		return err
	}
	undo, err := file.Parents()
	if err != nil {
		return err
	}
	if c.Bool("torchvision") {
		err = checkpoint.ExportTorchvision(from, out, preparation())
	} else {
		err = checkpoint.ExportAll(from, out)
	}
	if err != nil {
		undo()
		return err
	}
	return exported(c, out, example)
}

// exported says what was written, and writes the example that is asked for.
func exported(c *cli.Context, out, example string) error {
	f, err := safetensors.ReadWhere(out, func(*safetensors.File) (func(safetensors.Tensor) bool, error) {
		return func(safetensors.Tensor) bool { return false }, nil
	})
	if err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.App.Writer, "wrote %s: %s\n", out, bytesText(int(info.Size()))); err != nil {
		return err
	}
	if !c.Bool("torchvision") {
		return nil
	}
	m := f.Metadata
	fmt.Fprintf(c.App.Writer, "%s without fc; images %s px, %s, mean %s, std %s: in the file's metadata\n", m["encoder"], m["image_size"], m["fit"], m["mean"], m["std"])
	if !c.Bool("with-example") {
		return nil
	}
	if err := folder.WriteFile(example, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, loadExample(m, filepath.Base(out)))
		return err
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s\n", example)
	return err
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
