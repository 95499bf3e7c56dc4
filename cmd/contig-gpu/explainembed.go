package main

import (
	"context"
	"maps"
	"slices"

	"contig-gpu/data/loader"
	"contig-gpu/model/train"
)

// embed makes the embeddings of the images of all who are explained or in the reference, and of the genetics. Of several images of a person it is the mean of the
// unit embeddings, as retrieval compares them.
func (e *explanation) embed(ctx context.Context) error {
	if e.shards != nil {
		return e.takeEmbedded()
	}
	e.say("embedding %d images of %d persons", len(e.imagesOf(e.reference))+len(e.imagesOf(e.persons)), len(e.reference)+len(e.persons))
	reference, err := e.embedded(ctx, e.reference, e.reference)
	if err != nil {
		return err
	}
	explained, err := e.embedded(ctx, e.everyone, e.persons)
	if err != nil {
		return err
	}
	for _, p := range e.parts {
		p.image, p.genetics, p.imageOf, p.geneticsOf = nil, nil, make(map[int][]float32, len(p.persons)), make(map[int][]float32, len(p.persons))
		for _, r := range p.reference {
			p.image, p.genetics = append(p.image, reference[r].image[p.at]), append(p.genetics, reference[r].genetics[p.at])
		}
		for _, i := range p.persons {
			p.imageOf[i], p.geneticsOf[i] = explained[i].image[p.at], explained[i].genetics[p.at]
		}
		if !finiteRows(p.image) || !finiteRows(p.genetics) || !finiteRows(slices.Collect(maps.Values(p.imageOf))) || !finiteRows(slices.Collect(maps.Values(p.geneticsOf))) {
			return e.notFinite(p, "")
		}
	}
	return nil
}

// imagesOf returns the images of persons, ascending.
func (e *explanation) imagesOf(persons []int) []int {
	var images []int
	for _, p := range persons {
		images = append(images, e.cohort.Persons[p].Images...)
	}
	slices.Sort(images)
	return images
}

// An embeddedOne is a person's embeddings, by modality.
type embeddedOne struct{ image, genetics [][]float32 }

// embedded makes the embeddings of some persons in the batches that all would be taken in: see embedded of embed.
func (e *explanation) embedded(ctx context.Context, all, some []int) (map[int]embeddedOne, error) {
	out := map[int]embeddedOne{}
	if len(some) == 0 {
		return out, nil
	}
	images := e.imagesOf(all)
	var at, rows []int
	for _, i := range e.imagesOf(some) {
		k, _ := slices.BinarySearch(images, i)
		at = append(at, k)
	}
	batch := min(e.trained.Batch, mostTogether, len(images))
	for _, k := range wholeBatches(at, len(images), batch) {
		rows = append(rows, images[k])
	}
	src, err := loader.New(e.cohort, e.loaderOptions(rows, batch))
	if err != nil {
		return nil, err
	}
	defer src.Close()
	x, err := train.Embed(ctx, e.net, e.cohort, src)
	if err != nil {
		return nil, err
	}
	for k, p := range x.Persons {
		var one embeddedOne
		for t := range x.PersonImage {
			one.image, one.genetics = append(one.image, x.PersonImage[t][k]), append(one.genetics, x.PersonGenetics[t][k])
		}
		out[p] = one
	}
	return out, nil
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

// loaderOptions yield these images, so many at a time, as the training's evaluation sees them.
func (e *explanation) loaderOptions(images []int, batch int) loader.Options {
	return loader.Options{Only: images, Batch: batch, Size: e.trained.ImageSize, Fit: e.trained.Fit, Raw: e.dev.Async()}
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
