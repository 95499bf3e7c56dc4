package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
)

// A Target is a folder that is to be made.
type Target struct {
	Dir       string
	Kind      Kind
	Overwrite bool        // one of the same kind may be replaced
	Inputs    []string    // what is read meanwhile: neither it nor what it lies in is replaced; "" is none
	Mode      fs.FileMode // of the folder, less the umask; 0: 0755
}

// Check tells whether the folder may be made, before any work: it is missing or empty, or Overwrite and ours. E130 where something
// stands there, E132 where another process writes to it, E133 where it may not be replaced whatever it holds: it is or holds the
// working folder, the home folder or an input, or is the root; E134 where Overwrite would remove what this program has not made.
func (t Target) Check() error {
	dir, err := t.resolve()
	if err != nil {
		return err
	}
	return t.check(dir)
}

// resolve returns the folder as an absolute path without links.
func (t Target) resolve() (string, error) {
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return "", unwritable(t.Dir, err)
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	return dir, nil
}

func (t Target) check(dir string) error {
	st, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unwritable(t.Dir, err)
	}
	if !st.IsDir() {
		return occupied(t.Dir, "this is not a folder", "a file", "name another folder", nil)
	}
	if err := t.protected(dir, st); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return occupied(t.Dir, "this is not a folder that can be read", "something else", "name another folder", err)
	}
	if err := inUse(dir, flock); err != nil {
		return err
	}
	return t.ours(dir, entries)
}

// ours is nil where dir is empty, but for what killed processes leave of themselves, or holds a folder of the kind and nothing else,
// and may be replaced.
func (t Target) ours(dir string, entries []fs.DirEntry) error {
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return passing(e.Name()) })
	if len(entries) == 0 {
		return nil
	}
	m, marked := readMark(dir)
	f, known := forms()[t.Kind]
	mine := marked && m.Kind == t.Kind || !marked && known && f.in(dir)
	switch {
	case !t.Overwrite && t.Kind == Run && mine: // whether it may be begun anew is for the training to say
		return nil
	case !t.Overwrite:
		return occupied(t.Dir, "the folder is not empty", fmt.Sprintf("%d entries, %q first", len(entries), entries[0].Name()),
			"name another folder, or give --overwrite to replace what this program has made", nil)
	case marked && !mine:
		return t.foreign("the folder holds something else", fmt.Sprintf("a folder of kind %q", m.Kind))
	}
	var strange []string
	err := eachFile(dir, func(name string, _ fs.DirEntry) error {
		if first, _, _ := strings.Cut(name, "/"); passing(first) {
			return nil
		}
		if _, listed := m.Files[name]; !listed && name != MarkName && (m.Files != nil || !f.has(name)) {
			strange = append(strange, fmt.Sprintf("%q", name))
		}
		return nil
	})
	if err != nil {
		return unwritable(t.Dir, err)
	}
	if !mine && len(strange) == 0 {
		return t.foreign("the folder was not made by this program, or was not made whole", fmt.Sprintf("%d entries, %q first", len(entries), entries[0].Name()))
	}
	if len(strange) > 0 {
		return t.foreign("the folder holds what this program has not made", shortList(strange))
	}
	return nil
}

// passing reports whether a name in a folder is nobody's work: what killed processes leave of themselves, and what file systems have
// in their roots.
func passing(name string) bool {
	return name == lockName || name == "lost+found" || strings.HasPrefix(name, insidePrefix)
}

// shownNames is how many names of files an error has.
const shownNames = 5

func shortList(names []string) string {
	text := strings.Join(names[:min(len(names), shownNames)], ", ")
	if n := len(names) - shownNames; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func (t Target) foreign(what, found string) error {
	return &data.Problem{Code: codeForeign, File: t.Dir, What: what, Expected: fmt.Sprintf("a new or empty folder, or the %s that is to be replaced", t.Kind), Found: found,
		Cause: "the wrong folder, files that were put there since, or a folder of an early version", Fix: "name another folder, or move those files away; nothing was changed"}
}

// protected is E133 where dir is the root, or is or holds a folder or file that must stay.
func (t Target) protected(dir string, st fs.FileInfo) error {
	refuse := func(what string) error {
		return &data.Problem{Code: codeProtected, File: t.Dir, What: "this folder is never replaced or filled: it is or holds " + what, Expected: "a folder of its own for the " + string(t.Kind),
			Cause: "the wrong folder", Fix: "name another folder, a new one below it for example"}
	}
	if filepath.Dir(dir) == dir {
		return refuse("the root of all folders")
	}
	type kept struct{ path, what string }
	here, _ := os.Getwd()
	all := []kept{{here, "the working folder"}, {".", "the working folder"}}
	if home, err := os.UserHomeDir(); err == nil {
		all = append(all, kept{home, "the home folder"})
	}
	for _, in := range t.Inputs {
		if in != "" {
			all = append(all, kept{in, fmt.Sprintf("what is read: %q", in)})
		}
	}
	for _, k := range all {
		if k.path != "" && holds(dir, st, k.path) {
			return refuse(k.what)
		}
	}
	return nil
}

// holds reports whether path is the folder dir or lies in it, as it is written or by the links on its way.
func holds(dir string, st fs.FileInfo, path string) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	ways := []string{abs}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil && resolved != abs {
		ways = append(ways, resolved)
	}
	return slices.ContainsFunc(ways, func(at string) bool {
		for {
			if other, err := os.Stat(at); at == dir || err == nil && os.SameFile(st, other) {
				return true
			}
			up := filepath.Dir(at)
			if up == at {
				return false
			}
			at = up
		}
	})
}
