package main

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBashCompletesValues: bash itself is asked what may follow: words of a flag, folders, files, flags, each once.
func TestBashCompletesValues(t *testing.T) {
	if _, err := osexec.LookPath("bash"); err != nil {
		t.Skip("no bash to be asked: apt-get install bash")
	}
	script := filepath.Join(t.TempDir(), "complete.sh")
	mustDo(t, os.WriteFile(script, []byte(must(t, "completion", "bash")), 0o600))
	t.Chdir("..")
	for line, want := range map[string][]string{
		"train --encoder resnet1":         {"resnet101", "resnet18"},
		"train --precision f":             {"f16", "f32", "f64"},
		"train --device c":                {"cpu", "cuda", "cuda:0"},
		"train --run contig":              {"contig-gpu"},
		"train --images contig-gpu/main":  {"contig-gpu/main.go"},
		"train --patie":                   {"--patience"},
		"ru":                              {"runs"},
		"completion f":                    {"fish"},
		"bench st":                        {"step"},
		"bench step --encod":              {"--encoder"},
		"bench step --persons":            nil, // of bench explain
		"bench loss --lamb":               {"--lambda"},
		"plan expl":                       {"explain"},
		"plan --encod":                    {"--encoder"},
		"help trai":                       {"train"},
		"report contig":                   {"contig-gpu"},
		"runs --js":                       {"--json"},
		"train --precision = bf":          {"bf16"},
		"train --images = contig-gpu/mai": {"contig-gpu/main.go"},
		"manifest --from apt":             {"aptos"},
		"compare --he":                    {"--help"},
	} {
		words := append([]string{"contig-gpu"}, strings.Fields(line)...)
		ask := `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _contig_gpu; printf '%s\n' "${COMPREPLY[@]}"`
		out, err := osexec.Command("bash", append([]string{"-c", ask, script}, words...)...).Output()
		got := strings.Fields(string(out))
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q (%v)", line, got, want, err)
		}
	}
	spaced := filepath.Join(t.TempDir(), "a folder of mine")
	mustDo(t, os.Mkdir(spaced, 0o755))
	out, err := osexec.Command("bash", "-c", `source "$0"; COMP_WORDS=(contig-gpu train --run "$1"); COMP_CWORD=3; _contig_gpu; printf '%s\n' "${#COMPREPLY[@]} ${COMPREPLY[0]}"`, script, spaced[:len(spaced)-8]).Output()
	if err != nil || strings.TrimSpace(string(out)) != "1 "+spaced {
		t.Errorf("a folder with spaces: %q (%v)", out, err)
	}
}

// TestFishCompletes: every flag has its description, and words where it has some; fish reads the script, where it is there.
func TestFishCompletes(t *testing.T) {
	script := must(t, "completion", "fish")
	for _, want := range []string{"-l encoder -x -a 'resnet18 resnet34 resnet50 resnet101' -d '", "-l run -x -a '(__fish_complete_directories)'", "-a runs -d '"} {
		if !strings.Contains(script, want) {
			t.Errorf("no %q", want)
		}
	}
	if _, err := osexec.LookPath("fish"); err != nil {
		t.Skip("no fish to read it: apt-get install fish")
	}
	if out, err := osexec.Command("fish", "--no-execute", "-c", script).CombinedOutput(); err != nil {
		t.Errorf("fish: %s", out)
	}
}

// TestCompletionIsInstalled: where the shells look, and nowhere for zsh, which has no such place.
func TestCompletionIsInstalled(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	for shell, file := range map[string]string{"bash": "bash-completion/completions/contig-gpu", "fish": "fish/completions/contig-gpu.fish"} {
		must(t, "completion", "--install", shell)
		if string(read(t, dir, file)) != must(t, "completion", shell) {
			t.Errorf("%s has not the script of %s", file, shell)
		}
	}
	if code, _, _ := exec(t, "completion", "--install", "zsh"); code != 2 {
		t.Errorf("zsh: exit code %d", code)
	}
}
