package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tour returns the commands of the fenced block of the README that works on files of one's own, comments cut off.
func tour(t *testing.T) []string {
	t.Helper()
	var found []string
	for i, block := range strings.Split(string(read(t, "..", "..", "README.md")), "\n```") {
		if i%2 == 0 || !strings.Contains(block, "\ncontig-gpu synth ") {
			continue
		}
		for line := range strings.Lines(block) {
			if line, _, _ = strings.Cut(strings.TrimSpace(line), " #"); strings.HasPrefix(line, "contig-gpu ") {
				found = append(found, line)
			}
		}
	}
	if len(found) < 6 {
		t.Fatalf("the README's tour has %d commands", len(found))
	}
	return found
}

// TestTourOfTheREADME: its commands run one after the other, as they stand but for size and length.
func TestTourOfTheREADME(t *testing.T) {
	cohort := []string{"--persons", "40", "--image-size", "32", "--snps", "20", "--pgs", "3", "--burden", "4"}
	shorter := map[string][]string{"synth": cohort, "train": {"--batch", "8", "--max-steps", "4", "--hidden", "8", "--embedding", "8"}}
	commands := tour(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	for _, line := range commands {
		args := shellArgs(t, line)
		more := shorter[args[0]]
		if strings.Contains(line, "--resume") {
			more = nil
		}
		if out := must(t, append(args, more...)...); out == "" && args[0] != "export" {
			t.Errorf("%s says nothing", line)
		}
	}
	for _, made := range []string{"cohort/images.tsv", "run1/report.html", "emb/features.npy", "emb/README.txt", "resnet18.safetensors", "explained/report.html"} {
		read(t, filepath.FromSlash(made))
	}
}

// TestDocumentedCommandsAreKnown: every command of ours in a fenced block of the README and the documents has flags that there are. The README's tour is run
// besides.
func TestDocumentedCommandsAreKnown(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md") {
		for i, block := range strings.Split(string(read(t, file)), "\n```") {
			if i%2 == 0 {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
				line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), " #")
				line, _, _ = strings.Cut(line, " | ")
				if !strings.HasPrefix(line, "contig-gpu ") || strings.ContainsAny(line, "<[…") || len(strings.Fields(line)[1]) == 0 || strings.Contains(line, "COMMAND") || strings.HasPrefix(line, "contig-gpu 0") {
					continue
				}
				seen++
				args := append(shellArgs(t, line), "--help")
				switch args[0] { // which end with what is no flag
				case "report":
					args = []string{"report", "--help"}
				case "manifest":
					args = slices.Delete(args, len(args)-2, len(args)-1)
				}
				if code, _, errs := exec(t, args...); code != 0 {
					t.Errorf("%s: %s: %s", file, line, errs)
				}
			}
		}
	}
	if seen < 12 {
		t.Errorf("%d commands were found", seen)
	}
}
