package main

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/train"
)

// explainRoom is what explaining takes, in bytes.
type explainRoom struct {
	Weights     int `json:"weights"`
	Embedding   int `json:"embedding"`   // the largest batch of images, while they are embedded
	Attribution int `json:"attribution"` // the modality that takes most, after it
	Host        int `json:"host"`        // rows, results and reference on the host
}

// Total returns the most that is held at a time.
func (r explainRoom) Total() int { return r.Weights + max(r.Embedding, r.Attribution) + r.Host }

func (r explainRoom) String() string {
	return fmt.Sprintf("%s: weights %s, embedding %s and then attribution %s, on the host %s", bytesText(r.Total()), bytesText(r.Weights), bytesText(r.Embedding), bytesText(r.Attribution), bytesText(r.Host))
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
	if free := e.free(); free > 0 && r.Total()-r.Weights > free { // the weights are there
		return r, &data.Problem{Code: codeExplainRoom, What: "explaining takes more memory than is free", Expected: "at most " + bytesText(free) + " beside the weights", Found: r.String(),
			Cause: "wide tables, large images or a large reference on a small machine", Fix: "a smaller --reference, fewer --method, fewer --modalities, or a larger machine"}
	}
	return r, nil
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
		r.Host = max(r.Host, g.Rows()*(8*features+16*explain.NewTower(tower).Width())+4*n*features)
		g.Close()
		ref.Close()
	}
	return r, nil
}

func total(held []gpu.Held) int {
	n := 0
	for _, h := range held {
		n += h.Bytes
	}
	return n
}
