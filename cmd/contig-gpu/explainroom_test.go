package main

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/saliency"
)

// mapsConfig is a network with two modalities.
func mapsConfig(t *testing.T) model.Config {
	t.Helper()
	c := model.Config{Encoder: "resnet18", Genetics: "h1", Hidden: 8, Embedding: 8, Tau: 0.1, Lambda: 0.75, Weights: "mean", Pairs: "avoid"}
	for i, n := range []int{5, 9} {
		c.Modalities = append(c.Modalities, model.Modality{Name: string(rune('a' + i)), Features: n})
	}
	return c
}

// TestPlanOfMapsIsHeld: what heat maps are planned to take is what a GPU holds when they are made: of the match, and with a direction. A CPU holds no more.
func TestPlanOfMapsIsHeld(t *testing.T) {
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			if device == "cuda" && !emulated(t) {
				return
			}
			for _, along := range []int{-1, 1} {
				dev := gputest.Open(t, device, gpu.Options{Threads: 1})
				cfg := mapsConfig(t)
				plan := mapsOn{cfg, 32, []int{0, 6}, explain.Loss, along}
				want, err := plan.room(dev, gpu.F32)
				if err != nil {
					t.Fatal(err)
				}
				if got := heldByMaps(t, dev, plan); got > want || got < want/2 || device == "cuda" && got != want {
					t.Errorf("direction of modality %d: %d bytes are held, %d planned", along, got, want)
				}
			}
		})
	}
}

// heldByMaps makes maps of noise as explain does, and returns the most that the device held.
func heldByMaps(t *testing.T, dev *gpu.Device, m mapsOn) int {
	t.Helper()
	net, err := model.New(m.cfg)
	mustDo(t, err)
	mustDo(t, net.Weights().Place(dev, gpu.F32))
	weights, most := total(dev.Allocated()), 0
	images, err := saliency.New(saliency.Options{Device: dev, DType: gpu.F32, Encoder: m.cfg.Encoder, Trunk: net.Trunk(), Height: m.side, Width: m.side, Rows: mapRows})
	mustDo(t, err)
	defer images.Close()
	x := make([]float64, 3*m.side*m.side)
	for i := range x {
		x[i] = float64(i%7) - 3
	}
	maps := func(score saliency.Score) {
		t.Helper()
		_, err := images.Smooth(context.Background(), x, score, mapRows+1, func(int, []float64) {})
		mustDo(t, err)
		_, err = images.Occlusion(context.Background(), x, score, saliency.Window{Size: 16, Stride: 8}, saliency.Surroundings)
		mustDo(t, err)
		_, err = images.GradCAM(x, score, 1, 1)
		mustDo(t, err)
		most = max(most, total(dev.Allocated())-weights)
	}
	refs := make([]*explain.Reference, len(m.references))
	e := make([]float64, m.references[1]*m.cfg.Embedding)
	for i := range e {
		e[i] = float64(i%5) - 1.5
	}
	refs[1], err = explain.NewReference(dev, gpu.F32, e, e, m.cfg.Embedding, m.cfg.Tau)
	mustDo(t, err)
	match, err := saliency.NewMatch(saliency.MatchOptions{Device: dev, DType: gpu.F32, Model: net, References: refs, Of: m.of, Rows: mapRows})
	mustDo(t, err)
	match.Person([][]float64{nil, e[:m.cfg.Embedding]}, []float64{0, 1})
	maps(match)
	match.Close()
	refs[1].Close()
	if m.along >= 0 {
		score, err := saliency.NewAlong(dev, gpu.F32, net, m.along, mapRows)
		mustDo(t, err)
		defer score.Close()
		q, err := saliency.Direction(dev, gpu.F32, net, m.along, slices.Repeat([]float64{0.5}, m.cfg.Modalities[m.along].Features), 2)
		mustDo(t, err)
		score.Toward(q)
		a, err := saliency.DirectionArena(dev, gpu.F32, net, m.along) // as while Direction runs
		mustDo(t, err)
		defer a.Close()
		maps(score)
	}
	return most
}

// TestPlanExplainCountsAll: plan explain counts maps and tables where they are asked for.
func TestPlanExplainCountsAll(t *testing.T) {
	rooms := map[string]explainRoom{}
	args := []string{"plan", "explain", "--encoder", "resnet18", "--hidden", "8", "--embedding", "8", "--image-size", "32", "--batch", "2", "--device", "cpu", "--features", "7,5", "--json"}
	for name, more := range map[string][]string{"none": nil, "maps": {"--maps", "10", "--image-method", "smooth"}, "methods": {"--maps", "10", "--image-method", "smooth,ig,gradcam"}, "tables": {"--persons", "1000"}} {
		var r explainRoom
		mustDo(t, json.Unmarshal([]byte(must(t, append(args, more...)...)), &r))
		rooms[name] = r
	}
	none := rooms["none"]
	if none.Maps != 0 || none.Tables != 0 || rooms["maps"].Maps == 0 || rooms["maps"].Host <= none.Host || rooms["methods"].Host-rooms["maps"].Host != 2*10*2*8*32*32 {
		t.Errorf("%+v", rooms)
	}
	if r := rooms["tables"]; r.Tables != 4*1000*12 || r.Total()-none.Total() != r.Tables {
		t.Errorf("%+v", r)
	}
}
