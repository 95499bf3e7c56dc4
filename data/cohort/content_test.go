package cohort

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"contig-gpu/data"
)

// content returns the digest of a cohort, and fails where it cannot be had.
func content(t *testing.T, c *data.Cohort, o ContentOptions) string {
	t.Helper()
	s, err := Content(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// later is a time at which every file of the test has settled.
func later() time.Time { return time.Now().Add(time.Minute) }

// twoOf returns two persons of the training split.
func twoOf(c *data.Cohort) (a, b int) {
	var train []int
	for p := range c.Persons {
		if c.Persons[p].Split == data.Train {
			train = append(train, p)
		}
	}
	return train[0], train[1]
}

// exchange swaps all genotypes of two persons.
func (w world) exchange(a, b int) {
	for c := 1; c <= 2; c++ {
		name := fmt.Sprintf("geno/c%d.bed", c)
		bed := []byte(w.get(name))
		const stride = (people + 3) / 4
		for row := bed[3:]; len(row) > 0; row = row[stride:] {
			x, y := row[a/4]>>(2*(a%4))&3, row[b/4]>>(2*(b%4))&3
			row[a/4] ^= (x ^ y) << (2 * (a % 4))
			row[b/4] ^= (x ^ y) << (2 * (b % 4))
		}
		w.put(name, string(bed))
	}
}

// TestContentTellsDataApart: what leaves names, sizes and statistics as they are changes the content and nothing else does.
func TestContentTellsDataApart(t *testing.T) {
	w := newWorld(t)
	before := w.open()
	was := content(t, before, ContentOptions{})
	a, b := twoOf(before)
	for _, c := range []struct {
		what   string
		change func(w world)
		same   bool
	}{
		{"nothing", func(world) {}, true},
		{"times of images", func(w world) {
			for i := range people {
				if err := os.Chtimes(filepath.Join(w.dir, fmt.Sprintf("img/%dL.jpg", i)), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}, true},
		{"genotypes of two persons", func(w world) { w.exchange(a, b) }, false},
		{"a score of two persons", func(w world) {
			w.replace("pgs/PGS1.sscore", fmt.Sprintf("%s\t%d\n", person(a), a), fmt.Sprintf("%s\t%d\n", person(a), 999))
			w.replace("pgs/PGS1.sscore", fmt.Sprintf("%s\t%d\n", person(b), b), fmt.Sprintf("%s\t%d\n", person(b), a))
			w.replace("pgs/PGS1.sscore", "\t999\n", fmt.Sprintf("\t%d\n", b))
		}, false},
		{"a byte of an image", func(w world) { w.replace("img/11R.jpg", "here", "hare") }, false},
		{"two images", func(w world) { w.put("img/0L.jpg", "decoded not here") }, false},
	} {
		w := newWorld(t)
		c.change(w)
		after := w.open()
		if after.Hash != before.Hash {
			t.Errorf("%s: the hash sees it", c.what)
		}
		if is := content(t, after, ContentOptions{}); (is == was) != c.same {
			t.Errorf("%s: the same content: %t", c.what, is == was)
		}
	}
}

// TestContentOfAbsent: that nobody has a value and that it is zero are two things.
func TestContentOfAbsent(t *testing.T) {
	c := &data.Cohort{Persons: make([]data.Person, 70)}
	seen := map[string]string{}
	for what, table := range map[string]data.Table{"absent": absentTable{"a", &data.Stats{Names: []string{"x"}}}, "zero": zeros{absentTable{"a", &data.Stats{Names: []string{"x"}}}, -1},
		"zero but for the first": zeros{absentTable{"a", &data.Stats{Names: []string{"x"}}}, 0}, "zero but for the second": zeros{absentTable{"a", &data.Stats{Names: []string{"x"}}}, 1},
		"wide": absentTable{"a", &data.Stats{Names: []string{"x", "y"}}}, "other": absentTable{"b", &data.Stats{Names: []string{"x"}}}} {
		c.Tables = []data.Table{table}
		s := content(t, c, ContentOptions{})
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s are alike", what, other)
		}
		seen[s] = what
	}
}

// zeros is a table of persons who have zeros, all but one.
type zeros struct {
	absentTable
	without int
}

func (z zeros) Row(person int, dst []float32) bool {
	clear(dst)
	return person != z.without
}

// TestContentOnAnyMachine: how many processors there are changes nothing, nor does a cache that is full, or none.
func TestContentOnAnyMachine(t *testing.T) {
	c := newWorld(t).open()
	was := content(t, c, ContentOptions{})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	o := ContentOptions{CacheDir: t.TempDir(), now: later}
	for _, n := range []int{1, 2, 7, 64} {
		runtime.GOMAXPROCS(n)
		if content(t, c, ContentOptions{}) != was || content(t, c, o) != was {
			t.Errorf("%d processors give another digest", n)
		}
	}
}

// TestContentEndsEarly: where it is interrupted the cause comes back, and what was read is not read again.
func TestContentEndsEarly(t *testing.T) {
	c := newWorld(t).open()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop, at := errors.New("enough"), 0
	o := ContentOptions{CacheDir: t.TempDir(), now: later, Progress: func(done, images int) {
		if at = done; done == 3 {
			cancel(stop)
		}
	}}
	if _, err := Content(ctx, c, o); !errors.Is(err, stop) || at < 3 || at >= 2*people {
		t.Errorf("%v after %d images", err, at)
	}
	if n := len(cached(t, c, o.CacheDir).sums); n != at {
		t.Errorf("%d of %d images are kept", n, at)
	}
	if err := inParallel(ctx, 0, nil, nil); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}

// TestContentOfUnreadable: the first image that cannot be read is named, whichever is met first.
func TestContentOfUnreadable(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	for _, i := range []int{3, 4, 9} {
		if err := os.Remove(c.Images[i].Path); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Content(t.Context(), c, ContentOptions{})
	var p *data.Problem
	if !errors.As(err, &p) || p.Code != 104 || p.File != c.Images[3].Path {
		t.Errorf("%v, want E104 of %s", err, c.Images[3].Path)
	}
}

// cached returns what the only file of a cache's folder holds.
func cached(t *testing.T, c *data.Cohort, dir string) *sumCache {
	t.Helper()
	return openSumCache(dir, filepath.Dir(c.Images[0].Path))
}

// file returns the only file in a folder.
func file(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	return filepath.Join(dir, entries[0].Name())
}

// TestImagesAreReadOnce: a digest is kept, and taken for the content for as long as the file looks the same, and no longer.
func TestImagesAreReadOnce(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	dir := filepath.Join(t.TempDir(), "deep", "cache")
	o := ContentOptions{CacheDir: dir, now: later}
	was := content(t, c, o)
	kept := cached(t, c, dir)
	if len(kept.sums) != 2*people {
		t.Fatalf("%d of %d images are kept", len(kept.sums), 2*people)
	}
	// That the digests are taken shows by falsifying them all.
	for key := range kept.sums {
		kept.put(key, sum{1, 2, 3})
	}
	kept.save(later())
	if content(t, c, o) == was {
		t.Error("what is kept is not used")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	content(t, c, o)
	// One byte, of the same size, and the times of before.
	path := c.Images[5].Path
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	w.replace("img/2R.jpg", "here", "hare")
	if err := os.Chtimes(path, time.Time{}, st.ModTime()); err != nil {
		t.Fatal(err)
	}
	if content(t, c, o) == was {
		t.Error("a changed image with its old time is not read again")
	}
	w.replace("img/2R.jpg", "hare", "here")
	if content(t, c, o) != was {
		t.Error("the old bytes have another digest")
	}
}

// TestFreshImagesAreNotKept: what changed a moment ago may change again and look the same.
func TestFreshImagesAreNotKept(t *testing.T) {
	c := newWorld(t).open()
	dir := t.TempDir()
	content(t, c, ContentOptions{CacheDir: dir})
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

// TestCacheHoldsNoNames: neither ids nor paths, for its owner alone, and nothing temporary stays.
func TestCacheHoldsNoNames(t *testing.T) {
	c := newWorld(t).open()
	dir := filepath.Join(t.TempDir(), "cache")
	o := ContentOptions{CacheDir: dir, now: later}
	content(t, c, o)
	path := file(t, dir)
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode of the folder %v, %v", st.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{person(0), ".jpg", "img", filepath.Base(filepath.Dir(dir))} {
		if bytes.Contains(text, []byte(name)) || strings.Contains(filepath.Base(path), name) {
			t.Errorf("the cache names %q", name)
		}
	}
	dead, alive := filepath.Join(dir, "."+filepath.Base(path)+".tmp-1"), filepath.Join(dir, "."+filepath.Base(path)+".tmp-2")
	for _, p := range []string{dead, alive} {
		if err := os.WriteFile(p, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(dead, time.Time{}, time.Now().Add(-2*sumCacheDebris)); err != nil {
		t.Fatal(err)
	}
	kept := cached(t, c, dir)
	kept.put(sum{1}, sum{2})
	kept.save(time.Now())
	_, gone := os.Stat(dead)
	_, stays := os.Stat(alive)
	if !errors.Is(gone, fs.ErrNotExist) || stays != nil {
		t.Errorf("of a dead process: %v, of one that may live: %v", gone, stays)
	}
}

// TestDamagedCaches: whatever is wrong with the cache, the digest is the same.
func TestDamagedCaches(t *testing.T) {
	c := newWorld(t).open()
	was := content(t, c, ContentOptions{})
	flip := func(at int) func(path string) error {
		return func(path string) error {
			text, err := os.ReadFile(path)
			if err == nil {
				text[(at+len(text))%len(text)] ^= 1
				err = os.WriteFile(path, text, 0o600)
			}
			return err
		}
	}
	for what, damage := range map[string]func(path string) error{
		"cut":                 func(p string) error { return os.Truncate(p, 200) },
		"cut within the head": func(p string) error { return os.Truncate(p, 5) },
		"empty":               func(p string) error { return os.Truncate(p, 0) },
		"longer":              func(p string) error { return os.Truncate(p, 1<<20) },
		"a byte of the head":  flip(3), "a byte of a digest": flip(70), "the last byte": flip(-1),
		"a folder":  func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) },
		"no rights": func(p string) error { return os.Chmod(p, 0) },
		"a file in place of the folder": func(p string) error {
			return errors.Join(os.RemoveAll(filepath.Dir(p)), os.WriteFile(filepath.Dir(p), []byte("x"), 0o600))
		},
		"a folder that cannot be written": func(p string) error { return errors.Join(os.Remove(p), os.Chmod(filepath.Dir(p), 0o500)) },
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		o := ContentOptions{CacheDir: dir, now: later}
		content(t, c, o)
		if err := damage(file(t, dir)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if content(t, c, o) != was {
				t.Errorf("%s: another digest", what)
			}
		}
	}
}

// TestCacheIsSharedAndBounded: cohorts of one folder keep each other's digests, unless there are too many.
func TestCacheIsSharedAndBounded(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	o := ContentOptions{CacheDir: t.TempDir(), now: later}
	half := &data.Cohort{Images: c.Images[:people]}
	content(t, half, o)
	content(t, &data.Cohort{Images: c.Images[people:]}, o)
	kept := cached(t, c, o.CacheDir)
	if len(kept.sums) != 2*people {
		t.Errorf("%d of %d images are kept", len(kept.sums), 2*people)
	}
	for i, want := range []int{2*people + 1, 2*people + 2, 1} {
		kept.most = 2*people + 1
		kept.put(sum{byte(i)}, sum{8})
		kept.save(time.Now())
		kept = cached(t, c, o.CacheDir)
		if n := len(kept.sums); n != want {
			t.Errorf("%d entries are left, want %d", n, want)
		}
	}
}

func TestCommonFolder(t *testing.T) {
	for want, paths := range map[string][]string{
		"/a/b": {"/a/b/x.jpg", "/a/b/c/y.jpg"}, "/a": {"/a/bc/x", "/a/b/x"}, "/c": {"/c/b/x", "/c/bc/x"}, "/": {"/x", "/a/b"}, "": nil,
	} {
		if got := commonFolder(paths); got != want {
			t.Errorf("%q: %q, want %q", paths, got, want)
		}
	}
}

func TestContentIsHex(t *testing.T) {
	if b, err := hex.DecodeString(content(t, &data.Cohort{}, ContentOptions{})); err != nil || len(b) != 32 {
		t.Error(b, err)
	}
}
