package loader

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"contig-gpu/data"
)

// odd is a modality that every third person lacks.
type odd struct{ width int }

func (o odd) Name() string       { return "odd" }
func (o odd) Stats() *data.Stats { return &data.Stats{Names: make([]string, o.width)} }
func (o odd) Has(p int) bool     { return p%3 != 0 }
func (o odd) Row(p int, dst []float32) bool {
	for i := range dst {
		dst[i] = 0
		if o.Has(p) {
			dst[i] = float32(100*p + i)
		}
	}
	return o.Has(p)
}

// people makes a cohort of persons with per images each; all of one split but every fifth, which is of
// validation; pairs of neighbours share a group.
func people(t testing.TB, persons, per int) *data.Cohort {
	dir := t.TempDir()
	c := &data.Cohort{Tables: []data.Table{odd{3}, odd{5}}}
	for p := range persons {
		who := data.Person{ID: fmt.Sprint("P", p), Group: p / 2}
		if p%10 >= 8 {
			who.Split = data.Validation
		}
		for e := range per {
			path := filepath.Join(dir, fmt.Sprintf("%d_%d.png", p, e))
			paint(t, path, uint8(p), uint8(e))
			who.Images = append(who.Images, len(c.Images))
			c.Images = append(c.Images, data.Image{Path: path, Person: p})
		}
		c.Persons = append(c.Persons, who)
	}
	return c
}

