package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/eval"
	"contig-gpu/model/train/engine"
)

// A StepLine is one step of metrics.jsonl.
type StepLine struct {
	Kind            string              `json:"kind"` // step
	Step            int                 `json:"step"`
	Epoch           int                 `json:"epoch"`
	Loss            float64             `json:"loss"`
	Losses          map[string]TermLine `json:"losses"` // by term: of ContIG, by modality
	LR              float64             `json:"lr"`
	GradNorm        float64             `json:"grad_norm"`
	ImagesPerSecond float64             `json:"images_per_second"`
	GPUIdle         *float64            `json:"gpu_idle,omitempty"`
	Time            float64             `json:"time"`                 // when it was written, in seconds since 1970
	Skipped         bool                `json:"skipped,omitempty"`    // f16: the gradient left its range, and nothing was changed
	LossScale       float64             `json:"loss_scale,omitempty"` // f16: what the next step's loss is multiplied by
	Seconds         Seconds             `json:"seconds"`

	images int
}

// Seconds say what the time since the line of metrics.jsonl before went into, in this session.
type Seconds struct {
	Step       float64 `json:"step,omitempty"`       // what the others leave: computing
	Load       float64 `json:"load,omitempty"`       // waiting for batches
	Evaluation float64 `json:"evaluation,omitempty"` // of an evaluation's line
	Checkpoint float64 `json:"checkpoint,omitempty"` // writing checkpoints
}

// A stopwatch shares out the time of a training.
type stopwatch struct {
	Seconds
	last time.Time // when it was last read; zero: not yet
}

// start begins the first share, once.
func (w *stopwatch) start() {
	if w.last.IsZero() {
		w.last = time.Now()
	}
}

// spend adds the time since began to one of the shares.
func spend(on *float64, began time.Time) { *on += time.Since(began).Seconds() }

// read returns the shares since it was last read, to the tenth of a millisecond.
func (w *stopwatch) read(now time.Time) Seconds {
	s := w.Seconds
	if !w.last.IsZero() {
		s.Step = max(0, now.Sub(w.last).Seconds()-s.Load-s.Evaluation-s.Checkpoint)
	}
	*w = stopwatch{last: now}
	for _, v := range []*float64{&s.Step, &s.Load, &s.Evaluation, &s.Checkpoint} {
		*v = math.Round(*v*1e4) / 1e4
	}
	return s
}

// clock returns the time in seconds since 1970, to the millisecond.
func clock() float64 { return float64(time.Now().UnixMilli()) / 1e3 }

// A pace is the speed of the last two steps: of one alone it would tell little, since a step that is read late may have been
// done long before.
type pace struct {
	before, last time.Time // ends of steps
	images       int       // between them
}

// begin says that the steps to come follow none.
func (p *pace) begin(now time.Time) { *p = pace{before: now, last: now} }

// step returns the images per second when a step ends.
func (p *pace) step(images int, now time.Time) float64 {
	rate := float64(p.images+images) / max(now.Sub(p.before).Seconds(), 1e-9)
	*p = pace{p.last, now, images}
	return rate
}

// A TermLine is one term's part of a step: its values by the objective's names for them, the mean over the batches of the
// step, and of the rows present the sum.
type TermLine map[string]float64

// lineOf returns the line of what a step left.
func (t *trainer) lineOf(r engine.Result) StepLine {
	line := StepLine{Kind: "step", Step: r.Step, Epoch: (r.Step-1)/t.perEpoch + 1, Loss: r.Loss, Losses: map[string]TermLine{}, LR: r.LR, GradNorm: r.GradNorm,
		GPUIdle: r.GPUIdle, Skipped: r.Skipped, images: r.Images}
	if t.dtype == gpu.F16 {
		line.LossScale = t.engine.LossScale()
	}
	terms := t.engine.Objective().Terms()
	for i, name := range terms.Names {
		line.Losses[name] = TermLine{}
		for k, value := range terms.Values {
			if value != "" {
				line.Losses[name][value] = r.Terms[i][k]
			}
		}
	}
	return line
}

// An evaluationLine is one evaluation of metrics.jsonl.
type evaluationLine struct {
	Kind       string                    `json:"kind"` // validation or test
	Step       int                       `json:"step"`
	Time       float64                   `json:"time"` // as of a StepLine
	Loss       float64                   `json:"loss"`
	Losses     map[string]float64        `json:"losses"`
	Retrieval  map[string]eval.Retrieval `json:"retrieval,omitempty"`
	Sets       map[string]eval.SetLoss   `json:"sets,omitempty"`
	Metrics    map[string]float64        `json:"metrics,omitempty"`    // of a Judge
	Checkpoint string                    `json:"checkpoint,omitempty"` // test: best or last
	Seconds    Seconds                   `json:"seconds"`
}

func (t *trainer) evaluationOf(kind string, step int, e *Evaluated) evaluationLine {
	var metrics map[string]float64
	if e.Judged != nil {
		metrics = e.Judged.Metrics
	}
	return evaluationLine{Metrics: metrics, Seconds: t.watch.read(time.Now()), Kind: kind, Step: step, Time: clock(), Loss: e.Loss, Losses: e.Losses, Retrieval: e.Retrieval, Sets: e.Sets}
}

// A metricsLog appends lines to metrics.jsonl, where this rank has it, and counts them. The count is what a checkpoint keeps: unlike the
// length it does not depend on the speed of the machine.
type metricsLog struct {
	f     *os.File // nil: another rank has it
	lines int
}

// lostLine stands in metrics.jsonl for a line that was there once.
const lostLine = "{\"kind\":\"lost\"}\n"

// openMetrics opens path and cuts it to its first n lines. A log does not decide over a model: lines that are not there are
// marked as lost, and counted.
func openMetrics(path string, n int) (l *metricsLog, lost int, err error) {
	raw, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, 0, err
	}
	size, have := 0, 0
	for ; have < n; have++ {
		j := bytes.IndexByte(raw[size:], '\n')
		if j < 0 {
			break
		}
		size += j + 1
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, 0, err
	}
	err = f.Truncate(int64(size))
	if err == nil {
		_, err = f.WriteAt(bytes.Repeat([]byte(lostLine), n-have), int64(size))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return &metricsLog{f, n}, n - have, nil
}

func (l *metricsLog) append(line any) error {
	b, err := json.Marshal(line)
	var odd *json.UnsupportedValueError
	if errors.As(err, &odd) {
		return &data.Problem{Code: engine.CodeNotFinite, What: "a value of the training is not finite", Found: odd.Str, Expected: "finite values",
			Cause: "the learning rate is too high, or an input has extreme values", Fix: "lower --lr, or set --clip 1, and begin anew"}
	}
	if err != nil {
		return err
	}
	l.lines++
	if l.f == nil {
		return nil
	}
	if _, err := l.f.Write(append(b, '\n')); err != nil {
		return err
	}
	return nil
}

func (l *metricsLog) sync() error {
	if l.f == nil {
		return nil
	}
	return l.f.Sync()
}

func (l *metricsLog) close() error {
	if l == nil || l.f == nil {
		return nil
	}
	return l.f.Close()
}
