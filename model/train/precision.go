package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/build"
	"contig-gpu/model/optim"
)

// On a GPU with both types of 16 bits `auto` is the faster of them for the network and its sizes. It is what the run began with, where it is
// resumed; else what was found on this kind of GPU before; else steps are timed. Of several ranks rank 0 decides.

// margin is the share by which another precision must be faster than the first of gpu.Device.Auto to be taken: more than what the best windows of
// one precision differ by.
const margin = 0.03

// A decision says what auto stands for, and why.
type decision struct {
	precision string
	why       string
}

// A stepTime is the time of a step in a precision.
type stepTime struct {
	Precision    string  `json:"precision"`
	Milliseconds float64 `json:"milliseconds"`
	err          error   // why there is none
}

// undecided reports whether auto may stand for several precisions, on this rank or on rank 0.
func (t *trainer) undecided() bool {
	return t.o.Config.Precision == auto && t.dev != nil && t.dev.GPU() != nil && (t.several() || len(t.choices()) > 1)
}

// choices are the precisions that auto may stand for. f16 needs the length of the gradient.
func (t *trainer) choices() []string {
	all := t.dev.Auto()
	if t.omit.Norm {
		return all[:1]
	}
	return all
}

// settlePrecision decides what auto stands for. Whatever a rank has come to, its err so far included, all take part.
func (t *trainer) settlePrecision(err error) error {
	if !t.undecided() {
		return err
	}
	d := decision{}
	if err == nil && t.writes() {
		d, err = t.decide()
	}
	if t.several() {
		d, err = t.shareDecision(d, err)
	}
	if err != nil {
		return err
	}
	if t.dtype, t.cfg.Precision, err = t.dev.Precision(d.precision); err == nil {
		t.event(Event{Kind: Chosen, Precision: d.precision, Text: fmt.Sprintf("precision: %s%s", d.precision, d.why)})
	}
	return err
}

// shareDecision gives all ranks rank 0's decision, or the knowledge that it has failed.
func (t *trainer) shareDecision(d decision, err error) (decision, error) {
	all := gpu.Precisions()
	first, lost := t.dev.FromRank0(float64(slices.Index(all, d.precision)))
	switch {
	case err != nil || lost != nil:
		return d, errors.Join(err, lost)
	case first < 0:
		return d, errors.New("rank 0 has not come to a precision")
	case t.writes():
		return d, nil
	}
	return decision{all[int(first)], ", as rank 0 says"}, nil
}

// decide says what auto stands for on this rank.
func (t *trainer) decide() (decision, error) {
	choices := t.choices()
	if len(choices) == 1 {
		return decision{choices[0], ""}, nil
	}
	if t.o.Resume {
		if s := StandingOf(t.o.Dir); s != nil && slices.Contains(choices, s.Config.Precision) {
			return decision{s.Config.Precision, ", as the run has it"}, nil
		}
	}
	key, err := t.precisionKey()
	if err != nil {
		return decision{}, err
	}
	var times []stepTime
	if json.Unmarshal(t.dev.Recall(precisionNote, key), &times) == nil && complete(times, choices) {
		return fastest(times, "timed at an earlier start"), nil
	}
	if times, err = t.timePrecisions(choices); err != nil {
		return decision{}, err
	}
	if complete(times, choices) {
		text, err := json.Marshal(times)
		if err != nil {
			return decision{}, err
		}
		t.dev.Remember(precisionNote, key, text)
	}
	return fastest(times, "timed now"), nil
}

// complete reports whether there is a time of each precision.
func complete(times []stepTime, of []string) bool {
	var has []string
	for _, x := range times {
		if x.err == nil && x.Milliseconds > 0 {
			has = append(has, x.Precision)
		}
	}
	return slices.Equal(has, of)
}

