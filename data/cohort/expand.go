package cohort

import (
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/data"
)

// Expand returns the paths that a word of a command line stands for: {1..22} and {a,b} as in data.toml, and with glob the files that match *, ? and [a-z] in
// their order. One that matches nothing is E116.
func Expand(word string, glob bool) ([]string, error) {
	nothing := func(found string) error {
		return &data.Problem{Code: 116, What: fmt.Sprintf("no file matches %q", word), Expected: "at least one file", Found: found,
			Cause: "the pattern is relative to the working folder", Fix: "correct the pattern, and put it in quotes so that the shell leaves it alone"}
	}
	paths, ok := []string(nil), len(word) <= longestPath
	if ok {
		paths, ok = braces(word)
	}
	if !ok {
		return nil, nothing(fmt.Sprintf("a pattern of more than %d paths, or %d bytes", mostPaths, longestPath))
	}
	var out []string
	for _, p := range paths {
		if _, err := os.Lstat(p); !glob || err == nil {
			out = append(out, p)
			continue
		}
		found, err := filepath.Glob(p)
		if err != nil || len(found) == 0 {
			return nil, nothing("none in " + filepath.Dir(p))
		}
		out = append(out, found...)
	}
	return out, nil
}