func paint(t testing.TB, path string, r, g uint8) {
	m := image.NewNRGBA(image.Rect(0, 0, 20, 16))
	for i := range 20 * 16 {
		m.SetNRGBA(i%20, i/20, color.NRGBA{r, g, uint8(i), 255})
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, c *data.Cohort, o Options) data.Source {
	t.Helper()
	s, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// clone copies a batch out of the source's memory.
func clone(b data.Batch) data.Batch {
	b.Image, b.Person, b.Group, b.Index = slices.Clone(b.Image), slices.Clone(b.Person), slices.Clone(b.Group), slices.Clone(b.Index)
	b.Pixels, b.Geometry, b.Colour = slices.Clone(b.Pixels), slices.Clone(b.Geometry), slices.Clone(b.Colour)
	b.Tables, b.Present = slices.Clone(b.Tables), slices.Clone(b.Present)
	for m := range b.Tables {
		b.Tables[m] = slices.Clone(b.Tables[m])
	}
	for m := range b.Present {
		b.Present[m] = slices.Clone(b.Present[m])
	}
	return b
}

func epoch(t testing.TB, s data.Source, number, skip int) []data.Batch {
	t.Helper()
	if err := s.Reset(number, skip); err != nil {
		t.Fatal(err)
	}
	var out []data.Batch
	for {
		var b data.Batch
		err := s.Next(&b)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, clone(b))
	}
}

func same(a, b []data.Batch) bool {
	return slices.EqualFunc(a, b, func(x, y data.Batch) bool {
		tables := slices.EqualFunc(x.Tables, y.Tables, slices.Equal[[]float32]) && slices.EqualFunc(x.Present, y.Present, slices.Equal[[]uint8])
		raw := slices.Equal(x.Pixels, y.Pixels) && slices.Equal(x.Geometry, y.Geometry) && slices.Equal(x.Colour, y.Colour)
		return tables && raw && x.N == y.N && slices.Equal(x.Image, y.Image) && slices.Equal(x.Person, y.Person) &&
			slices.Equal(x.Group, y.Group) && slices.Equal(x.Index, y.Index)
	})
}

// varied is an augmentation by everything.
func varied() data.Augmentation {
	return data.Augmentation{CropScale: .5, FlipHorizontal: .5, FlipVertical: .3, Rotation: 20, Brightness: .2, Contrast: .2, Saturation: .2,
		Greyscale: .3, Blur: .5, BlurSigma: 2}
}

func train(workers int) Options {
	return Options{Batch: 6, Size: 12, Seed: 3, Shuffle: true, Augment: varied(), Workers: workers, OneImagePerGroup: true}
}

func TestSameBytesForAnyWorkersAndCache(t *testing.T) {
	c := people(t, 20, 2)
	for _, raw := range []bool{false, true} {
		o := train(1)
		o.Raw = raw
		want := epoch(t, open(t, c, o), 4, 0)
		for _, workers := range []int{2, 3, 7} {
			for _, cache := range []int64{-1, 0, 2000} {
				o.Workers, o.CacheBytes = workers, cache
				s := open(t, c, o)
				epoch(t, s, 1, 0)
				if !same(want, epoch(t, s, 4, 0)) {
					t.Errorf("raw %v, %d workers, cache %d: other bytes", raw, workers, cache)
				}
			}
		}
	}
}

func TestResumeInMidEpoch(t *testing.T) {
	c := people(t, 20, 2)
	s := open(t, c, train(2))
	whole := epoch(t, s, 2, 0)
	if len(whole) != s.Batches() {
		t.Fatalf("%d batches, said %d", len(whole), s.Batches())
	}
	for skip := range len(whole) + 1 {
		if !same(whole[skip:], epoch(t, open(t, c, train(3)), 2, skip)) {
			t.Errorf("other bytes after skipping %d", skip)
		}
	}
	if same(whole, epoch(t, s, 3, 0)) {
		t.Error("two epochs are the same")
	}
	if s.Reset(0, len(whole)+1) == nil || s.Reset(-1, 0) == nil {
		t.Error("positions that do not exist are accepted")
	}
}

func TestSkippedImagesAreNotDecoded(t *testing.T) {
	c := people(t, 20, 2)
	whole := epoch(t, open(t, c, train(1)), 0, 0)
	for _, i := range whole[0].Index {
		if err := os.Remove(c.Images[i].Path); err != nil {
			t.Fatal(err)
		}
	}
	if !same(whole[1:], epoch(t, open(t, c, train(1)), 0, 1)) {
		t.Error("other bytes")
	}
}

func TestRowsBelongTogether(t *testing.T) {
	c := people(t, 20, 2)
	o := Options{Batch: 7, Size: 16, Whole: true, Fit: data.FitStretch}
	s := open(t, c, o)
	seen := 0
	for _, b := range epoch(t, s, 0, 0) {
		for n, i := range b.Index {
			p := int(b.Person[n])
			if int(i) != seen || c.Images[i].Person != p || int(b.Group[n]) != c.Persons[p].Group {
				t.Fatalf("row %d: image %d, person %d, group %d", seen, i, p, b.Group[n])
			}
			seen++
			has := p%3 != 0
			if (b.Present[1][n] == 1) != has || has && b.Tables[1][5*n+2] != float32(100*p+2) || !has && b.Tables[1][5*n+2] != 0 {
				t.Fatalf("person %d: present %d, value %v", p, b.Present[1][n], b.Tables[1][5*n+2])
			}
			if red := b.Image[3*16*16*n]*.229 + .485; int(red*255+.5) != p {
				t.Fatalf("person %d: red %v", p, red*255)
			}
		}
	}
	if seen != 40 {
		t.Errorf("%d images", seen)
	}
}

func TestEvaluationKeepsEveryImageInOrder(t *testing.T) {
	c := people(t, 20, 2)
	s := open(t, c, Options{Split: data.Validation, Batch: 3, Size: 8, Shuffle: true, Augment: varied(), OneImagePerGroup: true})
	var rows []int
	var index []int32
	for _, b := range epoch(t, s, 5, 0) {
		rows, index = append(rows, b.N), append(index, b.Index...)
	}
	if !slices.Equal(rows, []int{3, 3, 2}) || !slices.Equal(index, []int32{16, 17, 18, 19, 36, 37, 38, 39}) {
		t.Errorf("rows %v, images %v", rows, index)
	}
	if s.Batches() != 3 {
		t.Errorf("%d batches", s.Batches())
	}
	d := s.Dims()
	if d.Batch != 3 || d.Height != 8 || d.Width != 8 || !slices.Equal(d.Features, []int{3, 5}) || d.Modalities[0] != "odd" {
		t.Errorf("%+v", d)
	}
}

func TestErrorsComeInOrder(t *testing.T) {
	c := people(t, 20, 1)
	o := train(3)
	o.Shuffle, o.Batch = false, 4
	bad := c.Images[10].Path // the 9th of the training split, so in the third batch
	if err := os.WriteFile(bad, []byte("\xFF\xD8\xFFtruncated"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, c, o)
	var b data.Batch
	for range 2 {
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // and it stays
		var p *data.Problem
		if err := s.Next(&b); !errors.As(err, &p) || p.Code != 501 || p.File != bad {
			t.Fatalf("%v", err)
		}
	}
	if err := s.Reset(0, 3); err != nil {
		t.Fatal(err)
	}
	if err := s.Next(&b); err != nil {
		t.Error(err)
	}
}

func TestRefusedOptions(t *testing.T) {
	c := people(t, 5, 1)
	for _, o := range []Options{{Size: 8}, {Batch: 1}, {Batch: 1, Size: 8, Workers: -1}, {Batch: 1, Size: 8, Fit: "none"}} {
		if _, err := New(c, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	_, err := New(c, Options{Batch: 1, Size: 8, Split: data.Test})
	var p *data.Problem
	if !errors.As(err, &p) || p.Code != 602 || !strings.Contains(p.What, "test split is empty") {
		t.Errorf("%v", err)
	}
}

func TestCloseEndsTheGoroutines(t *testing.T) {
	c := people(t, 20, 2)
	before := runtime.NumGoroutine()
	for range 5 {
		s, err := New(c, train(4))
		if err != nil {
			t.Fatal(err)
		}
		var b data.Batch
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if s.Next(&b) == nil || s.Reset(0, 0) == nil {
			t.Fatal("a closed source goes on")
		}
	}
	after := runtime.NumGoroutine()
	for end := time.Now().Add(10 * time.Second); after > before && time.Now().Before(end); after = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond) // what Close waited for still counts until it has left its last function
	}
	if after > before {
		t.Errorf("%d goroutines, before %d", after, before)
	}
}

// TestRowBytes: Dims say what the memory of the batches takes on the host.
func TestRowBytes(t *testing.T) {
	for _, raw := range []bool{false, true} {
		o := train(3)
		o.Raw = raw
		s := open(t, people(t, 9, 2), o)
		b := epoch(t, s, 0, 0)[0]
		held := 4*(len(b.Image)+len(b.Person)+len(b.Group)+len(b.Index)+len(b.Geometry)+len(b.Colour)) + len(b.Pixels)
		for m := range b.Present {
			held += len(b.Present[m])
		}
		for m := range b.Tables {
			held += 4 * len(b.Tables[m])
		}
		if got := s.Dims().RowBytes * b.N; got != held*cap(s.(*source).run.free) {
			t.Errorf("raw %v: Dims say %d bytes, a batch has %d, and there are %d", raw, got, held, cap(s.(*source).run.free))
		}
	}
}

func TestCacheStaysInItsBound(t *testing.T) {
	c := people(t, 20, 2)
	o := train(2)
	o.CacheBytes = 5 * 3 * 15 * 15 // five images at the working size of 15
	s := open(t, c, o)
	epoch(t, s, 0, 0)
	epoch(t, s, 1, 0)
	kept := 0
	f := s.(*source).fill
	for i := range f.cache.images {
		if f.cache.get(i) != nil {
			kept++
		}
	}
	if kept == 0 || kept > 5 || f.cache.used.Load() > o.CacheBytes || s.Dims().CacheBytes != int(o.CacheBytes) {
		t.Errorf("%d images, %d bytes, at most %d", kept, f.cache.used.Load(), s.Dims().CacheBytes)
	}
	o.CacheBytes = 0
	for split, want := range map[data.Split]int{data.Train: len(open(t, c, o).(*source).order.images) * 3 * 15 * 15, data.Validation: 0} {
		if o.Split = split; open(t, c, o).Dims().CacheBytes != want {
			t.Errorf("%v may keep %d bytes of images, want %d", split, open(t, c, o).Dims().CacheBytes, want)
		}
	}
}

func BenchmarkNext64(b *testing.B) { benchmarkNext(b, false) }
func BenchmarkRaw64(b *testing.B)  { benchmarkNext(b, true) }

func benchmarkNext(b *testing.B, raw bool) {
	c := people(b, 80, 1)
	s := open(b, c, Options{Batch: 32, Size: 64, Shuffle: true, Augment: varied(), Workers: 1, OneImagePerGroup: true, Raw: raw})
	epoch(b, s, 0, 0)
	var batch data.Batch
	images := 0
	for n := 1; b.Loop(); {
		err := s.Next(&batch)
		if err == io.EOF {
			n++
			err = s.Reset(n, 0)
		}
		if err != nil {
			b.Fatal(err)
		}
		images += batch.N
	}
	b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "img/s")
}