// fastest takes the first precision unless another is faster by the margin; how says where the times are from. What has no time is taken
// where nothing has: then the training says what is wrong.
func fastest(times []stepTime, how string) decision {
	best := times[0]
	for _, x := range times[1:] {
		if x.err == nil && (best.err != nil || x.Milliseconds < (1-margin)*best.Milliseconds) {
			best = x
		}
	}
	why := ": steps could not be timed"
	if best.err == nil {
		why = fmt.Sprintf(", %.4g ms a step, %s", best.Milliseconds, how)
	}
	for _, x := range times {
		switch {
		case x.err != nil:
			why += fmt.Sprintf("; %s: %s", x.Precision, firstLine(shortly(x.err)))
		case x.Precision != best.Precision && x.Milliseconds < best.Milliseconds:
			why += fmt.Sprintf("; %s %.4g ms, which is not %g %% less", x.Precision, x.Milliseconds, 100*margin)
		case x.Precision != best.Precision:
			why += fmt.Sprintf("; %s %.4g ms", x.Precision, x.Milliseconds)
		}
	}
	return decision{best.Precision, why}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// precisionNote is what times of steps are kept as.
const precisionNote = "precision of steps"

// precisionFormat changes whenever what is timed does.
const precisionFormat = 1

// precisionKey is all that the time of a step depends on beside the kind of GPU and the version of cuDNN: what it returns for two trainings
// is the same where one may take the other's times.
func (t *trainer) precisionKey() (string, error) {
	c, g := t.trialConfig(auto), t.dev.GPU()
	libraries := []string{fmt.Sprint("CUDA ", g.Driver)}
	for _, l := range g.Libraries {
		libraries = append(libraries, l.Name+" "+l.Version)
	}
	network, outputs := c.objective(), 0
	network.Model.Modalities = slices.Clone(network.Model.Modalities)
	for i := range network.Model.Modalities {
		network.Model.Modalities[i].Name = ""
	}
	if network.Head != nil {
		head := *network.Head
		outputs, head.Names, head.Center, head.Scale = len(head.Names), nil, nil, nil
		network.Head = &head
	}
	forms := make([]int, len(t.table)) // bits of a feature
	for i, p := range t.table {
		forms[i] = p.Bits
	}
	text, err := json.Marshal(struct {
		Format           int
		Libraries        []string
		Network          build.Config
		Outputs          int
		Optimizer        string
		Clip, EMA        bool
		Frozen           bool
		Batch            int // of a rank
		Image, PixelSide int
		Tables           []int
		Deterministic    bool
		Graph            bool
	}{precisionFormat, libraries, network, outputs, c.Optimizer.Name, c.Clip > 0, c.EMA > 0, c.Freezing.Always, c.Batch, c.ImageSize, t.dims.PixelSide, forms, c.Deterministic, !t.omit.Graph})
	return string(text), err
}

// trialConfig are the settings of steps that are timed: those of the training on this rank's share of a batch, alone, at a learning rate of
// 0, so that nothing diverges. What ranks exchange is the same in both types.
func (t *trainer) trialConfig(precision string) Config {
	c := t.cfg
	c.Precision, c.Batch, c.Accumulate = precision, t.dims.Batch, 1
	c.Epochs, c.MaxSteps, c.Schedule, c.Warmup, c.Optimizer.LR, c.Freezing.Epochs, c.Freezing.LR = 1, 0, optim.ConstantName, 0, 0, 0, 0
	return c
}

// trialRounds is how often precisions take turns: a clock that drifts drifts for all.
const trialRounds = 2

// timePrecisions times steps in each precision with a batch of the training, on the GPU opened once more. Of the run it touches nothing. The
// error is that of the batch.
func (t *trainer) timePrecisions(choices []string) ([]stepTime, error) {
	f, err := t.feed(data.Train, true)
	if err != nil {
		return nil, err
	}
	src, err := t.o.NewSource(f)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	same := &sameBatch{Source: src}
	if err := src.Reset(0, 0); err != nil {
		return nil, err
	}
	if err := src.Next(&same.batch); err != nil {
		return nil, err
	}
	same.batch.Whole = data.Whole{}
	times := make([]stepTime, len(choices))
	dev, err := t.dev.Again()
	if err == nil {
		defer dev.Close()
	}
	for i, p := range choices {
		times[i] = stepTime{p, math.Inf(1), err}
	}
	for range trialRounds {
		for i := range times {
			x := &times[i]
			if x.err != nil {
				continue
			}
			var took time.Duration
			if took, x.err = t.trial(dev, x.Precision, same); x.err == nil {
				x.Milliseconds = min(x.Milliseconds, float64(took)/float64(time.Millisecond))
			}
		}
	}
	return times, nil
}

// A sameBatch is a source of one batch, again and again.
type sameBatch struct {
	data.Source
	batch data.Batch
}

// endless is a number of batches that no trial comes to the end of.
const endless = 1 << 30

func (s *sameBatch) Batches() int             { return endless }
func (s *sameBatch) Reset(int, int) error     { return nil }
func (s *sameBatch) Next(b *data.Batch) error { *b = s.batch; return nil }
func (s *sameBatch) Close() error             { return nil }

// trial returns the time of a step in a precision on dev, which stays open.
func (t *trainer) trial(dev *gpu.Device, precision string, src data.Source) (time.Duration, error) {
	o := &Options{Config: t.trialConfig(precision), Cohort: t.o.Cohort, NewSource: func(Feed) (data.Source, error) { return src, nil }}
	s := newStepper(newTrainerOn(dev, o), t.omit)
	s.t.table = t.table
	defer func() {
		s.t.dev = nil
		s.Close()
	}()
	if err := s.t.setUp(); err != nil {
		return 0, err
	}
	took, err := s.pace()
	return took, errors.Join(err, dev.Sync())
}
