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
	Host        int `json:"host"`        // rows, results, reference and maps on the host
	Tables      int `json:"tables"`      // of the cohort, on the host
}

// Total returns the most that is held at a time.
func (r explainRoom) Total() int {
	return gpu.Plus(r.Weights, max(r.Embedding, r.Attribution, r.Maps), r.Host, r.Tables)
}

func (r explainRoom) String() string {
	return fmt.Sprintf("%s: weights %s, embedding %s, then attribution %s, then heat maps %s; on the host %s, and the cohort's tables %s", bytesText(r.Total()), bytesText(r.Weights), bytesText(r.Embedding), bytesText(r.Attribution), bytesText(r.Maps), bytesText(r.Host), bytesText(r.Tables))
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
	r, err := roomOf(e.dev, e.net.DType, e.model.Config(), ns, e.set.attribution(e.budget()), e.exact)
	if err != nil {
		return r, err
	}
	dims := data.Dims{Batch: min(e.trained.Batch, mostTogether), Height: e.trained.ImageSize, Width: e.trained.ImageSize}
	for _, t := range e.model.Tables() {
		dims.Modalities, dims.Features = append(dims.Modalities, t.Name), append(dims.Features, t.Features)
	}
	if r.Embedding, err = train.EmbedMemory(e.net, dims); err != nil {
		return r, err
	}
	if r.Maps, err = e.roomOfMaps(ns); err != nil {
		return r, err
	}
	scores := len(e.parts)
	if e.direction != nil {
		scores++
	}
	r.Host += hostOfMaps(min(e.set.Maps, len(e.persons)), scores, len(e.set.imageMethods), e.trained.ImageSize)
	r.Tables = e.cohort.TableBytes()
	return r, r.fits(e.free())
}

// fits reports E905 where more is taken than is free beside the weights and tables, which are there; free is 0 where it is not known.
func (r explainRoom) fits(free int) error {
	if free > 0 && r.Total()-r.Weights-r.Tables > free {
		return &data.Problem{Code: codeExplainRoom, What: "explaining takes more memory than is free", Expected: "at most " + bytesText(free) + " beside the weights and tables", Found: r.String(),
			Cause: "wide tables, large images or a large reference on a small machine", Fix: "a smaller --reference, fewer --method, fewer --modalities, or a larger machine"}
	}
	return nil
}

// hostOfMaps counts what maps of so many persons hold on the host: of each score the images, and by each method a value a pixel; and the batch that is filled.
func hostOfMaps(persons, scores, methods, side int) int {
	if persons == 0 {
		return 0
	}
	return side * side * (persons*scores*(3*4+8*methods) + mapRows*3*8)
}

// mapsOn names what heat maps are made of on a planning device: the network, the side of images, the references, and whether one of a feature is made.
type mapsOn struct {
	cfg        model.Config
	side       int
	references []int // persons of each modality's; 0: it is not explained
	of         explain.Of
	along      int // the modality of --direction; -1: there is none
}

// roomOfMaps counts what heat maps take, 0 where there are none.
func (e *explanation) roomOfMaps(references []int) (int, error) {
	if e.set.Maps == 0 {
		return 0, nil
	}
	along := -1
	if e.direction != nil {
		along = e.direction.part.at
	}
	return mapsOn{e.model.Config(), e.trained.ImageSize, references, e.set.of, along}.room(e.dev, e.net.DType)
}

// A tally follows what is held on a planning device, beyond what was at first. A GPU keeps the largest scratch memory that was asked for, a CPU
// a block for each kind of operation; a planning device adds all up, which for a CPU is as much or more.
type tally struct {
	plan            *gpu.Device
	weights, before int // bytes at first; scratch before the latest step
	scratch, most   int // what the device keeps; the most that was held, without scratch
	largest         int // of a step
}

// step notes what is held after something was made.
func (t *tally) step() {
	scratch := 0
	for _, h := range t.plan.Allocated() {
		if h.Name == "scratch" {
			scratch = h.Bytes
		}
	}
	t.most = max(t.most, total(t.plan.Allocated())-scratch-t.weights)
	if t.scratch = scratch; t.plan.GPU() != nil {
		t.largest = max(t.largest, scratch-t.before)
		t.scratch = t.largest
	}
	t.before = scratch
}

// room counts the encoder's passes, held throughout, and of scores the one that takes most: they are made and closed one after the other.
func (m mapsOn) room(dev *gpu.Device, dtype gpu.DType) (int, error) {
	plan := dev.Plan()
	net, err := model.New(m.cfg)
	if err != nil {
		return 0, err
	}
	if err := net.Weights().Place(plan, dtype); err != nil {
		return 0, err
	}
	t := tally{plan: plan, weights: total(plan.Allocated())}
	images, err := saliency.New(saliency.Options{Device: plan, DType: dtype, Encoder: m.cfg.Encoder, Trunk: net.Trunk(), Height: m.side, Width: m.side, Rows: mapRows})
	if err != nil {
		return 0, err
	}
	defer images.Close()
	t.step()
	for i, n := range m.references {
		if n > 0 {
			if err := m.match(&t, net, dtype, i, n); err != nil {
				return 0, err
			}
		}
	}
	if m.along >= 0 {
		score, err := saliency.NewAlong(plan, dtype, net, m.along, mapRows)
		if err != nil {
			return 0, err
		}
		defer score.Close()
		t.step()
		a, err := saliency.DirectionArena(plan, dtype, net, m.along)
		if err != nil {
			return 0, err
		}
		defer a.Close()
		t.step()
	}
	return t.most + t.scratch, nil
}

// match counts the score of modality i against n persons.
func (m mapsOn) match(t *tally, net *model.Model, dtype gpu.DType, i, n int) error {
	refs, none := make([]*explain.Reference, len(m.references)), make([]float64, n*m.cfg.Embedding)
	var err error
	if refs[i], err = explain.NewReference(t.plan, dtype, none, none, m.cfg.Embedding, m.cfg.Tau); err != nil {
		return err
	}
	defer refs[i].Close()
	t.step()
	score, err := saliency.NewMatch(saliency.MatchOptions{Device: t.plan, DType: dtype, Model: net, References: refs, Of: m.of, Rows: mapRows})
	if err != nil {
		return err
	}
	defer score.Close()
	t.step()
	return nil
}

// free returns the bytes of the device that are free, 0 where that is not known.
func (e *explanation) free() int {
	if g := e.dev.GPU(); g != nil {
		return g.Free
	}
	return int(memory())
}

// budget is what attribution may take: a quarter of what is free.
func (e *explanation) budget() int { return e.free() / 4 }

// roomOf counts weights and attribution on planning devices. references are the persons of each modality's reference; 0: it is not explained. exact is the explanation's.
func roomOf(dev *gpu.Device, dtype gpu.DType, cfg model.Config, references []int, set explain.Settings, exact *gpu.Device) (explainRoom, error) {
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
		beside := 0
		switch {
		case exact == dev:
			set.Exact = plan
		case exact != nil:
			set.Exact = exact.Plan()
		}
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
		if set.Exact != nil && set.Exact != plan {
			beside = total(set.Exact.Allocated())
		}
		r.Host = max(r.Host, gpu.Plus(beside, gpu.Times(g.Rows(), gpu.Plus(8*features, 16*explain.NewTower(tower).Width())), gpu.Times(4, n, features), gpu.Times(16, rank.Replicates, features)))
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
