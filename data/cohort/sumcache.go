package cohort

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"contig-gpu/data/input"
)

// A sumCache keeps digests of images in a file, for all images below one folder. A key is itself a digest, of an image's path
// and of how its file looks, so that the cache names neither paths nor persons and an entry is never wrong, only of no use
// any more. It saves reading and nothing else: a file that is missing, damaged or cannot be written counts as empty.
type sumCache struct {
	path  string // "": nothing is kept
	most  int    // entries beyond those in use
	sums  map[sum]sum
	used  map[sum]bool
	dirty bool
}

const (
	sumCacheHead   = "contig-gpu image digests 1\n"
	sumCacheRecord = 2 * sha256.Size // key, digest
	// sumCacheMost is how many entries are kept beyond those of the last cohort, 256 MiB: subsets of one folder's images are
	// trained on in turn, but what is of no use any more must not grow for ever.
	sumCacheMost = 1 << 22
	// sumCacheDebris is the age at which a temporary file is that of a process that died.
	sumCacheDebris = time.Hour
)

// openSumCache reads the cache in dir of the images below folder.
func openSumCache(dir, folder string) *sumCache {
	c := &sumCache{most: sumCacheMost, sums: map[sum]sum{}, used: map[sum]bool{}}
	if dir == "" {
		return c
	}
	name := sha256.Sum256([]byte(folder))
	c.path = filepath.Join(dir, hex.EncodeToString(name[:16]))
	c.read()
	return c
}

func (c *sumCache) read() {
	text, err := input.Read(c.path, 2*sumCacheMost*sumCacheRecord)
	at := len(text) - sha256.Size
	if err != nil || at < len(sumCacheHead) || !bytes.HasPrefix(text, []byte(sumCacheHead)) {
		return
	}
	if end := sha256.Sum256(text[:at]); !bytes.Equal(end[:], text[at:]) || (at-len(sumCacheHead))%sumCacheRecord != 0 {
		return
	}
	for r := range slices.Chunk(text[len(sumCacheHead):at], sumCacheRecord) {
		c.sums[sum(r)] = sum(r[sha256.Size:])
	}
}

// get may be called from several goroutines, between calls of put.
func (c *sumCache) get(key sum) (sum, bool) {
	s, ok := c.sums[key]
	return s, ok
}

func (c *sumCache) put(key, content sum) {
	c.used[key] = true
	if had, ok := c.sums[key]; !ok || had != content {
		c.sums[key], c.dirty = content, true
	}
}

// save writes the file anew where anything was added, in the order of the keys.
func (c *sumCache) save(now time.Time) {
	if c.path == "" || !c.dirty {
		return
	}
	if len(c.sums)-len(c.used) > c.most {
		maps.DeleteFunc(c.sums, func(key, _ sum) bool { return !c.used[key] })
	}
	text := []byte(sumCacheHead)
	for _, key := range slices.SortedFunc(maps.Keys(c.sums), func(a, b sum) int { return bytes.Compare(a[:], b[:]) }) {
		content := c.sums[key]
		text = append(append(text, key[:]...), content[:]...)
	}
	end := sha256.Sum256(text)
	// An error costs the next run the reading again, and nothing else.
	_ = c.replace(append(text, end[:]...), now)
}

// replace puts a file of mode 0600 in the place of the cache's, whole or not at all.
func (c *sumCache) replace(text []byte, now time.Time) error {
	dir, prefix := filepath.Dir(c.path), "."+filepath.Base(c.path)+".tmp-"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	sweep(dir, prefix, now)
	f, err := os.CreateTemp(dir, prefix)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where it was renamed there is none
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path)
}

// sweep removes temporary files of processes that died.
func sweep(dir, prefix string, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // what cannot be listed cannot be written either, which replace reports
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), prefix) && now.Sub(info.ModTime()) > sumCacheDebris {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
