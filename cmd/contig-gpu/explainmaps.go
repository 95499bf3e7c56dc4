package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/saliency"
)

// What image methods take beside their flags.
const (
	mapRows     = 8    // images on the device at a time
	mapNoise    = 0.05 // of smooth, as a share of the range of the image's values. Smilkov et al. 2017 propose 0.1 to 0.2 for objects; a vessel differs from what is around it by a tenth, and drowns in that
	mapSteps    = 64   // nodes of ig at most
	windowShare = 8    // the side of occlusion's window is this part of the image's
	strideShare = 16
	noiseStream = 0x6d6170 // "map"
)

// imageMethods are the methods of heat maps.
func imageMethods() []string { return []string{"gradient", "smooth", "ig", "gradcam", "occlusion"} }

// A heat is a map over one image.
type heat struct {
	person int
	image  int // into Cohort.Images
	base   []float32
	*saliency.Map
}

// A heatMaps is the maps of one score by one method.
type heatMaps struct {
	score, method string // score: a modality, or a modality's feature
	heats         []heat
}

// stages are the names of the trunk's stages.
func (e *explanation) stages() []string {
	var out []string
	for _, s := range e.model.Trunk().Stages {
		out = append(out, s.Name)
	}
	return out
}

// mapping is what maps are made with.
type mapping struct {
	e       *explanation
	images  *saliency.Images
	stage   int
	methods []string
}

// explainImages makes heat maps of the first image of the first --maps persons.
func (e *explanation) explainImages(ctx context.Context) error {
	if e.set.Maps == 0 {
		return nil
	}
	side := e.trained.ImageSize
	images, err := saliency.New(saliency.Options{Device: e.dev, DType: e.net.DType, Encoder: e.model.Config().Encoder, Trunk: e.model.Trunk(), Height: side, Width: side, Rows: mapRows})
	if err != nil {
		return err
	}
	defer images.Close()
	m := &mapping{e: e, images: images, stage: slices.Index(e.stages(), e.set.Stage), methods: e.set.imageMethods}
	persons := e.persons[:min(e.set.Maps, len(e.persons))]
	for _, p := range e.parts {
		if err := m.match(ctx, p, p.having(persons)); err != nil {
			return err
		}
	}
	if e.direction != nil {
		return m.along(ctx, e.direction, e.direction.part.having(persons))
	}
	return nil
}

// match maps the explained function of a modality.
func (m *mapping) match(ctx context.Context, p *part, persons []int) error {
	e, cfg := m.e, m.e.model.Config()
	refs := make([]*explain.Reference, len(cfg.Modalities))
	ref, err := explain.NewReference(e.dev, e.net.DType, float64s(p.image), float64s(p.genetics), cfg.Embedding, cfg.Tau)
	if err != nil {
		return err
	}
	defer ref.Close()
	refs[p.at] = ref
	score, err := saliency.NewMatch(saliency.MatchOptions{Device: e.dev, DType: e.net.DType, Model: e.model, References: refs, Of: e.set.of, Rows: mapRows})
	if err != nil {
		return err
	}
	defer score.Close()
	sign := -1.0 // what makes a loss smaller speaks for the match
	if e.set.of == explain.Similarity {
		sign = 1
	}
	weights, genetics := make([]float64, len(refs)), make([][]float64, len(refs))
	weights[p.at] = 1
	return m.all(ctx, p.name, persons, score, sign, func(person int) error {
		genetics[p.at] = float64s([][]float32{p.geneticsOf[person]})
		score.Person(genetics, weights)
		return nil
	})
}

// A direction is one feature of a modality.
type direction struct {
	part    *part
	feature int
}

// findDirection reads --direction MODALITY:FEATURE.
func (e *explanation) findDirection() error {
	if e.set.Direction == "" {
		return nil
	}
	modality, feature, _ := strings.Cut(e.set.Direction, ":")
	var names []string
	for _, p := range e.parts {
		names = append(names, p.name)
		if p.name != modality {
			continue
		}
		if j := slices.Index(p.names(), feature); j >= 0 {
			e.direction = &direction{p, j}
			return nil
		}
		return &data.Problem{Code: codeNoDirection, What: fmt.Sprintf("--direction: %q has no feature %q%s", modality, feature, didYouMean(feature, "", p.names())), Expected: fmt.Sprintf("one of its %d features", len(p.names())),
			Found: feature, Cause: "a misspelling, or a feature that training left out", Fix: "take a name of the checkpoint's features"}
	}
	return &data.Problem{Code: codeNoDirection, What: fmt.Sprintf("--direction: no modality %q is explained%s", modality, didYouMean(modality, "", names)), Expected: strings.Join(names, ", ") + ", a colon, and a feature",
		Found: e.set.Direction, Cause: "a misspelling, or no colon", Fix: "write MODALITY:FEATURE"}
}

