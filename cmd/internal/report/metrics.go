// Package report turns a run's metrics into one HTML page that needs nothing but itself: curves as SVG,
// retrieval against chance, the cohort, the settings and a few images.
package report

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"

	"contig-gpu/model/eval"
)

// Loss is one modality's part of a step.
type Loss struct {
	Loss    float64 `json:"loss"`
	Present float64 `json:"present"` // rows that have it, of a step
}

// UnmarshalJSON takes a step's object or an evaluation's number.
func (l *Loss) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &l.Loss) == nil {
		return nil
	}
	type plain Loss
	return json.Unmarshal(b, (*plain)(l))
}

// Row is one line of metrics.jsonl; Kind is step, validation or test.
type Row struct {
	Kind      string                    `json:"kind"`
	Time      float64                   `json:"time"` // seconds since 1970; 0: of an older version
	Step      int                       `json:"step"`
	Epoch     int                       `json:"epoch"`
	Loss      float64                   `json:"loss"`
	Losses    map[string]Loss           `json:"losses"`
	LR        float64                   `json:"lr"`
	GradNorm  float64                   `json:"grad_norm"`
	Rate      float64                   `json:"images_per_second"`
	Retrieval map[string]eval.Retrieval `json:"retrieval"`
	Sets      map[string]eval.SetLoss   `json:"sets"`
	LossScale float64                   `json:"loss_scale"` // f16
	Idle      *float64                  `json:"gpu_idle"`
	Seconds   Seconds                   `json:"seconds"`    // that the time before it went into
	Tested    string                    `json:"checkpoint"` // of a test: best or last
}

// Kinds of rows that tell of lines which hold no metrics.
const (
	Unreadable = "unreadable" // the line is no JSON
	Lost       = "lost"       // resuming found it gone, and marked its place
)

// ReadMetrics reads metrics.jsonl. Lines that cannot be read have rows of Kind Unreadable, but for a last one that a crash cut
// short, which is left out: a log that was damaged still has all its other lines.
func ReadMetrics(r io.Reader) ([]Row, error) {
	var rows []Row
	for b := bufio.NewReader(r); ; {
		line, err := b.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return rows, err
		}
		var row Row
		switch json.Unmarshal(line, &row) {
		case nil:
			rows = append(rows, row)
		default:
			if err == nil {
				rows = append(rows, Row{Kind: Unreadable})
			}
		}
		if err == io.EOF {
			return rows, nil
		}
	}
}

// Of returns the rows of one kind, in order.
func Of(rows []Row, kind string) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Kind != kind })
}
