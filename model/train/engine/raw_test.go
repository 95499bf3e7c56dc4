package engine

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/train/traintest"
)

// A pair of sources gives the same batches in both forms.
type pairOfSources struct{ raw, plain data.Source }

func pairOf(t *testing.T, co *data.Cohort, o loader.Options) pairOfSources {
	t.Helper()
	open := func(raw bool) data.Source {
		o.Raw, o.Workers = raw, 2
		s, err := loader.New(co, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if err := s.Reset(1, 0); err != nil {
			t.Fatal(err)
		}
		return s
	}
	return pairOfSources{open(true), open(false)}
}

// next returns the next batch in both forms, false at the end.
func (p pairOfSources) next(t *testing.T) (raw, plain data.Batch, ok bool) {
	t.Helper()
	errs := [2]error{p.raw.Next(&raw), p.plain.Next(&plain)}
	if errs == [2]error{io.EOF, io.EOF} {
		return raw, plain, false
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return raw, plain, true
}

// varieties are augmentations: of the recipes, and all that neither has.
func varieties() []data.Augmentation {
	own := data.Augmentation{CropScale: 0.5, FlipHorizontal: 0.5, Rotation: 20, Brightness: 0.2, Contrast: 0.2, Saturation: 0.2, BlurSigma: 2}
	paper := data.Augmentation{CropScale: 1, FlipHorizontal: 0.5, Rotation: 20, BlurSigma: 2}
	all := own
	all.FlipVertical, all.Greyscale, all.Blur = 0.5, 0.5, 0.5
	return []data.Augmentation{own, paper, all}
}

// TestRawBatches: what a device makes of pixels and persons is what the loader makes on the CPU: tables bit by bit, images
// to rounding. Two working sizes and batches of fewer rows than there is room for share one engine.
func TestRawBatches(t *testing.T) {
	co := traintest.Cohort(t, 40)
	for _, target := range gputest.Targets() {
		for _, dtype := range target.Types {
			t.Run(target.Name+"/"+dtype.String(), func(t *testing.T) {
				dev := target.Open(t)
				for k, how := range varieties() {
					o := loader.Options{Batch: 7, Size: 32, Seed: 5, Fit: []data.Fit{data.FitPad, data.FitStretch}[k%2], Views: 1 + k%2, Augment: how, Shuffle: true, OneImagePerGroup: true}
					first := pairOf(t, co, o)
					w := evaluator(t, dev, dtype, first.raw, co)
					checkRawBatches(t, w, first)
					o.Augment = data.Augmentation{}
					checkRawBatches(t, w, pairOf(t, co, o))
					o.Split, o.Batch = data.Validation, 5
					checkRawBatches(t, w, pairOf(t, co, o))
					o.Whole, o.Batch = true, 6
					checkRawBatches(t, w, pairOf(t, co, o))
					w.Close()
				}
			})
		}
	}
}

// checkRawBatches compares what w makes of every raw batch with the plain one.
func checkRawBatches(t *testing.T, w *Engine, p pairOfSources) {
	t.Helper()
	norm := fundus.Normalisation()
	grey := slices.Max(norm[:3])        // one grey level, normalised
	rounding := gputest.Tol(w.dtype, 1) // of the type, relative
	turn, missing, short := 0, false, false
	for {
		raw, plain, ok := p.next(t)
		if !ok {
			break
		}
		s := w.slots[turn%len(w.slots)]
		turn++
		if err := w.load(s, &raw, 1); err != nil {
			t.Fatal(err)
		}
		pass, err := w.pass(load{rows: raw.N, views: raw.Variations()})
		if err != nil {
			t.Fatal(err)
		}
		s.upload.Arrive()
		b := w.feed.unpack(pass, s.input)
		s.upload.Release()
		channels := b.Image.Dim(3)
		for i, v := range host(b.Image) {
			want := 0.0 // beyond the three colours
			if c := i % channels; c < 3 {
				want = float64(plain.Image[i/channels*3+c])
			}
			if !(math.Abs(v-want) <= float64(grey)/100+4*rounding*math.Abs(want)) {
				t.Fatalf("batch %d, value %d of the images is %g, want %g", turn, i, v, want)
			}
		}
		for m, table := range b.Tables {
			a := w.dev.NewArena(table.Bytes() + arenaAlign)
			want := host(gputest.Put(a, w.dtype, plain.Tables[m], table.Dims()...))
			a.Close()
			for i, v := range host(table) {
				if v != want[i] {
					t.Fatalf("batch %d, modality %d, value %d is %v, want %v", turn, m, i, v, want[i])
				}
			}
			present := make([]uint8, raw.N)
			gpu.Read(present, b.Present[m])
			if !slices.Equal(present, plain.Present[m][:raw.N]) {
				t.Fatalf("batch %d, modality %d: present %v, want %v", turn, m, present, plain.Present[m][:raw.N])
			}
			missing = missing || slices.Contains(present, 0)
		}
		short = short || raw.N < w.o.Dims.Batch
	}
	if turn < 2 || !missing {
		t.Errorf("%d batches, somebody without a modality: %v", turn, missing)
	}
	if w.o.Dims.Batch > p.raw.Dims().Batch && !short {
		t.Error("no batch was smaller than its slot")
	}
}
