package cohort

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// imageSums digests the files of the images, in their order. What was read is kept even where ctx ends it early.
func imageSums(ctx context.Context, images []data.Image, o ContentOptions) ([]sum, error) {
	paths := make([]string, len(images))
	for i, im := range images {
		path, err := filepath.Abs(im.Path)
		if err != nil {
			return nil, table.Unreadable(im.Path, err)
		}
		paths[i] = path
	}
	if o.now == nil {
		o.now = time.Now
	}
	kept := openSumCache(o.CacheDir, commonFolder(paths))
	sums, keys := make([]sum, len(paths)), make([]sum, len(paths))
	known := make([]bool, len(paths)) // that keys[i] stands for sums[i], now and later
	err := inParallel(ctx, len(paths), func(i int) (err error) {
		if d, ok := digestOf(images[i]); ok {
			sums[i], images[i].Digest = d, images[i].Known
			return nil
		}
		sums[i], keys[i], known[i], err = imageSum(paths[i], kept, o.now())
		images[i].Digest = hex.EncodeToString(sums[i][:])
		return err
	}, func(done int) {
		if o.Progress != nil {
			o.Progress(done, len(paths))
		}
	})
	for i, key := range keys {
		if known[i] {
			kept.put(key, sums[i])
		}
	}
	kept.save(o.now())
	return sums, err
}

// digestOf returns the digest that stands for a file, where there is one.
func digestOf(im data.Image) (d sum, ok bool) {
	n, err := hex.Decode(d[:], []byte(im.Known[:min(len(im.Known), 2*len(d))]))
	return d, err == nil && n == len(d)
}

// settled is how long ago a file must have changed before its digest is kept: one that changes again within a tick of the
// file system's clock looks unchanged. FAT's tick is the longest, 2 s.
const settled = 2 * time.Second

// imageSum returns the digest of a file: what is kept under its key, or else of what is read. known says that the key will
// stand for this digest for as long as the file looks the same.
func imageSum(path string, kept *sumCache, now time.Time) (content, key sum, known bool, err error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return content, key, false, table.Unreadable(path, err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return content, key, false, table.Unreadable(path, err)
	}
	look, changed, ok := lookOf(before)
	key = sha256.Sum256(fmt.Appendf(nil, "%s\x00%s", path, look))
	if content, known := kept.get(key); known && ok {
		return content, key, true, nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return content, key, false, table.Unreadable(path, err)
	}
	h.Sum(content[:0])
	after, err := f.Stat()
	if err != nil {
		return content, key, false, table.Unreadable(path, err)
	}
	lookAfter, _, _ := lookOf(after)
	return content, key, ok && look == lookAfter && changed.Before(now.Add(-settled)), nil
}

// commonFolder returns the innermost folder that all of the absolute paths are below.
func commonFolder(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	dir := filepath.Dir(paths[0])
	for _, p := range paths {
		for !strings.HasPrefix(p, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator)) {
			dir = filepath.Dir(dir)
		}
	}
	return dir
}
