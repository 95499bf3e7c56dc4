// Package report turns a run's metrics into one HTML page that needs nothing but itself: curves as SVG,
// retrieval against chance, the cohort, the settings and a few images.
package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"contig-gpu/model/eval"
)

// Loss is one modality's part of a step.
type Loss struct {
	Loss float64 `json:"loss"`
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
	Step      int                       `json:"step"`
	Epoch     int                       `json:"epoch"`
	Loss      float64                   `json:"loss"`
	Losses    map[string]Loss           `json:"losses"`
	LR        float64                   `json:"lr"`
	GradNorm  float64                   `json:"grad_norm"`
	Rate      float64                   `json:"images_per_second"`
	Retrieval map[string]eval.Retrieval `json:"retrieval"`
}

// ReadMetrics reads metrics.jsonl. A last line that a crash cut short is left out.
func ReadMetrics(r io.Reader) ([]Row, error) {
	var rows []Row
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	var broken error
	for line := 1; s.Scan(); line++ {
		if broken != nil {
			return nil, broken
		}
		var row Row
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			broken = fmt.Errorf("report: line %d of the metrics: %w", line, err)
			continue
		}
		rows = append(rows, row)
	}
	return rows, s.Err()
}

// Of returns the rows of one kind, in order.
func Of(rows []Row, kind string) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Kind != kind })
}
