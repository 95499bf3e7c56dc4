package dnn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// A cache keeps the choices made by timing on one kind of GPU with one version of the library, in one file. A file
// that is damaged, or of another format, counts as absent and is written anew. Its methods take a nil cache for an empty one.
type cache struct {
	path string
	head cacheHead
	all  map[Problem]Choice
	err  error // of the last attempt to read or write the file
}

type cacheHead struct {
	Format  int    `json:"format"`
	Card    string `json:"card"`
	Arch    int    `json:"arch"`
	Library string `json:"library"`
}

// cacheFormat changes whenever what a Problem or a Choice means does.
const cacheFormat = 1

type cacheFile struct {
	cacheHead
	Plans []cachedPlan `json:"plans"`
}

type cachedPlan struct {
	Problem Problem `json:"problem"`
	Choice  Choice  `json:"choice"`
}

// openCache reads the choices for a GPU and version, as far as there are any.
func openCache(o Options, version string) *cache {
	c := &cache{head: cacheHead{cacheFormat, o.Card, o.Arch, version}, all: map[Problem]Choice{}}
	dir := o.CacheDir
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			c.err = fmt.Errorf("cuDNN: chosen plans are not kept: %w", err)
			return c
		}
		dir = filepath.Join(user, "contig-gpu", "cudnn")
	}
	order := ""
	if o.NonDeterministic {
		order = "-any-order" // each choice among its own candidates
	}
	c.path = filepath.Join(dir, fmt.Sprintf("%s-sm%d-%s%s.json", fileName(o.Card), o.Arch, version, order))
	c.all, c.err = c.read()
	return c
}

// fileName turns a GPU's name into part of a file's.
func fileName(card string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '-'
	}, card)
	return strings.Trim(s, "-")
}

// read returns the file's choices. None is no error; what cannot be read is, beside an empty set.
func (c *cache) read() (map[Problem]Choice, error) {
	all := map[Problem]Choice{}
	b, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, fmt.Errorf("cuDNN: chosen plans: %w", err)
	}
	var f cacheFile
	if err := json.Unmarshal(b, &f); err != nil {
		return all, fmt.Errorf("cuDNN: chosen plans in %s are damaged and will be timed anew: %w", c.path, err)
	}
	if f.cacheHead != c.head {
		return all, fmt.Errorf("cuDNN: chosen plans in %s are for %+v, want %+v; they will be timed anew", c.path, f.cacheHead, c.head)
	}
	for _, p := range f.Plans {
		all[p.Problem] = p.Choice
	}
	return all, nil
}

func (c *cache) get(p Problem) (Choice, bool) {
	if c == nil {
		return Choice{}, false
	}
	q, ok := c.all[p]
	return q, ok
}

// put keeps a choice, in the file too. What another process has written there meanwhile stays.
func (c *cache) put(p Problem, q Choice) {
	if c == nil {
		return
	}
	c.all[p] = q
	if c.path == "" {
		return
	}
	there, _ := c.read() // what is damaged is replaced
	for k, v := range c.all {
		there[k] = v
	}
	c.err = c.write(there)
}

// write replaces the file at once: no reader sees half of it.
func (c *cache) write(all map[Problem]Choice) error {
	f := cacheFile{cacheHead: c.head}
	for p, q := range all {
		f.Plans = append(f.Plans, cachedPlan{p, q})
	}
	slices.SortFunc(f.Plans, func(a, b cachedPlan) int { return strings.Compare(a.Problem.String(), b.Problem.String()) })
	b, err := json.MarshalIndent(f, "", " ")
	if err == nil {
		err = replaceFile(c.path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("cuDNN: chosen plans are not kept: %w", err)
	}
	return nil
}

func replaceFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
