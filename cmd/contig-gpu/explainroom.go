package main

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/rank"
	"contig-gpu/model/explain/saliency"
	"contig-gpu/model/train"
)

// explainRoom is what explaining takes, in bytes.
type explainRoom struct {
	Weights     int `json:"weights"`
	Embedding   int `json:"embedding"`   // the largest batch of images, while they are embedded
	Attribution int `json:"attribution"` // the modality that takes most, after it
	Maps        int `json:"maps"`        // heat maps, after that
	Host        int `json:"host"`        // rows, results and reference on the host
}

// Total returns the most that is held at a time.
func (r explainRoom) Total() int {
	return gpu.Plus(r.Weights, max(r.Embedding, r.Attribution, r.Maps), r.Host)
}

func (r explainRoom) String() string {
	return fmt.Sprintf("%s: weights %s, embedding %s, then attribution %s, then heat maps %s; on the host %s", bytesText(r.Total()), bytesText(r.Weights), bytesText(r.Embedding), bytesText(r.Attribution), bytesText(r.Maps), bytesText(r.Host))
}

// plan counts what explaining takes, before anything is taken; E905 where it is more than is free.
func (e *explanation) plan() (explainRoom, error) {
	var ns []int
	for range e.cohort.Tables {
		ns = append(ns, 0)
	}
	for _, p := range e.parts {
		ns[p.at] = len(p.reference)
	}
	r, err := roomOf(e.dev, e.net.DType, e.model.Config(), ns, e.set.attribution(e.budget()))
	if err != nil {
		return r, err
	}
	dims := data.Dims{Batch: e.trained.Batch, Height: e.trained.ImageSize, Width: e.trained.ImageSize}
	for _, t := range e.model.Tables() {
		dims.Modalities, dims.Features = append(dims.Modalities, t.Name), append(dims.Features, t.Features)
	}
	if r.Embedding, err = train.EmbedMemory(e.net, dims); err != nil {
		return r, err
	}
	if r.Maps, err = e.roomOfMaps(); err != nil {
		return r, err
	}
	return r, r.fits(e.free())
}

// fits reports E905 where more is taken than is free beside the weights, which are there; free is 0 where it is not known.
func (r explainRoom) fits(free int) error {
	if free > 0 && r.Total()-r.Weights > free {
		return &data.Problem{Code: codeExplainRoom, What: "explaining takes more memory than is free", Expected: "at most " + bytesText(free) + " beside the weights", Found: r.String(),
			Cause: "wide tables, large images or a large reference on a small machine", Fix: "a smaller --reference, fewer --method, fewer --modalities, or a larger machine"}
	}
	return nil
}

// roomOfMaps counts what heat maps take, 0 where there are none.
func (e *explanation) roomOfMaps() (int, error) {
	if e.set.Maps == 0 {
		return 0, nil
	}
	plan, side := e.dev.Plan(), e.trained.ImageSize
	m, err := model.New(e.model.Config())
	if err != nil {
		return 0, err
	}
	if err := m.Weights().Place(plan, e.net.DType); err != nil {
		return 0, err
	}
	weights := total(plan.Allocated())
	images, err := saliency.New(saliency.Options{Device: plan, DType: e.net.DType, Encoder: m.Config().Encoder, Trunk: m.Trunk(), Height: side, Width: side, Rows: mapRows})
	if err != nil {
		return 0, err
	}
	defer images.Close()
	return total(plan.Allocated()) - weights, nil
}

// free returns the bytes of the device that are free, 0 where that is not known.
func (e *explanation) free() int {
	if card := e.dev.Card(); card != nil {
		return card.Free
	}
	return int(memory())
}

// budget is what attribution may take: a quarter of what is free.
func (e *explanation) budget() int { return e.free() / 4 }

// roomOf counts weights and attribution on planning devices. references are the persons of each modality's reference; 0: it is not explained.
func roomOf(dev *gpu.Device, dtype gpu.DType, cfg model.Config, references []int, set explain.Settings) (explainRoom, error) {
	var r explainRoom
	for i, n := range references {
		if n == 0 {
			continue
		}
		if err := fitsReference(cfg, i, n); err != nil {
			return r, err
		}
		plan := dev.Plan()
		m, err := model.New(cfg)
		if err != nil {
			return r, err
		}
		if err := m.Weights().Place(plan, dtype); err != nil {
			return r, err
		}
		r.Weights = total(plan.Allocated())
		none := make([]float64, n*cfg.Embedding)
		ref, err := explain.NewReference(plan, dtype, none, none, cfg.Embedding, cfg.Tau)
		if err != nil {
			return r, err
		}
		_, tower := m.Towers(i)
		features := cfg.Modalities[i].Features
		g, err := explain.NewGenetics(tower, explain.NewFunction(ref, explain.Loss, explain.GeneticsSide, cfg.Lambda), make([]float32, n*features), nil, set)
		if err != nil {
			return r, err
		}
		r.Attribution = max(r.Attribution, total(plan.Allocated())-r.Weights)
		r.Host = max(r.Host, gpu.Plus(gpu.Times(g.Rows(), gpu.Plus(8*features, 16*explain.NewTower(tower).Width())), gpu.Times(4, n, features), gpu.Times(16, rank.Replicates, features)))
		g.Close()
		ref.Close()
	}
	return r, nil
}

func total(held []gpu.Held) int {
	n := 0
	for _, h := range held {
		n = gpu.Plus(n, h.Bytes)
	}
	return n
}
