package cohort

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"contig-gpu/data"
)

// image adds the image of a row. An image that is there already, under whatever spelling of its path, is E101.
func (r *manifestReader) image(name string, im data.Image) error {
	im.Path = r.m.pathOf(name, r.root)
	if first, dup := r.owner[im.Path]; dup {
		return r.m.twice(name, first, im)
	}
	r.owner[im.Path] = len(r.m.images)
	r.m.persons[im.Person].images = append(r.m.persons[im.Person].images, len(r.m.images))
	r.m.images = append(r.m.images, im)
	r.m.names = append(r.m.names, name)
	return nil
}

// pathOf returns where an image lies: as written, or with \ read as / where no file has it in its name.
func (m *manifest) pathOf(name, root string) string {
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return filepath.Clean(name)
		}
		return filepath.Join(root, filepath.FromSlash(name))
	}
	turned, ok := turnSlashes(name, at)
	if ok {
		m.slashed++
	}
	return at(turned)
}

// twice is the problem of an image that an earlier row has too, for another person or the same (E101).
func (m *manifest) twice(name string, first int, im data.Image) error {
	p := &data.Problem{Code: 101, File: m.path, Line: im.Line, What: fmt.Sprintf("the image %q is there twice", name), Expected: "one row an image",
		Found: fmt.Sprintf("also on line %d, for the same person", m.images[first].Line), Cause: "rows repeated", Fix: "remove one of the rows"}
	if m.names[first] != name {
		p.Found += fmt.Sprintf(", as %q", m.names[first])
	}
	if other := m.images[first].Person; other != im.Person {
		p.What = fmt.Sprintf("the image %q belongs to two persons", name)
		p.Found = strings.Replace(p.Found, "for the same person", fmt.Sprintf("for person %q", m.persons[other].id), 1)
		p.Cause = "ids or paths shifted by a row; or one file under two names, by a link"
	}
	return p
}

// shownPaths is how many missing images an error names.
const shownPaths = 5

// stat notes the size of every image's file; those that are missing or empty are E101, and so is one that two persons share
// by links. Those that a run has found broken have the size that they had, and may be gone.
func (m *manifest) stat(broken map[int]data.ManifestRow) error {
	m.sizes = make([]int64, len(m.images))
	owner := make(map[identity]int32, len(m.images))
	missing := lost{m: m, folders: map[string][]string{}}
	linked := 0
	for i, im := range m.images {
		st, err := os.Stat(im.Path)
		if row, ok := broken[i]; ok {
			m.sizes[i] = row.Size
			m.images[i].Skip = im.Skip || err != nil
			continue
		}
		if err != nil || !st.Mode().IsRegular() {
			m.sizes[i] = absent
			if err := missing.add(im, m.names[i], st, err); err != nil {
				return err
			}
			continue
		}
		m.sizes[i] = st.Size()
		id, ok := identityOf(st)
		if !ok {
			continue
		}
		first, dup := owner[id]
		if !dup {
			owner[id] = int32(i)
			continue
		}
		if m.images[first].Person != im.Person {
			if err := m.faults.Take(m.twice(m.names[i], int(first), im)); err != nil {
				return err
			}
			continue
		}
		m.faults.Warn(118, im.Path, im.Line, "the same file as the image of line "+strconv.Itoa(m.images[first].Line)+", by a link")
		linked++
	}
	if linked > 0 {
		m.notes = append(m.notes, fmt.Sprintf("W118: %s: %d images are the same file as another image of their person, by a link.", filepath.Base(m.path), linked))
	}
	if m.slashed > 0 {
		m.notes = append(m.notes, fmt.Sprintf("%s: %d paths of images have \\ between folders, as Windows does; it is read as /.", filepath.Base(m.path), m.slashed))
	}
	if missing.n == 0 || m.faults.Collects() {
		return nil
	}
	return missing.problem()
}

// lost collects images that are not there, and why.
type lost struct {
	m          *manifest
	n, line    int
	shown      []string
	cause, fix string
	folders    map[string][]string // names in folders that were looked into
}

