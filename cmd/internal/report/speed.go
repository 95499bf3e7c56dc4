package report

import (
	"fmt"
	"math"
)

// A Session is one process that worked on a run.
type Session struct {
	Started string `json:"started"` // RFC 3339, with the zone
	Ended   string `json:"ended"`   // as far as it is known
	Host    string `json:"host,omitempty"`
	Device  string `json:"device,omitempty"`
	From    int    `json:"from_step"` // steps done when it began
	To      int    `json:"to_step"`   // and when it ended
}

// speed are the learning rate, the gradient norm with its limit, the loss scale where there is one, the speed, and how much the GPU waited.
func (p panels) speed(clip float64) []figure {
	steps := Of(p.rows, "step")
	if len(steps) == 0 {
		return nil
	}
	limit := math.NaN()
	if clip > 0 {
		limit = clip
	}
	one := func(title, name string, level float64, c Curve) chart {
		return chart{Title: title, Modality: -1, Level: level, LevelName: "clipped to", Resumed: p.resumed, Points: p.points, Series: []series{{Curve: Curve{name, c.X, c.Y}, Mark: -1}}}
	}
	value := func(f func(Row) float64) Curve { return curve("", steps, f) }
	charts := []chart{
		one("Learning rate", "learning rate", math.NaN(), value(func(r Row) float64 { return r.LR })),
		one("Gradient norm (smoothed)", "gradient norm", limit, smooth(value(func(r Row) float64 { return r.GradNorm }))),
		one("Images per second (smoothed)", "images per second", math.NaN(), smooth(value(func(r Row) float64 { return r.Rate }))),
	}
	if steps[len(steps)-1].LossScale > 0 {
		charts = append(charts, one("Loss scale (power of two)", "log2 of the loss scale", math.NaN(), value(func(r Row) float64 { return math.Log2(r.LossScale) })))
	}
	if steps[len(steps)-1].Idle != nil {
		charts = append(charts, one("GPU idle, % (smoothed)", "GPU idle, %", math.NaN(), smooth(value(func(r Row) float64 {
			if r.Idle == nil {
				return math.NaN()
			}
			return 100 * *r.Idle
		}))))
	}
	var out []figure
	for _, c := range charts {
		out = append(out, drawn(c))
	}
	return out
}

// A Seconds is what the time before a line of metrics.jsonl went into.
type Seconds struct {
	Step       float64 `json:"step"`
	Load       float64 `json:"load"`
	Evaluation float64 `json:"evaluation"`
	Checkpoint float64 `json:"checkpoint"`
}

// A share is a part of the time, in percent.
type share struct {
	Name    string
	Percent float64
	Seconds float64
	Hue     string
}

// Text says it in words.
func (s share) Text() string { return fmt.Sprintf("%s %.1f %%", s.Name, s.Percent) }

// shares says what the time of a training went into; nothing of older runs.
func shares(rows []Row) []share {
	out := []share{{Name: "steps"}, {Name: "waiting for images"}, {Name: "evaluation"}, {Name: "checkpoints"}}
	total := 0.0
	for _, r := range rows {
		for i, v := range []float64{r.Seconds.Step, r.Seconds.Load, r.Seconds.Evaluation, r.Seconds.Checkpoint} {
			if finite(v) && v > 0 {
				out[i].Seconds += v
				total += v
			}
		}
	}
	if total == 0 {
		return nil
	}
	for i := range out {
		out[i].Percent, out[i].Hue = 100*out[i].Seconds/total, hue(i)
	}
	return out
}
