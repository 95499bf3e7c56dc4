package arch

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents are what is held to the files that there are. What CHANGELOG.md says was so once.
func documents(t *testing.T) []string {
	t.Helper()
	docs := []string{"README.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		more, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(more) == 0 {
			t.Fatalf("%s: %v, %v", pattern, more, err)
		}
		for _, m := range more {
			rel, _ := filepath.Rel(root, m)
			docs = append(docs, filepath.ToSlash(rel))
		}
	}
	return docs
}

var (
	link       = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	inFolder   = regexp.MustCompile(`(?:^|[\s("'\x60\[])((?:cmd|kernels|gpu|model|data|docs|scripts|\.ci)/[\w.*<>/-]*)`)
	sourceFile = regexp.MustCompile(`(?:^|[\s("'\x60\[])([\w*<>-]+\.(?:go|cu|cuh|sh|py|sbatch))\b`)
	hole       = regexp.MustCompile(`<\w+>`)
)

// repository returns the module's files and folders, and the names of the files.
func repository(t *testing.T) (paths, names map[string]bool) {
	t.Helper()
	paths, names = map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "build" && filepath.Dir(p) == filepath.Clean(root)) {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(root, p)
		paths[filepath.ToSlash(rel)] = true
		if !d.IsDir() {
			names[d.Name()] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths, names
}

// matches reports whether a path, in which * and <name> stand for anything, is one of all.
func matches(all map[string]bool, want string) bool {
	want = strings.TrimRight(hole.ReplaceAllString(want, "*"), "./")
	if all[want] {
		return true
	}
	for have := range all {
		if ok, _ := path.Match(want, have); ok {
			return true
		}
	}
	return false
}

// missing returns the words of a document that look like files and folders of the project and are none.
func missing(paths, names map[string]bool, doc, text string) []string {
	var bad []string
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if !paths[path.Join(path.Dir(doc), m[1])] {
			bad = append(bad, m[1])
		}
	}
	for _, m := range inFolder.FindAllStringSubmatch(link.ReplaceAllString(text, "] "), -1) {
		if !matches(paths, m[1]) {
			bad = append(bad, m[1])
		}
	}
	for _, m := range sourceFile.FindAllStringSubmatch(text, -1) {
		if !matches(names, m[1]) {
			bad = append(bad, m[1])
		}
	}
	return bad
}

// TestDocumentsNameWhatIsThere: a path of this project in a document is one that there is.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	paths, names := repository(t)
	for _, doc := range documents(t) {
		text, err := os.ReadFile(filepath.Join(root, doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range missing(paths, names, doc, string(text)) {
			t.Errorf("%s names %s, which is not there", doc, word)
		}
	}
}

// TestMissingIsFound: which words are taken for paths.
func TestMissingIsFound(t *testing.T) {
	paths := map[string]bool{"gpu": true, "gpu/op_conv.go": true, "docs": true, "docs/step.md": true, "README.md": true}
	names := map[string]bool{"op_conv.go": true, "step.md": true}
	for text, want := range map[string]int{
		"see gpu/op_conv.go.": 0, "`gpu/`": 0, "gpu/op_<name>.go": 0, "gpu/op_*.go": 0, "op_conv.go": 0, "[s](step.md)": 0, "[r](../README.md)": 0,
		"[s](step.md#path)": 0, "https://gpu/x.html": 0, "a.safetensors": 0,
		"gpu/op_pool.go": 1, "`gpu/none`": 1, "op_pool.go": 1, "[s](gone.md)": 1, "(docs/gone.md)": 1, "gpu/old_*.go": 1,
	} {
		if bad := missing(paths, names, "docs/a.md", text); (len(bad) > 0) != (want > 0) {
			t.Errorf("%q: %q", text, bad)
		}
	}
}
