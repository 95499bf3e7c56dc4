//go:build linux && cgo

package dnn

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// TestNotesTellTF32 proves that engines without the note of tensor cores do not round float32 to TF32: where the vendor's
// own switch NVIDIA_TF32_OVERRIDE=0 forbids TF32, the library's heuristic proposes such engines only, and every one
// that our rule accepts without the switch carries no such note.
func TestNotesTellTF32(t *testing.T) {
	vendor := wheels(t, "cudnn/lib/libcudnn.so.9")
	for _, override := range []string{"", "0"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNotesOfProposals$", "-test.v")
		cmd.Env = append(os.Environ(), "CONTIG_DNN_TEST_NOTES=1", "CONTIG_LIBCUDNN="+filepath.Join(vendor, "cudnn/lib/libcudnn.so.9"))
		if override != "" {
			cmd.Env = append(cmd.Env, "NVIDIA_TF32_OVERRIDE="+override)
		}
		for _, l := range []string{"NVRTC=libnvrtc", "CUBLASLT=libcublasLt", "CUBLAS=libcublas"} {
			env, stem, _ := strings.Cut(l, "=")
			cmd.Env = append(cmd.Env, "CONTIG_LIB"+env+"="+filepath.Join(vendor, "cu13/lib", stem+".so.13"))
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestNotesOfProposals") {
			t.Errorf("NVIDIA_TF32_OVERRIDE=%q: %v\n%s", override, err, out)
		}
	}
}

// TestNotesOfProposals is the part of TestNotesTellTF32 that runs in a process of its own.
func TestNotesOfProposals(t *testing.T) {
	if os.Getenv("CONTIG_DNN_TEST_NOTES") == "" {
		t.Skip("the half of TestNotesTellTF32 that runs in a process of its own; run that one")
	}
	forbidden := os.Getenv("NVIDIA_TF32_OVERRIDE") == "0"
	for _, gpu := range GPUs() {
		b, err := Description(gpu)
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewProber(b)
		if err != nil {
			t.Fatal(err)
		}
		c := driver.Conv{Shape: convolution.Shape{N: 64, H: 28, W: 28, C: 128, K: 128, R: 3, S: 3, Stride: 1, Pad: 1}}
		for _, op := range []Op{Forward, BackwardData, BackwardWeight} {
			exact, rounding := p.notes(t, Problem{Op: op, Conv: c})
			if exact == 0 {
				t.Errorf("%s, %s: no engine is free of TF32", gpu, op)
			}
			if (rounding == 0) != forbidden {
				t.Errorf("%s, %s: TF32 forbidden: %v, and %d proposals are on tensor cores", gpu, op, forbidden, rounding)
			}
		}
		p.Close()
	}
}

// notes counts the proposals of the library's first heuristic without and with the note of tensor cores.
func (p *Prober) notes(t *testing.T, q Problem) (exact, rounding int) {
	g, err := q.build(target{gpu: p.desc})
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for _, config := range g.proposed(target{gpu: p.desc}, modeA, &NoPlanError{}) {
		c, err := g.examine(config)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(c.Notes, noteTensorCore) {
			rounding++
			if unwanted(q, c.Notes, Options{NonDeterministic: true}) == "" {
				t.Errorf("%s: engine %d is accepted with notes %v", q, c.Engine, c.Notes)
			}
		} else {
			exact++
		}
	}
	return exact, rounding
}