// absent is the size of an image that is not there.
const absent = -1

// add counts an image. Where faults are collected, each is one: of the first of them it is said why.
func (l *lost) add(im data.Image, name string, st fs.FileInfo, err error) error {
	if l.n++; l.n == 1 {
		l.line = im.Line
	}
	if l.m.faults.Collects() {
		one := lost{m: &manifest{path: l.m.path, images: []data.Image{im}}, folders: l.folders, n: 1, line: im.Line, shown: []string{im.Path}}
		if l.n <= shownPaths {
			one.shown = nil
			one.show(im, name, st, err)
		}
		p := one.problem()
		p.What = "the image is not there"
		return l.m.faults.Take(p)
	}
	if len(l.shown) < shownPaths {
		l.show(im, name, st, err)
	}
	return nil
}

// show keeps an image's path, and why it is not there.
func (l *lost) show(im data.Image, name string, st fs.FileInfo, err error) {
	found := im.Path
	note, cause, fix := l.why(im.Path, name, st, err)
	if note != "" {
		found += " (" + note + ")"
	}
	l.shown = append(l.shown, found)
	if l.cause == "" {
		l.cause, l.fix = cause, fix
	}
}

// why says what is at a path, or near it, of an image that is not there, and what mistake that shows.
func (l *lost) why(path, name string, st fs.FileInfo, err error) (note, cause, fix string) {
	if what, cause, fix := oddPath(name, path); what != "" {
		return what, cause, fix
	}
	if to, linkErr := os.Readlink(path); linkErr == nil && err != nil {
		return "a link to nothing: " + to, "the files that links point to were not fetched or were moved (git annex, datalad)", "fetch them (git annex get, datalad get), or copy the files themselves"
	}
	switch {
	case err == nil && st.IsDir():
		return "a folder", "the name of the file is missing", "write the path of the image"
	case err == nil:
		return "no regular file", "a device or pipe", "copy the image into a file"
	case os.IsPermission(err):
		return "not allowed", "permissions of the file or of a folder above it", "have it made readable"
	}
	if near := l.near(path); near != "" {
		return "there is " + near, "the name is written otherwise: upper or lower case, another suffix, or another Unicode form", "write the name as the file has it"
	}
	for _, root := range []string{filepath.Dir(filepath.Dir(l.m.path)), filepath.Dir(l.m.path)} {
		for _, n := range []string{name, filepath.Base(path)} {
			if _, err := os.Stat(filepath.Join(root, n)); err == nil && !filepath.IsAbs(n) {
				return "there is " + filepath.Join(root, n), "another image root", "give --image-root, or correct the paths"
			}
		}
	}
	return "", "", ""
}

// near returns the name of a file in the same folder that differs from the path's in case, Unicode form or suffix only; "" where there is none.
func (l *lost) near(path string) string {
	dir, base := filepath.Split(path)
	names, ok := l.folders[dir]
	if !ok {
		entries, _ := os.ReadDir(dir) // of a folder that cannot be read there is nothing to say
		for _, e := range entries {
			names = append(names, e.Name())
		}
		l.folders[dir] = names
	}
	folded := func(n string) string { return strings.ToLower(norm.NFKC.String(n)) }
	stem := func(n string) string { return folded(strings.TrimSuffix(n, filepath.Ext(n))) }
	for _, common := range []func(string) string{folded, stem} {
		for _, n := range names {
			if common(n) == common(base) {
				return n
			}
		}
	}
	return ""
}

func (l *lost) problem() *data.Problem {
	p := &data.Problem{Code: 101, File: l.m.path, Line: l.line, What: fmt.Sprintf("%d of %d images are not there", l.n, len(l.m.images)),
		Expected: "files, relative to the image root", Found: "no file at " + strings.Join(l.shown, ", "),
		Cause: "another image root, or files moved or not yet copied", Fix: "give --image-root, or correct the paths"}
	if l.cause != "" {
		p.Cause, p.Fix = l.cause, l.fix
	}
	return p
}
