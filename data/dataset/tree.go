package dataset

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"contig-gpu/data/table"
)

// A file is one of those below a folder.
type file struct {
	path  string   // to open
	rel   string   // below the folder, with slashes
	parts []string // names of the folders on the way, %20 and the like read as mirrors mean them
	stem  string   // without ending
	ext   string   // in lower case
}

// list returns the files below a folder in the order of their names, whatever the file system's. Links are followed, but not one that leads to a folder above it. What systems leave (.DS_Store, __MACOSX, ._name) is passed over.
func list(dir string) ([]file, error) {
	var out []file
	var above []fs.FileInfo // the folders that are being visited
	var visit func(at, rel string, parts []string) error
	visit = func(at, rel string, parts []string) error {
		here, err := os.Stat(at)
		if err != nil {
			return table.Unreadable(at, err)
		}
		if slices.ContainsFunc(above, func(f fs.FileInfo) bool { return os.SameFile(f, here) }) {
			return nil
		}
		above = append(above, here)
		defer func() { above = above[:len(above)-1] }()
		entries, err := os.ReadDir(at)
		if err != nil {
			return table.Unreadable(at, err)
		}
		for _, e := range entries {
			name := e.Name()
			if strings.HasPrefix(name, ".") || name == "__MACOSX" {
				continue
			}
			where, below := filepath.Join(at, name), path.Join(rel, name)
			st, err := os.Stat(where)
			switch {
			case err != nil:
				return table.Unreadable(where, err)
			case st.IsDir():
				if err := visit(where, below, append(slices.Clone(parts), plain(name))); err != nil {
					return err
				}
			case st.Mode().IsRegular():
				ext := filepath.Ext(name)
				out = append(out, file{where, below, parts, strings.TrimSuffix(plain(name), ext), strings.ToLower(ext)})
			}
		}
		return nil
	}
	return out, visit(dir, "", nil)
}

// plain is a name without the escapes of an address.
func plain(name string) string {
	if p, err := url.PathUnescape(name); err == nil {
		return p
	}
	return name
}

func (f file) isImage() bool { return f.ext == ".jpg" || f.ext == ".jpeg" || f.ext == ".png" }

func (f file) isOtherImage() bool {
	return slices.Contains([]string{".tif", ".tiff", ".bmp", ".ppm", ".gif", ".webp", ".jp2", ".dcm"}, f.ext)
}

func (f file) isTable() bool { return slices.Contains([]string{".csv", ".tsv", ".txt"}, f.ext) }

// isMask says whether a file lies below a folder of masks.
func (f file) isMask() bool {
	return slices.ContainsFunc(f.parts, func(p string) bool {
		p = strings.ToLower(p)
		return strings.Contains(p, "mask") || strings.Contains(p, "groundtruth")
	})
}

// in says whether one of the folders on the way has a word in its name, in any case.
func (f file) in(word string) bool {
	return slices.ContainsFunc(f.parts, func(p string) bool { return strings.Contains(strings.ToLower(p), word) })
}

// splitOf is the split that a name stands for, "" where it stands for none. Words count whole: latest is no test.
func splitOf(name string) string {
	m := regexp.MustCompile(`(?:^|[^a-z])(train|training|val|valid|validation|validating|eval|evaluation|test|testing)(?:[^a-z]|$)`).FindStringSubmatch(strings.ToLower(name))
	switch {
	case m == nil:
		return ""
	case strings.HasPrefix(m[1], "train"):
		return train
	case strings.HasPrefix(m[1], "test"):
		return test
	}
	return validation
}

// split is the split of the innermost folder that says one.
func (f file) split() string {
	for _, p := range slices.Backward(f.parts) {
		if s := splitOf(p); s != "" {
			return s
		}
	}
	return ""
}
