package synth

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// jpegQuality keeps the noise of the sensor and most of the vessels' edges.
const jpegQuality = 95

// writeImages writes images.tsv and the images it names, drawn on all processors.
func (w *world) writeImages(ctx context.Context, dir string) error {
	if err := os.Mkdir(filepath.Join(dir, "images"), 0o755); err != nil {
		return err
	}
	count := len(w.people) * w.o.ImagesPerPerson
	var list bytes.Buffer
	list.WriteString("person_id\timage\teye\tvisit\n")
	for i := range count {
		eye, visit := w.view(i)
		fmt.Fprintf(&list, "%s\t%s\t%s\t%d\n", w.people[i/w.o.ImagesPerPerson].iid, w.imagePath(i), eye, visit)
	}
	if err := os.WriteFile(filepath.Join(dir, "images.tsv"), list.Bytes(), 0o644); err != nil {
		return err
	}
	return inParallel(count, func(i int) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return w.writeImage(dir, i)
	})
}

// view says which eye image i shows, at which visit; a person with one image shows either eye.
func (w *world) view(i int) (eye string, visit int) {
	person, nth := i/w.o.ImagesPerPerson, i%w.o.ImagesPerPerson
	if w.o.ImagesPerPerson == 1 {
		nth = stream(w.o.Seed, "eye", person).IntN(2)
	}
	return [2]string{"L", "R"}[nth%2], nth / 2
}

// imagePath is relative to the cohort's folder, and safe whatever the id holds.
func (w *world) imagePath(i int) string {
	eye, visit := w.view(i)
	safe := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' {
			return c
		}
		return '_'
	}, w.people[i/w.o.ImagesPerPerson].iid)
	return fmt.Sprintf("images/%05d_%s_%s_%d.jpg", i/w.o.ImagesPerPerson+1, safe, eye, visit)
}

// A drawing is what image i is drawn from: its look, and what draws the eye's shape.
type drawing struct {
	look  look
	shape *rand.Rand
}

func (w *world) draw(i int) drawing {
	person, seed := i/w.o.ImagesPerPerson, w.o.Seed
	eye, _ := w.view(i)
	eyeIndex := 2 * person
	if eye == "R" {
		eyeIndex++
	}
	return drawing{newLook(w.traits[person], eye == "L", stream(seed, "photo", i)), stream(seed, "shape", eyeIndex)}
}

func (w *world) writeImage(dir string, i int) error {
	d := w.draw(i)
	img := drawImage(d.look, w.o.ImageSize, d.shape, stream(w.o.Seed, "sensor", i))
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(w.imagePath(i))), marked(b.Bytes()), 0o644)
}

// inParallel calls f for 0 to n-1, and returns one of the errors that it met.
func inParallel(n int, f func(i int) error) error {
	workers := min(n, runtime.GOMAXPROCS(0))
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := worker; i < n && errs[worker] == nil; i += workers {
				errs[worker] = f(i)
			}
		})
	}
	wait.Wait()
	return cmp.Or(errs...)
}
