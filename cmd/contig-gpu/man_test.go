package main

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestManual: the page has every command and flag, and mandoc and man, where they are there, find nothing wrong with it.
func TestManual(t *testing.T) {
	page := must(t, "man")
	for _, want := range []string{".SS train\n", ".SS plan explain\n", `\fB\-\-image\-size\fR \fIvalue\fR`, ".SS runs [FOLDER]\n", `\fB\-\-rerun\fR \fIRUN\fR`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	file := filepath.Join(t.TempDir(), "contig-gpu.1")
	mustDo(t, os.WriteFile(file, []byte(page), 0o600))
	read := 0
	for _, words := range [][]string{{"mandoc", "-T", "lint", "-W", "warning", file}, {"man", "--warnings", "-l", file}} {
		if _, err := osexec.LookPath(words[0]); err != nil {
			continue
		}
		cmd := osexec.Command(words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "MANPAGER=cat", "LC_ALL=C.UTF-8", "MANWIDTH=120")
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if words[0] == "mandoc" {
			errs.Write(out)
		}
		if read++; err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v: %.2000s", words[0], err, errs.String())
		}
	}
	if read == 0 {
		t.Skip("neither mandoc nor man to read it: apt-get install mandoc")
	}
}

// TestZshCompletes: zsh reads the script, and its functions are asked for what fits: commands, words of a flag, folders, files.
func TestZshCompletes(t *testing.T) {
	if _, err := osexec.LookPath("zsh"); err != nil {
		t.Skip("no zsh to be asked: apt-get install zsh")
	}
	script := filepath.Join(t.TempDir(), "_contig-gpu")
	mustDo(t, os.WriteFile(script, []byte(must(t, "completion", "zsh")), 0o600))
	for line, want := range map[string][]string{
		"tr":                       {"_describe command commands", "train:train; without"},
		"train --encoder r":        {":encoder:(resnet18 resnet34 resnet50 resnet101)", "--run[run folder", ":folder:_files -/", ":images:_files"},
		"plan e":                   {"explain:memory of"},
		"plan explain --encoder r": {":encoder:("},
		"completion z":             {"1:shell:(bash fish zsh)"},
	} {
		ask := `compdef() { :; }; _arguments() { print -r -- "$@"; }; _describe() { print -r -- "_describe $@"; print -rl -- "${commands[@]}"; }
source "$1"; shift; words=(contig-gpu "$@"); CURRENT=${#words}; _contig_gpu`
		out, err := osexec.Command("zsh", append([]string{"-f", "-c", ask, "zsh", script}, strings.Fields(line)...)...).CombinedOutput()
		for _, w := range want {
			if err != nil || !strings.Contains(string(out), w) {
				t.Errorf("%s: no %q in %.600s (%v)", line, w, out, err)
			}
		}
	}
	load := `autoload -U compinit; fpath=("$1" $fpath); compinit -u -D; print -r -- $_comps[contig-gpu]`
	if out, err := osexec.Command("zsh", "-f", "-c", load, "zsh", filepath.Dir(script)).CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "_contig-gpu" {
		t.Errorf("zsh's own loader: %s (%v)", out, err)
	}
}
