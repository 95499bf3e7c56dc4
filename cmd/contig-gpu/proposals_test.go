package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// proposal finds the commands of ours in what the program says: behind a colon, a semicolon or the word see, on a line of their own, or between backticks.
var proposal = regexp.MustCompile("(?m)(?:^ +|: |; |see |`)(contig-gpu [a-z][^\n`;]*)")

// proposals returns the commands that a text proposes, each with its words up to those that go on in prose.
func proposals(t *testing.T, text string) (out [][]string) {
	t.Helper()
	for _, m := range proposal.FindAllStringSubmatch(text, -1) {
		line := m[1]
		for _, prose := range []string{" says ", " shows "} {
			line, _, _ = strings.Cut(line, prose)
		}
		out = append(out, shellArgs(t, strings.TrimSpace(line)))
	}
	return out
}

// TestEveryProposedCommandRuns: a small tour, and each command that the verbs propose on the way, in remedies too, is run as it stands but for its size and length.
func TestEveryProposedCommandRuns(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "a folder's")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	said := must(t, "synth", "--out", "cohort", "--persons", "40", "--image-size", "32", "--snps", "20", "--pgs", "3", "--burden", "3")
	short := []string{"--max-steps", "1", "--hidden", "8", "--embedding", "8"}
	cohort := []string{"--images", "cohort/images.tsv", "--data", "cohort/data.toml"}
	said += must(t, append([]string{"check"}, cohort...)...)
	said += must(t, small("cohort", "a run", append(short, "--epochs", "1")...)...)
	for _, wrong := range [][]string{
		append([]string{"train", "--run", "none", "--resume"}, cohort...),
		append([]string{"train", "--epochs", "100000000", "--run", "slow"}, small("cohort", "x")[1:]...),
		{"train", "--device", "gpu"}, {"embed", "--run", "a run"}, {"explain"}, {"gwas"}, {"probe"}, {"pgs"}, {"trian"},
		append([]string{"embed", "--run", "none", "--out", "none-embedding"}, cohort...),
		{"export", "--run", "none", "--out", "file"},
	} {
		code, out, errs := exec(t, wrong...)
		if code == 0 {
			t.Errorf("%v is no mistake", wrong)
		}
		said += out + errs
	}
	var verbs []string
	for i, words := range proposals(t, said) {
		verbs = append(verbs, words[0])
		if words[0] == "train" && !slices.Contains(words, "--help") {
			words = append(words, append(short, "--run", filepath.Join("proposed", strconv.Itoa(i)))...)
		}
		if code, _, errs := exec(t, words...); code != 0 {
			t.Errorf("%q: exit code %d, %s", words, code, errs)
		}
	}
	for _, verb := range []string{"train", "embed", "doctor", "explain", "gwas", "probe", "pgs"} {
		if !slices.Contains(verbs, verb) {
			t.Errorf("nothing proposes %s: %q", verb, verbs)
		}
	}
}
