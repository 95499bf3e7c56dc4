package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// Of the mean of all pixels and colours, as part of white: what is beyond is hardly a photograph of a fundus.
const (
	darkest   = 0.03
	brightest = 0.97
)

// A look counts what decoding images has found.
type look struct {
	images, pixels int
	small          int                 // longest side below the size that they are trained at
	blank          int                 // nearly black or white
	sides          []int               // the longer of each, pixels
	brightness     []float64           // the mean of each, 0 black to 1 white
	digests        [][sha256.Size]byte // of the pixels of each image of a whole look, zero where it cannot be decoded
}

// add counts an image; size is 0 where it is not known.
func (l *look) add(im *fundus.RGB, size int) {
	l.images++
	l.pixels += im.W * im.H
	if max(im.W, im.H) < size {
		l.small++
	}
	sum := 0
	for _, v := range im.Pix {
		sum += int(v)
	}
	mean := float64(sum) / float64(255*len(im.Pix))
	if mean < darkest || mean > brightest {
		l.blank++
	}
	l.sides, l.brightness = append(l.sides, max(im.W, im.H)), append(l.brightness, mean)
}

// join adds what another look has found.
func (l *look) join(m look) {
	l.images, l.pixels, l.small, l.blank = l.images+m.images, l.pixels+m.pixels, l.small+m.small, l.blank+m.blank
	l.sides, l.brightness, l.digests = append(l.sides, m.sides...), append(l.brightness, m.brightness...), append(l.digests, m.digests...)
}

// warn hands on what is to be said of one image.
func (l *look) warn(im data.Image, size int, faults *data.Faults) {
	if l.small > 0 {
		faults.Warn(502, im.Path, im.Line, fmt.Sprintf("smaller than %d pixels", size))
	}
	if l.blank > 0 {
		faults.Warn(503, im.Path, im.Line, "nearly black or white")
	}
}

// notes are the warnings that the images call for.
func (l *look) notes(size int) []string {
	var notes []string
	if l.small > 0 {
		notes = append(notes, fmt.Sprintf("W502: %d of %d images are smaller than %d pixels and will be enlarged.", l.small, l.images, size))
	}
	if l.blank > 0 {
		notes = append(notes, fmt.Sprintf("W503: %d of %d images are nearly black or white.", l.blank, l.images))
	}
	return notes
}

// lookAt decodes images on all processors. What cannot be decoded faults takes, in the order of the images; where it is nil, the first
// is returned.
func lookAt(ctx context.Context, images []data.Image, size int, line *progress.Line, faults *data.Faults) (look, error) {
	var all look
	for lo := 0; lo < len(images); {
		if ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		part := images[lo:min(lo+64*runtime.GOMAXPROCS(0), len(images))]
		looks, errs, digests := make([]look, len(part)), make([]error, len(part)), make([][sha256.Size]byte, len(part))
		var wg sync.WaitGroup
		for w := range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := w; i < len(part); i += runtime.GOMAXPROCS(0) {
					im, err := fundus.Decode(part[i].Path)
					if errs[i] = err; err == nil {
						looks[i].add(im, size)
						digests[i] = pixelDigest(im)
					}
				}
			})
		}
		wg.Wait()
		for i, l := range looks {
			if err := faults.Take(errs[i]); err != nil {
				return all, err
			}
			l.warn(part[i], size, faults)
			l.digests = digests[i : i+1]
			all.join(l)
		}
		lo += len(part)
		line.Count(lo, len(images), "images decoded")
	}
	return all, nil
}

// sampled is how many images a training looks at before it begins.
const sampled = 32

// sample returns images evenly from all of a cohort.
func sample(images []data.Image) []data.Image {
	n := min(sampled, len(images))
	out := make([]data.Image, n)
	for i := range out {
		out[i] = images[i*len(images)/n]
	}
	return out
}
