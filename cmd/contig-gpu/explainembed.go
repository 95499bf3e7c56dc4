package main

import (
	"context"
	"maps"
	"slices"

	"contig-gpu/data/loader"
	"contig-gpu/model/train"
)

// embed makes the embeddings of the images of all who are explained or in the reference, and of the reference's genetics. Of
// several images of a person it is the mean of the unit embeddings, as retrieval compares them.
func (e *explanation) embed(ctx context.Context) error {
	var images []int
	for _, p := range slices.Concat(e.reference, e.persons) {
		images = append(images, e.cohort.Persons[p].Images...)
	}
	slices.Sort(images)
	src, err := loader.New(e.cohort, e.loaderOptions(slices.Compact(images)))
	if err != nil {
		return err
	}
	defer src.Close()
	e.say("embedding %d images of %d persons", len(images), len(e.reference)+len(e.persons))
	x, err := train.Embed(ctx, e.net, e.cohort, src)
	if err != nil {
		return err
	}
	at := make(map[int]int, len(x.Persons))
	for i, p := range x.Persons {
		at[p] = i
	}
	for _, p := range e.parts {
		p.image, p.genetics, p.imageOf = nil, nil, make(map[int][]float32, len(p.persons))
		p.geneticsOf = make(map[int][]float32, len(p.persons))
		for _, r := range p.reference {
			p.image, p.genetics = append(p.image, x.PersonImage[p.at][at[r]]), append(p.genetics, x.PersonGenetics[p.at][at[r]])
		}
		for _, i := range p.persons {
			p.imageOf[i], p.geneticsOf[i] = x.PersonImage[p.at][at[i]], x.PersonGenetics[p.at][at[i]]
		}
		if !finiteRows(p.image) || !finiteRows(p.genetics) || !finiteRows(slices.Collect(maps.Values(p.imageOf))) || !finiteRows(slices.Collect(maps.Values(p.geneticsOf))) {
			return e.notFinite(p, "")
		}
	}
	return nil
}

// finiteRows reports whether all values are finite.
func finiteRows(rows [][]float32) bool {
	for _, r := range rows {
		for _, v := range r {
			if v-v != 0 {
				return false
			}
		}
	}
	return true
}

// loaderOptions yield these images as the training's evaluation sees them.
func (e *explanation) loaderOptions(images []int) loader.Options {
	return loader.Options{Only: images, Batch: min(e.trained.Batch, max(1, len(images))), Size: e.trained.ImageSize, Fit: e.trained.Fit, Raw: e.dev.Async()}
}

// float64s returns rows one after the other.
func float64s(rows [][]float32) []float64 {
	var out []float64
	for _, r := range rows {
		for _, v := range r {
			out = append(out, float64(v))
		}
	}
	return out
}
