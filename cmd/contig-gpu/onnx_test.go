package main

import (
	"bytes"
	"encoding/json"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
)

// runsONNX checks a file by its own rules, runs it on images as its metadata says they are prepared, all at once and one alone, and prints how far
// its features are from those of embed, in parts of the longest.
const runsONNX = `
import csv, sys
import numpy, onnx, onnxruntime
from PIL import Image
path, images, features = sys.argv[1:]
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)
net = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
about = net.get_modelmeta().custom_metadata_map
size = int(about["image_size"])
mean, std = ([float(v) for v in about[key].split(",")] for key in ("mean", "std"))
rows = list(csv.DictReader(open(images), delimiter="\t"))
def pixels(row):
    image = Image.open(images.rsplit("/", 1)[0] + "/" + row["image"])
    assert image.size == (size, size)
    return ((numpy.asarray(image, dtype=numpy.float32) / 255 - mean) / std).transpose(2, 0, 1).astype(numpy.float32)
batch = numpy.stack([pixels(r) for r in rows])
ours, theirs = numpy.load(features), net.run(["features"], {"images": batch})[0]
alone = net.run(["features"], {"images": batch[:1]})[0]
assert theirs.shape == ours.shape and numpy.abs(alone - theirs[:1]).max() < 1e-4
gap = numpy.abs(theirs - ours).max() / numpy.linalg.norm(ours, axis=1).max()
print(about["encoder"], model.opset_import[0].version, "%.1e" % gap, "fits" if gap < 1e-5 else "DIFFERS")`

// TestONNX: onnxruntime, where it is there, computes embed's features from the file, of a basic and of a bottleneck network.
func TestONNX(t *testing.T) {
	turn.Share(t)
	cohort, dir := tiny(t), t.TempDir()
	images := filepath.Join(cohort, "images.tsv")
	reader := osexec.Command("python3", "-c", "import onnx, onnxruntime, PIL").Run()
	for _, net := range []string{"resnet18", "resnet50"} {
		run, out, emb := filepath.Join(dir, net), filepath.Join(dir, net+".onnx"), filepath.Join(dir, net+"-features")
		must(t, append(small(cohort, run, "--max-steps", "2"), "--encoder", net)...)
		var said exported
		if err := json.Unmarshal([]byte(must(t, "export", "--run", run, "--onnx", "--json", "--out", out)), &said); err != nil || said.Out != out || said.Metadata["encoder"] != net {
			t.Fatalf("%v, said %+v", err, said)
		}
		raw := read(t, out)
		if code, _, errs := exec(t, "export", "--run", run, "--onnx", "--out", out); code != 1 || !strings.Contains(errs, "E135") {
			t.Errorf("over a file: %d, %s", code, errs)
		}
		if text := must(t, "export", "--run", run, "--onnx", "--overwrite", "--quiet", "--out", out); text != "" || !bytes.Equal(raw, read(t, out)) {
			t.Errorf("again: said %q, other bytes or not", text)
		}
		if reader != nil {
			continue
		}
		must(t, "embed", "--run", run, "--images", images, "--out", emb)
		result, err := osexec.Command("python3", "-c", runsONNX, out, images, filepath.Join(emb, "per-image", "features.npy")).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(result), net+" 17 ") || !strings.Contains(string(result), "fits") {
			t.Errorf("%s: onnxruntime: %s, %v", net, result, err)
		}
		t.Logf("%s", result)
	}
	notes := filepath.Join(dir, "notes.txt")
	mustDo(t, os.WriteFile(notes, []byte("notes"), 0o600))
	if code, _, errs := exec(t, "export", "--run", filepath.Join(dir, "resnet18"), "--onnx", "--overwrite", "--out", notes); code != 1 || !strings.Contains(errs, "E135") {
		t.Errorf("over another's file: %d, %s", code, errs)
	}
	if code, _, _ := exec(t, "export", "--run", "x", "--onnx", "--torchvision", "--out", notes); code != 2 {
		t.Errorf("two formats: exit code %d", code)
	}
	if reader != nil {
		t.Skip("python3 has no onnx and onnxruntime to run the files: pip install -r scripts/requirements/readers.txt")
	}
}
