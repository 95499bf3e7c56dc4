package train

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/eval"
	"contig-gpu/model/train/engine"
	"contig-gpu/model/train/traintest"
)

// TestHeldoutIsTold: each evaluation leaves what a report shows, the same by the same seed; that of the test is of the checkpoint that was
// tested and has participants of all splits.
func TestHeldoutIsTold(t *testing.T) {
	slow(t)
	c := longer(t)
	var told [2][]string
	for k := range told {
		o := options(c, filepath.Join(t.TempDir(), "run"))
		o.Config.Threads = 1 + k
		steps := map[EventKind]int{}
		o.Progress = func(e Event) {
			if e.Kind != Validated && e.Kind != Tested {
				return
			}
			holdHeldout(t, o.Cohort, e)
			steps[e.Kind] = e.Heldout.Step
			text, err := json.Marshal(e.Heldout)
			if err != nil {
				t.Error(err)
			}
			told[k] = append(told[k], string(text))
		}
		s := mustRun(t, o)
		if steps[Validated] != s.Steps || steps[Tested] != s.BestStep {
			t.Errorf("steps %v, want %d and %d", steps, s.Steps, s.BestStep)
		}
	}
	if len(told[0]) < 3 || !slices.Equal(told[0], told[1]) {
		t.Errorf("%d and %d evaluations, which differ by the number of threads", len(told[0]), len(told[1]))
	}
}

func holdHeldout(t *testing.T, c *data.Cohort, e Event) {
	t.Helper()
	h, splits := e.Heldout, map[string]bool{}
	for i, p := range h.Map.Persons {
		name := h.Map.Splits[h.Map.Split[i]]
		if splits[name] = true; c.Persons[p].Split.String() != name {
			t.Errorf("dot %d is of %s", i, name)
		}
	}
	want := map[EventKind]string{Validated: "map[validation:true]", Tested: "map[test:true train:true validation:true]"}[e.Kind]
	if fmt.Sprint(splits) != want || h.Encoder.Persons < 2 || h.Encoder.Dimensions != 512 {
		t.Errorf("splits %v, want %s; %+v", splits, want, h.Encoder)
	}
	for name, r := range e.Retrieval {
		got := h.Recall[name]
		for i, k := range got.K {
			if k == 10 && (abs(got.ToGenetics[i]-r.ImageToGenetics.R10) > 1e-5 || abs(got.ToImage[i]-r.GeneticsToImage.R10) > 1e-5) {
				t.Errorf("%s: recall@10 %v and %v, want %+v", name, got.ToGenetics[i], got.ToImage[i], r)
			}
		}
		if name != AllName && (h.Images[name].Persons < 2 || h.Genetics[name].Persons < 2 || h.Match[name].Own < 0 || h.Match[name] == (eval.Match{})) {
			t.Errorf("%s: %+v, %+v, %+v", name, h.Images[name], h.Genetics[name], h.Match[name])
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

// TestGlimpse: of many participants those evenly from all, each by the mean of the images; of the wanted ones alone.
func TestGlimpse(t *testing.T) {
	c := &data.Cohort{}
	for i := range 20 {
		c.Persons = append(c.Persons, data.Person{Split: data.Split(i % 2), Images: []int{2 * i, 2*i + 1}})
	}
	g := glimpseOf(c, data.Validation, 5)
	for i := range 20 {
		for k := range 2 {
			g.add(&data.Batch{N: 1, Person: []int32{int32(i)}}, engine.Swept{Features: []float64{float64(i + k), 7}})
		}
	}
	if got := fmt.Sprint(g.persons()); got != "[1 5 9 13 17]" {
		t.Errorf("persons %s", got)
	}
	for _, d := range g.dots(c) {
		if d.Features[0] != float64(d.Person)+0.5 || d.Features[1] != 7 || d.Split != "validation" {
			t.Errorf("%+v", d)
		}
	}
	few := newGlimpse(3)
	for i := range 9 {
		few.add(&data.Batch{N: 1, Person: []int32{int32(i % 4)}}, engine.Swept{Features: []float64{1}})
	}
	if got := fmt.Sprint(few.persons()); got != "[0 1 2]" {
		t.Errorf("the first three: %s", got)
	}
}

// counted is a source of numbered batches.
type counted struct {
	data.Source
	at int
}

func (s *counted) Batches() int          { return 10 }
func (s *counted) Reset(_, at int) error { s.at = at; return nil }
func (s *counted) Next(b *data.Batch) error {
	b.N = s.at
	s.at++
	return nil
}

// TestSomeBatches are evenly from all, and end.
func TestSomeBatches(t *testing.T) {
	s, got := &someBatches{Source: &counted{}, n: 4}, []int{}
	var b data.Batch
	for s.Next(&b) == nil {
		got = append(got, b.N)
	}
	if fmt.Sprint(got) != "[0 2 5 7]" || s.Next(&b) != io.EOF {
		t.Errorf("batches %v", got)
	}
}

// TestTimeIsSharedOut: every line of the metrics says what the time since the one before went into, and together that is the training's.
func TestTimeIsSharedOut(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, options(longer(t), dir))
	sums := map[string]float64{}
	var first, last float64
	for _, l := range traintest.Lines(t, dir) {
		at := l["time"].(float64)
		if first == 0 {
			first = at
		}
		last = at
		seconds := l["seconds"].(map[string]any)
		for k, v := range seconds {
			sums[k] += v.(float64)
			if v.(float64) < 0 {
				t.Errorf("%s took %v", k, v)
			}
		}
		if _, ok := seconds["evaluation"]; ok == (l["kind"] == "step") {
			t.Errorf("%v: %v", l["kind"], seconds)
		}
	}
	total := sums["step"] + sums["load"] + sums["evaluation"] + sums["checkpoint"]
	if len(sums) != 4 || sums["step"] == 0 || sums["evaluation"] == 0 || sums["checkpoint"] == 0 || total < last-first-0.1 {
		t.Errorf("%v of %v", sums, last-first)
	}
}
