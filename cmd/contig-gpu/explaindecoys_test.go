package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/checkpoint/safetensors"
)

// trainedIn writes a copy of a checkpoint that says it was trained in another precision than f32.
func trainedIn(t *testing.T, checkpoint, precision string) string {
	t.Helper()
	f, err := safetensors.Read(checkpoint)
	mustDo(t, err)
	was := `"precision":"f32"`
	if strings.Count(f.Metadata["config"], was) != 1 {
		t.Fatalf("the settings %s have no %s", f.Metadata["config"], was)
	}
	f.Metadata["config"] = strings.Replace(f.Metadata["config"], was, `"precision":"`+precision+`"`, 1)
	out := filepath.Join(t.TempDir(), precision+".safetensors")
	mustDo(t, safetensors.WriteFile(out, f.Tensors, f.Metadata))
	return out
}

// TestDecoysOfAnotherDevice: what was trained in a precision that only GPUs have is explained on the CPU, its decoys too: in f32, which the run says. What they find is what
// they find beside the same parameters trained in f32.
func TestDecoysOfAnotherDevice(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	flags := []string{"--reference", "10", "--modalities", "burden", "--decoys", "1", "--test", "groups", "--reference-parts", "0"}
	want := filepath.Join(dir, "want")
	if text := must(t, x.explain(want, flags...)...); strings.Contains(text, "does not compute") {
		t.Errorf("trained in f32:\n%s", text)
	}
	for _, precision := range []string{"bf16", "f16", "tf32"} {
		out := filepath.Join(dir, precision)
		text := must(t, x.explain(out, append(flags, "--checkpoint", trainedIn(t, filepath.Join(x.run, "checkpoints", "best.safetensors"), precision))...)...)
		if said := "are trained in f32: the network explained was trained in " + precision; !strings.Contains(text, said) || !strings.Contains(string(read(t, out, "report.html")), said) {
			t.Errorf("neither line nor report says that networks %s:\n%s", said, text)
		}
		for _, name := range []string{"burden.tsv", "burden.decoys.tsv"} {
			if !bytes.Equal(read(t, out, name), read(t, want, name)) {
				t.Errorf("%s: %s is another", precision, name)
			}
		}
	}
}

// TestOffered: a device is asked for what it computes in, and for f32 else; its own products stay those of f32.
func TestOffered(t *testing.T) {
	for device, want := range map[string]map[string]string{
		"cpu":  {"bf16": "f32", "f16": "f32", "tf32": "f32", "f32": "f32", "f64": "f64"},
		"cuda": {"bf16": "bf16", "f16": "f16", "tf32": "tf32", "f32": "f32", "f64": "f32"},
	} {
		t.Run(device, func(t *testing.T) {
			if device == "cuda" && !emulated(t) {
				return
			}
			dev := gputest.Open(t, device, gpu.Options{Threads: 1})
			exact := dev.ProductError(100)
			for precision, w := range want {
				if got := offered(dev, precision); got != w || dev.ProductError(100) != exact {
					t.Errorf("%s: offered %s, want %s; products to %.2g, before %.2g", precision, got, w, dev.ProductError(100), exact)
				}
			}
		})
	}
}
