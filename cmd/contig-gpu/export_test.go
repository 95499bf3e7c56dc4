package main

import (
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/model/checkpoint/safetensors"
)

// TestExportSaysHowImagesAreMade: in the metadata, on the terminal and in an example that is Python.
func TestExportSaysHowImagesAreMade(t *testing.T) {
	cohort, run, dir := tiny(t), filepath.Join(t.TempDir(), "run"), t.TempDir()
	must(t, small(cohort, run, "--max-steps", "1", "--fit", "stretch")...)
	out := filepath.Join(dir, "new", "encoder.safetensors")
	said := must(t, "export", "--run", run, "--torchvision", "--with-example", "--out", out)
	f, err := safetensors.ReadWhere(out, func(*safetensors.File) (func(safetensors.Tensor) bool, error) {
		return func(safetensors.Tensor) bool { return false }, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"encoder": "resnet18", "image_size": "32", "fit": "stretch", "mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225", "step": "1", "recipe": "default"} {
		if f.Metadata[key] != want || key == "mean" && !strings.Contains(said, want) {
			t.Errorf("%s is %q, want %q; said %s", key, f.Metadata[key], want, said)
		}
	}
	example := filepath.Join(dir, "new", exampleName)
	text := string(read(t, example))
	for _, want := range []string{"SIZE = 32", "models.resnet18(", `with_name("encoder.safetensors")`, "[0.485,0.456,0.406]"} {
		if !strings.Contains(text, want) {
			t.Errorf("the example lacks %q", want)
		}
	}
	if strings.Contains(text, "pad(") || strings.Contains(text, "{") {
		t.Errorf("the example of stretched images: %s", text)
	}
	if code, _, errs := exec(t, "export", "--run", run, "--torchvision", "--with-example", "--out", filepath.Join(dir, "new", "other.safetensors")); code != 1 || !strings.Contains(errs, "E135") {
		t.Errorf("over an example: %d, %s", code, errs)
	}
	must(t, "export", "--run", run, "--torchvision", "--with-example", "--overwrite", "--out", out)
	if code, _, _ := exec(t, "export", "--run", run, "--with-example", "--out", filepath.Join(dir, "x")); code != 2 {
		t.Errorf("an example of the whole model: exit code %d", code)
	}
	if _, err := osexec.LookPath("python3"); err != nil {
		t.Skip("no python3 to read the example: apt-get install python3")
	}
	if out, err := osexec.Command("python3", "-m", "py_compile", example).CombinedOutput(); err != nil {
		t.Errorf("the example: %s", out)
	}
}
