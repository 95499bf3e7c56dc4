package dnn

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// A cache keeps the plans that were chosen by timing on one kind of GPU with one version of the library: a folder with a file for
// each Problem. A file that is damaged, or of another format, counts as absent and is written anew. Its methods take a nil
// cache for an empty one.
type cache struct {
	folder string
	head   cacheHead
	err    error // of the last attempt to read or write a file
}

type cacheHead struct {
	Format  int    `json:"format"`
	GPU     string `json:"gpu"`
	Arch    int    `json:"arch"`
	Library string `json:"library"`
}

// cacheFormat changes whenever what a Problem or a Choice means does.
const cacheFormat = 3

// A Saved plan is a choice and, where the library could write it, the plan itself: JSON, with its machine code if it was compiled at
// run time, so that nothing is compiled again.
type Saved struct {
	Choice
	Plan string `json:"plan,omitempty"`
}

// A cacheFile is what is kept of a Problem.
type cacheFile struct {
	cacheHead
	Problem Problem `json:"problem"`
	Saved
}

// openCache finds the folder for a GPU and version. Nothing is read before it is asked for.
func openCache(o Options, version string) *cache {
	c := &cache{head: cacheHead{cacheFormat, o.GPU, o.Arch, version}}
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
	c.folder = filepath.Join(dir, fmt.Sprintf("%s-sm%d-%s%s", fileName(o.GPU), o.Arch, version, order))
	return c
}

// fileName turns a GPU's name into part of a file's.
func fileName(gpu string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '-'
	}, gpu)
	return strings.Trim(s, "-")
}

// file is the name of a Problem's file, in a cache and in a Pack.
func (p Problem) file() string {
	digest := sha256.Sum256([]byte(p.String()))
	return fmt.Sprintf("%s-%x.json", fileName(p.Op.String()), digest[:8])
}

func (c *cache) path(p Problem) string { return filepath.Join(c.folder, p.file()) }

// get returns what is kept of a Problem. What cannot be read counts as absent, and c.err says why.
func (c *cache) get(p Problem) (Saved, bool) {
	if c == nil || c.folder == "" {
		return Saved{}, false
	}
	b, err := os.ReadFile(c.path(p))
	if errors.Is(err, fs.ErrNotExist) {
		return Saved{}, false
	}
	var f cacheFile
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	switch {
	case err != nil:
		c.err = fmt.Errorf("cuDNN: the chosen plan in %s cannot be read and will be timed anew: %w", c.path(p), err)
	case f.cacheHead != c.head || f.Problem != p:
		c.err = fmt.Errorf("cuDNN: the chosen plan in %s is for %s on %+v, want %s on %+v; it will be timed anew", c.path(p), f.Problem, f.cacheHead, p, c.head)
	default:
		return f.Saved, true
	}
	return Saved{}, false
}

// put keeps a plan in the place of another. The file appears at once: no reader sees half of it.
func (c *cache) put(p Problem, s Saved) {
	if c == nil || c.folder == "" {
		return
	}
	b, err := json.MarshalIndent(cacheFile{c.head, p, s}, "", " ")
	if err == nil {
		err = replaceFile(c.path(p), append(b, '\n'))
	}
	if err != nil {
		c.err = fmt.Errorf("cuDNN: chosen plans are not kept: %w", err)
	}
}

// first keeps a plan unless another process has kept one in the meantime, as ranks that start together on the GPUs of a host do, and returns what is
// kept: all of them compute by that, now and when they go on.
func (c *cache) first(p Problem, s Saved) Saved {
	if c == nil || c.folder == "" {
		return s
	}
	b, err := json.MarshalIndent(cacheFile{c.head, p, s}, "", " ")
	if err == nil && newFile(c.path(p), append(b, '\n')) == nil {
		return s
	}
	if theirs, kept := c.get(p); kept {
		return theirs
	}
	c.put(p, s)
	return s
}

// A note is what a training has found out on a kind of GPU with a version of the library, and would find out again: kept beside the plans, and
// as they are.
type note struct {
	cacheHead
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// notePath is the name of a note's file.
func (c *cache) notePath(kind, key string) string {
	digest := sha256.Sum256([]byte(key))
	return filepath.Join(c.folder, fmt.Sprintf("%s-%x.json", fileName(kind), digest[:8]))
}

// recall returns what is kept of a key; nil: nothing is.
func (c *cache) recall(kind, key string) []byte {
	if c == nil || c.folder == "" {
		return nil
	}
	path := c.notePath(kind, key)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var n note
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	switch {
	case err != nil:
		c.err = fmt.Errorf("cuDNN: %s cannot be read and will be written anew: %w", path, err)
	case n.cacheHead == c.head && n.Key == key:
		return n.Value
	}
	return nil
}

// remember keeps a value, which is JSON.
func (c *cache) remember(kind, key string, value []byte) {
	if c == nil || c.folder == "" {
		return
	}
	b, err := json.MarshalIndent(note{c.head, key, value}, "", " ")
	if err == nil {
		err = replaceFile(c.notePath(kind, key), append(b, '\n'))
	}
	if err != nil {
		c.err = fmt.Errorf("cuDNN: %s is not kept: %w", kind, err)
	}
}

// times returns the milliseconds of the ways to compute a Problem, as keepTimes kept them, 0 where a way is none; nil: none are kept.
func (c *cache) times(p Problem) (ms []float64) {
	if json.Unmarshal(c.recall(waysOf(p), p.String()), &ms) != nil {
		return nil
	}
	return ms
}

// keepTimes keeps times unless another process has kept as many in the meantime, and returns those that are kept: see first.
func (c *cache) keepTimes(p Problem, ms []float64) []float64 {
	text, err := json.Marshal(ms)
	if err != nil || c == nil || c.folder == "" {
		return ms
	}
	b, err := json.MarshalIndent(note{c.head, p.String(), text}, "", " ")
	if err == nil && newFile(c.notePath(waysOf(p), p.String()), append(b, '\n')) == nil {
		return ms
	}
	if theirs := c.times(p); len(theirs) == len(ms) {
		return theirs
	}
	c.remember(waysOf(p), p.String(), text)
	return ms
}

// waysOf is what times are kept as.
func waysOf(p Problem) string { return "ways of " + p.Op.String() }

// replaceFile writes a file, which appears at once, in the place of any other.
func replaceFile(path string, content []byte) error { return placeFile(path, content, os.Rename) }

// newFile is replaceFile where there is no such file yet; else, or where the file system has no links, it is an error.
func newFile(path string, content []byte) error { return placeFile(path, content, os.Link) }

// placeFile writes content beside path and puts it there by a call.
func placeFile(path string, content []byte, put func(from, to string) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = put(f.Name(), path)
	}
	os.Remove(f.Name()) // after Rename there is none
	return err
}
