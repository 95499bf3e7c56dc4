//go:build linux && cgo

package dnn

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// packHeadHere is what a pack for the emulated GPU says, at the version that its library claims.
func packHeadHere(b *bench) PackHead {
	i := b.ctx.Info()
	return PackHead{Library: b.h.api.Version(), Arch: i.Arch, Multiprocs: i.Multiprocs, Driver: i.Driver, Made: "for a test"}
}

// packFor are Options with a pack for the emulated GPU.
func packFor(b *bench, cache, pack string) Options {
	o, i := timed(cache), b.ctx.Info()
	o.Arch, o.Multiprocs, o.Driver, o.Packs = i.Arch, i.Multiprocs, i.Driver, []string{pack}
	return o
}

// problemsOfCached are those that convolutions(cached.Conv) asks for.
func problemsOfCached() []Problem {
	c := cached.Conv
	return []Problem{cached, {Op: BackwardData, Conv: c}, {Op: BackwardData, Conv: c, Beta: 1}, {Op: BackwardWeight, Conv: c}, {Op: BackwardWeight16, Conv: c}}
}

// writePack makes a pack for the emulated GPU by its description alone, as on a machine without it.
func writePack(t *testing.T, b *bench, head PackHead, change func(*Saved)) string {
	t.Helper()
	description, err := b.h.DescribeGPU()
	if err != nil {
		t.Fatal(err)
	}
	prober, err := NewProber(description)
	if err != nil {
		t.Fatal(err)
	}
	defer prober.Close()
	path := filepath.Join(t.TempDir(), "pack.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := NewPackWriter(f, head)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problemsOfCached() {
		plans, err := prober.Plans(p, Options{})
		if err != nil || len(plans) < 2 {
			t.Fatalf("%s: %d plans, %v", p, len(plans), err)
		}
		for i := range plans {
			change(&plans[i])
			if !json.Valid([]byte(plans[i].Plan)) {
				t.Fatalf("%s is no JSON", plans[i].Plan)
			}
		}
		if err := w.Add(p, plans); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPack: with a pack the first start makes no plan, chooses among those of the pack by timing, and keeps what it chose.
func TestPack(t *testing.T) {
	b, dir := openBench(t, Options{}), t.TempDir()
	o := packFor(b, dir, writePack(t, b, packHeadHere(b), func(*Saved) {}))
	first := openBench(t, o)
	first.convolutions(cached.Conv)
	got := first.h.Counts()
	if w := first.h.Warning(); w != nil || got.Made != 0 || got.Packed < 8 || got.Cached != 0 {
		t.Errorf("the first start: %+v, %v", got, w)
	}
	c, err := first.h.Plan(cached)
	if err != nil || c.Timed < 2 || c.Milliseconds <= 0 {
		t.Errorf("%+v was chosen, %v: not by timing", c, err)
	}
	second := openBench(t, o)
	second.convolutions(cached.Conv)
	if got := second.h.Counts(); got != (Counts{Cached: 4}) {
		t.Errorf("the second start: %+v", got)
	}
	other := cached.Conv
	other.N++
	second.convolutions(other)
	if got := second.h.Counts(); got.Made < 8 || got.Packed != 0 {
		t.Errorf("of another shape: %+v", got)
	}
}

// TestPackWithoutTiming: where nothing is timed the first plan of a pack is taken, as the library's first proposal is.
func TestPackWithoutTiming(t *testing.T) {
	b := openBench(t, Options{})
	o := packFor(b, "", writePack(t, b, packHeadHere(b), func(*Saved) {}))
	o.Timer = nil
	x := openBench(t, o)
	x.convolutions(cached.Conv)
	first, err := b.h.Plan(cached)
	c, err2 := x.h.Plan(cached)
	if got := x.h.Counts(); got != (Counts{Packed: 4}) || err != nil || err2 != nil || !reflect.DeepEqual(c, first) {
		t.Errorf("%+v; %+v, %v; the library proposes %+v, %v", got, c, err2, first, err)
	}
}

// TestPackUnsuited: a pack of another version, driver, format or GPU is left aside, with one line that names it and says why. One
// for another GPU that merely lies beside the program is no news.
func TestPackUnsuited(t *testing.T) {
	for what, damage := range map[string]func(*PackHead){
		"cuDNN 9.19.0, here":            func(h *PackHead) { h.Library = "9.19.0" },
		"CUDA 12.8, here it is 13.0":    func(h *PackHead) { h.Driver = 12080 },
		"capability 8.0 with ":          func(h *PackHead) { h.Arch = 80 },
		"with 108 multiprocessors, thi": func(h *PackHead) { h.Multiprocs = 108 },
	} {
		b := openBench(t, Options{})
		head := packHeadHere(b)
		damage(&head)
		path := writePack(t, b, head, func(*Saved) {})
		for _, named := range []bool{true, false} {
			o := packFor(b, t.TempDir(), path)
			if !named {
				o.Packs = nil
				beside(t, path)
			}
			x := openBench(t, o)
			x.convolutions(cached.Conv)
			w, told := x.h.Warning(), named || head.Library == "9.19.0" || head.Driver == 12080
			if (w != nil) != told || told && (!strings.Contains(w.Error(), what) || !strings.Contains(w.Error(), filepath.Base(path)) || strings.Contains(w.Error(), "\n")) {
				t.Errorf("named %v: the warning is %v, want %q", named, w, what)
			}
			if got := x.h.Counts(); got.Packed != 0 || got.Made == 0 {
				t.Errorf("%q: %+v", what, got)
			}
		}
	}
}

// beside puts a pack into the folder plans beside the test's own program, until the test ends.
func beside(t *testing.T, pack string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(filepath.Dir(self), "plans")
	b, err := os.ReadFile(pack)
	if err == nil {
		err = os.MkdirAll(folder, 0o777)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, filepath.Base(pack)), b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
}

// TestPackDamaged: plans of a pack that the library refuses are left out, with a word; those that are not wanted without one.
func TestPackDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Saved)
		warns  string
	}{
		"refused":          {func(s *Saved) { s.Plan = strings.Replace(s.Plan, "fake", "false", 1) }, "is not used"},
		"another driver's": {func(s *Saved) { s.Plan = strings.Replace(s.Plan, "13000", "12080", 1) }, "another driver"},
		"of other memory":  {func(s *Saved) { s.Workspace++ }, "not what it was"},
		"too large":        {func(s *Saved) { s.Workspace = 1 << 40 }, ""},
		"unwanted":         {func(s *Saved) { s.Notes = []int{noteNondeterministic} }, ""},
	} {
		b := openBench(t, Options{})
		x := openBench(t, packFor(b, t.TempDir(), writePack(t, b, packHeadHere(b), c.change)))
		x.convolutions(cached.Conv)
		if got := x.h.Counts(); got.Packed != 0 || got.Made < 8 {
			t.Errorf("%s: %+v", name, got)
		}
		if w := x.h.Warning(); (w != nil) != (c.warns != "") || w != nil && !strings.Contains(w.Error(), c.warns) {
			t.Errorf("%s: the warning is %v", name, w)
		}
	}
}

// TestPackNoZip: what is no pack is an error that names the file.
func TestPackNoZip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pack.zip")
	if err := os.WriteFile(path, []byte("no zip"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + ".absent"} {
		if all, err := openPacks([]string{file}, PackHead{}); len(all) > 0 || err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%v, %v", all, err)
		}
	}
}
