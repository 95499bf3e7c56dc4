package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/data/mask"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/measure"
	"contig-gpu/model/train"
	"contig-gpu/model/train/engine"
)

// A segmented image is what was predicted of one, at its own size.
type segmented struct {
	image    int // of the cohort
	overlaps []*measure.Overlap
	files    []string // of the predicted masks, by class, below private/
}

// A maskTest is the test of a segmentation.
type maskTest struct {
	g       *segmenting
	private string
	dtype   string
	step    int
	name    string // of the checkpoint
	rows    []segmented
}

// test predicts the test split once, by the best checkpoint, and writes what came of it.
func (g *segmenting) test(ctx context.Context) error {
	t := &maskTest{g: g, private: filepath.Join(g.dir, privateName), name: "best"}
	path := train.CheckpointPath(g.dir, t.name)
	if _, err := os.Stat(path); err != nil {
		t.name = "last"
		path = train.CheckpointPath(g.dir, t.name)
	}
	if err := t.clear(); err != nil {
		return err
	}
	if err := t.predict(ctx, path); err != nil {
		return err
	}
	return t.write()
}

// clear removes what an earlier test left, and makes the folders.
func (t *maskTest) clear() error {
	for _, name := range []string{masksFolder, overlaysFolder} {
		if err := os.RemoveAll(filepath.Join(t.private, name)); err != nil {
			return err
		}
	}
	folders := []string{t.private, filepath.Join(t.private, overlaysFolder)}
	for k := range t.g.masks.Classes {
		folders = append(folders, filepath.Join(t.private, masksFolder, t.classFolder(k)))
	}
	for _, dir := range folders {
		if err := makePrivate(dir); err != nil {
			return err
		}
	}
	return nil
}

// Folders of private/: predicted masks, a folder for each class, and pictures.
const (
	masksFolder    = "masks"
	overlaysFolder = "overlays"
)

// classFolder is a class's name as far as it may be a file's, and its number where that is not all of it.
func (t *maskTest) classFolder(k int) string {
	name := t.g.masks.Classes[k]
	safe := safeName(name)
	if safe != name {
		safe = fmt.Sprintf("%d_%s", k+1, safe)
	}
	return safe
}

// safeName keeps letters, digits, - and _ of a name, and at most so many.
func safeName(name string) string {
	const most = 60
	safe := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' {
			return c
		}
		return '_'
	}, name)
	return safe[:min(most, len(safe))]
}

// predict runs the network over the test images.
func (t *maskTest) predict(ctx context.Context, path string) error {
	g := t.g
	dev, err := train.OpenDevice(g.cfg, nil)
	if err != nil {
		return err
	}
	defer dev.Close()
	l, err := checkpoint.LoadWithin(path, dev, g.cfg.Precision, int(memory()))
	if err != nil {
		return err
	}
	defer l.Close()
	t.dtype, t.step = l.DType.String(), l.Step
	src, err := g.source(train.Feed{Split: data.Test, Raw: dev.Async(), Views: 1})
	if err != nil {
		return err
	}
	defer src.Close()
	var failed error
	total := src.Batches()
	done := 0
	err = train.Predict(ctx, l, src, func(b *data.Batch, s engine.Swept) {
		if failed == nil {
			failed = t.take(b, s)
		}
		done++
		g.line.Count(done, total, "batches of test images")
	})
	g.line.Done()
	if err == nil {
		err = failed
	}
	return err
}

// take scores a batch, its images side by side.
func (t *maskTest) take(b *data.Batch, s engine.Swept) error {
	out, errs := make([]segmented, b.N), make([]error, b.N)
	per := len(s.Predicted) / b.N
	room := make(chan struct{}, runtime.GOMAXPROCS(0)) // images that are held at a time
	var wait sync.WaitGroup
	for row := range b.N {
		wait.Go(func() {
			room <- struct{}{}
			out[row], errs[row] = t.image(int(b.Index[row]), len(t.rows)+row, s.Predicted[row*per:(row+1)*per])
			<-room
		})
	}
	wait.Wait()
	t.rows = append(t.rows, out...)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// image scores one image at its own size, writes what is predicted of it, and of the first images a picture.
func (t *maskTest) image(image, number int, values []float64) (segmented, error) {
	g := t.g
	size, k := g.square.Images[image], len(g.masks.Classes)
	out := segmented{image: image, overlaps: make([]*measure.Overlap, k), files: make([]string, k)}
	logits := make([]float32, size.W*size.H)
	var shown []outlines
	for c := range k {
		fundus.Restore(logits, values[c:], k, g.cfg.ImageSize, size.W, size.H, g.cfg.Fit)
		found := &mask.Mask{W: size.W, H: size.H, Pix: make([]uint8, len(logits))}
		for i, v := range logits {
			if v > 0 {
				found.Pix[i] = 1
			}
		}
		out.files[c] = filepath.Join(masksFolder, t.classFolder(c), fileName(number, g.names[image]))
		if err := writeMask(filepath.Join(t.private, out.files[c]), found); err != nil {
			return out, err
		}
		var truth *mask.Mask
		if row := g.masks.Rows[image][c]; row != nil {
			var err error
			if truth, err = row.Load(g.masks.Foreground, size.W, size.H); err != nil {
				return out, err
			}
			o := measure.OverlapOf(truth.Pix, logits)
			out.overlaps[c] = &o
		}
		shown = append(shown, outlines{truth, found})
	}
	if number >= mostOverlays {
		return out, nil
	}
	return out, writeOverlay(filepath.Join(t.private, overlaysFolder, fileName(number, g.names[image])), g.cohort.Images[image].Path, shown)
}

// fileName is of what belongs to a test image: a number, so that no two are the same, and its name.
func fileName(number int, image string) string {
	base := filepath.Base(filepath.FromSlash(image))
	return fmt.Sprintf("%05d_%s.png", number+1, safeName(strings.TrimSuffix(base, filepath.Ext(base))))
}