// along maps what in the image moves with a feature: the similarity's gradient along it.
func (m *mapping) along(ctx context.Context, d *direction, persons []int) error {
	e, p := m.e, d.part
	score, err := saliency.NewAlong(e.dev, e.net.DType, e.model, p.at, mapRows)
	if err != nil {
		return err
	}
	defer score.Close()
	row, x := make([]float32, len(p.names())), make([]float64, len(p.names()))
	return m.all(ctx, p.name+":"+p.names()[d.feature], persons, score, 1, func(person int) error {
		p.table.Row(person, row)
		for j, v := range row {
			x[j] = float64(v)
		}
		q, err := saliency.Direction(e.dev, e.net.DType, e.model, p.at, x, d.feature)
		if err == nil {
			score.Toward(q)
		}
		return err
	})
}

// all keeps the maps of persons by every method; toward prepares the score for a person.
func (m *mapping) all(ctx context.Context, name string, persons []int, score saliency.Score, sign float64, toward func(int) error) error {
	return m.keepMaps(name, persons, func() ([]heatMaps, error) {
		out := make([]heatMaps, len(m.methods))
		for n, person := range persons {
			if err := toward(person); err != nil {
				return nil, err
			}
			if err := m.person(ctx, name, person, score, sign, out); err != nil {
				return nil, err
			}
			m.e.line.Part(n+1, len(persons), "heat maps of "+name)
		}
		return out, nil
	})
}

// person appends a person's map by each method to out.
func (m *mapping) person(ctx context.Context, name string, person int, score saliency.Score, sign float64, out []heatMaps) error {
	at := m.e.cohort.Persons[person].Images[0]
	base, err := m.e.pixels(at)
	if err != nil {
		return err
	}
	for i, method := range m.methods {
		heatMap, err := m.one(ctx, method, base, score, sign, person)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(heatMap.V, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			return m.e.notFiniteMap(name)
		}
		out[i].heats = append(out[i].heats, heat{person, at, base, heatMap})
	}
	return nil
}

func (e *explanation) notFiniteMap(name string) error {
	return &data.Problem{Code: codeNotFinite, What: "an attribution is not finite", Expected: "finite numbers", Found: "in a heat map of " + name,
		Cause: "a checkpoint that has diverged", Fix: "take another checkpoint"}
}

// one makes one map, of the size of the image.
func (m *mapping) one(ctx context.Context, method string, base []float32, score saliency.Score, sign float64, person int) (*saliency.Map, error) {
	side := m.e.trained.ImageSize
	img := make([]float64, len(base))
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, v := range base {
		img[i] = float64(v)
		lo, hi = min(lo, img[i]), max(hi, img[i])
	}
	switch method {
	case "gradient":
		x, err := m.images.Gradient(ctx, img, score)
		if err != nil {
			return nil, err
		}
		return x.Magnitude(), nil
	case "smooth":
		x, err := m.images.Smooth(ctx, img, score, m.e.set.Draws, func(draw int, x []float64) {
			r := rand.New(rand.NewPCG(m.e.set.Seed, noiseStream+uint64(draw)<<32+uint64(person)))
			for i := range x {
				x[i] += mapNoise * (hi - lo) * r.NormFloat64()
			}
		})
		if err != nil {
			return nil, err
		}
		return x.Magnitude(), nil
	case "ig":
		x, err := m.images.IntegratedGradients(ctx, img, make([]float64, len(img)), score, saliency.Steps{First: 8, Most: mapSteps, Tolerance: m.e.set.Tolerance})
		if err != nil {
			return nil, err
		}
		return x.Sum(), nil
	case "gradcam":
		x, err := m.images.GradCAM(img, score, m.stage, sign)
		if err != nil {
			return nil, err
		}
		return x.Positive().Resize(side, side), nil
	}
	w := saliency.Window{Size: max(1, side/windowShare), Stride: max(1, side/strideShare)}
	x, err := m.images.Occlusion(ctx, img, score, w, saliency.Surroundings)
	if err != nil {
		return nil, err
	}
	return w.Pixels(x.Map, side, side), nil
}

// pixels returns an image as the encoder sees it, normalised [H, W, 3].
func (e *explanation) pixels(at int) ([]float32, error) {
	o := e.loaderOptions([]int{at}, 1)
	o.Raw = false
	src, err := loader.New(imagesOf(e.cohort), o)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	var b data.Batch
	if err := src.Next(&b); err != nil {
		return nil, err
	}
	return slices.Clone(b.Image), nil
}

// findStage checks --stage.
func (e *explanation) findStage() error {
	if slices.Contains(e.stages(), e.set.Stage) {
		return nil
	}
	return usagef("explain: --stage: want %s, found %q%s", strings.Join(e.stages(), ", "), e.set.Stage, didYouMean(e.set.Stage, "", e.stages()))
}
