package cohort

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"contig-gpu/data"
)

// resolve makes a path of the file relative to its folder.
func (c *config) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), filepath.FromSlash(path))
}

// A pathAt is a path of data.toml and where it stands.
type pathAt struct {
	section, key string
	path         *string
}

// paths returns all paths that the file names.
func (c *config) paths() []pathAt {
	var out []pathAt
	add := func(section, key string, list ...*string) {
		for _, p := range list {
			if *p != "" {
				out = append(out, pathAt{section, key, p})
			}
		}
	}
	each := func(l pathList) []*string {
		var out []*string
		for i := range l {
			out = append(out, &l[i])
		}
		return out
	}
	add(idsSection, "keep", each(c.IDs.Keep)...)
	add(idsSection, "remove", each(c.IDs.Remove)...)
	add(idsSection, "map", &c.IDs.Map)
	for i := range c.targets {
		add(targetSection+"."+c.targets[i].Name, "labels", &c.targets[i].Labels)
	}
	for i := range c.sources {
		switch s := &c.sources[i]; {
		case s.files != nil:
			add(s.name, "files", each(s.files.Files)...)
			add(s.name, "extract", &s.files.Extract)
			add(s.name, "panel", &s.files.Panel)
			add(s.name, "bed", &s.files.Bed)
			add(s.name, "sample", &s.files.Sample)
		case s.score != nil:
			add(s.name, "sscore", each(s.score.SScore)...)
		case s.pgs != nil:
			add(s.name, "scores", each(s.pgs.Scores)...)
			add(s.name, "genotypes", each(s.pgs.Genotypes)...)
		case s.masks != nil:
			add(s.name, "masks", each(s.masks.Masks)...)
		default:
			add(s.name, "table", &s.wide.Table)
			add(s.name, "ids", &s.wide.IDs)
			add(s.name, "names", &s.wide.NamesFile)
		}
	}
	return out
}

// checkPaths refuses what cannot be the path of a file (E114), and reads \ as / where no file has it in its name.
func (c *config) checkPaths() error {
	slashed := 0
	for _, p := range c.paths() {
		if what, cause, fix := oddPath(*p.path, c.resolve(*p.path)); what != "" {
			odd := &data.Problem{Code: 114, File: c.path, Line: c.line(p.section, p.key), What: p.key + ": " + what, Expected: "the path of a file on this machine",
				Found: fmt.Sprintf("%q", *p.path), Cause: cause, Fix: fix}
			if err := c.faults.Take(odd); err != nil {
				return err
			}
			continue
		}
		if turned, ok := turnSlashes(*p.path, c.resolve); ok {
			*p.path = turned
			slashed++
		}
	}
	if slashed > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%s: %d paths have \\ between folders, as Windows does; it is read as /.", filepath.Base(c.path), slashed))
	}
	return nil
}

// turnSlashes returns a path with \ turned into /, and whether it is to be read so: it has any, and no file has this very name.
func turnSlashes(path string, resolve func(string) string) (string, bool) {
	if os.PathSeparator == '\\' || !strings.Contains(path, `\`) {
		return path, false
	}
	if _, err := os.Lstat(resolve(path)); err == nil {
		return path, false
	}
	return strings.ReplaceAll(path, `\`, "/"), true
}

// oddPath says what is wrong with a path that can name no file here, by its form alone; where there is a file at it, nothing is.
func oddPath(path, at string) (what, cause, fix string) {
	odd := strings.IndexFunc(path, unicode.IsControl)
	windows := regexp.MustCompile(`^[A-Za-z]:[\\/]`).MatchString(path) && os.PathSeparator == '/'
	url := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:/`).MatchString(path) && !windows
	home := strings.HasPrefix(path, "~") || strings.HasPrefix(path, "$") || strings.HasPrefix(path, "%")
	share := strings.HasPrefix(path, `\\`) && os.PathSeparator == '/'
	space := strings.TrimSpace(path) != path
	if odd < 0 && !windows && !url && !home && !share && !space {
		return "", "", ""
	}
	if _, err := os.Lstat(at); err == nil {
		return "", "", ""
	}
	switch {
	case odd >= 0:
		return "the path holds " + controlName(path[odd]), `a backslash in double quotes: "\t" is a tab, "\n" the end of a line`, `write / between folders, or single quotes: 'data\traits.tsv'`
	case windows:
		return "this is a path of Windows, and the machine has no drive " + path[:2], "a file list made on another machine", "write the path of this machine (under WSL /mnt/" + strings.ToLower(path[:1]) + "/...)"
	case share:
		return "this is a network path of Windows", "a file list made on another machine", "write where the share is mounted on this machine"
	case url:
		return "this is an address and no path", "files are read from disk only", "fetch the file, and name the copy"
	case home:
		return "~ and variables are not replaced in paths", "they are the shell's", "write the path in full"
	}
	return "the path begins or ends with white space", "copied with a space too many", "remove it"
}

func controlName(c byte) string {
	switch c {
	case '\t':
		return "a tab"
	case '\n', '\r':
		return "the end of a line"
	case '\b':
		return "a backspace"
	}
	return fmt.Sprintf("the control character %q", c)
}

// badEscape completes the problem of a line in which a backslash in double quotes is at fault: to TOML it begins an escape.
func (c *config) badEscape(p *data.Problem) {
	lines := strings.Split(c.text, "\n")
	if p.Line < 1 || p.Line > len(lines) || !regexp.MustCompile(`"[^"]*\\`).MatchString(lines[p.Line-1]) {
		return
	}
	p.Cause = "a backslash in double quotes: TOML takes it for the beginning of an escape such as \\t or \\U0001F600"
	p.Fix = `write / between folders, or single quotes: 'C:\data\traits.tsv'`
}

// expand resolves paths with {1..22} or {1..22,X} in them, and with * where glob is set. One that is nowhere is E116.
func (c *config) expand(list pathList, section string, glob bool) ([]string, error) {
	var out []string
	for _, p := range list {
		var paths []string
		ok := len(p) <= longestPath
		if ok {
			paths, ok = braces(p)
		}
		if !ok || len(out)+len(paths) > mostPaths {
			return nil, c.bad(section, "", fmt.Sprintf("%.200q stands for more than %d paths, or is longer than %d bytes", p, mostPaths, longestPath), fmt.Sprintf("at most %d", mostPaths), "a range too long")
		}
		for _, one := range paths {
			at := c.resolve(one)
			if _, err := os.Lstat(at); !glob || err == nil {
				out = append(out, at)
				continue
			}
			found, err := filepath.Glob(c.pattern(one))
			if err != nil || len(found) == 0 {
				return nil, c.noMatch(p, section, filepath.Dir(at), err)
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

// pattern is resolve, of a pattern: the folder of the file is no part of it.
func (c *config) pattern(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(data.Literal(filepath.Dir(c.path)), filepath.FromSlash(p))
}

// longestPath is the most bytes of a path with braces: Linux takes no path that is longer.
const longestPath = 4096

func (c *config) noMatch(pattern, section, dir string, err error) error {
	p := &data.Problem{Code: 116, File: c.path, Line: c.line(section, ""), What: fmt.Sprintf("no file matches %q in [%s]", pattern, section), Expected: "at least one file",
		Found: "none in " + dir, Err: err, Cause: "the pattern is relative to the folder of data.toml", Fix: "correct the pattern"}
	if _, err := os.Stat(dir); err != nil {
		p.Found = "no folder " + dir
	}
	return p
}
