package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/eval"
	"contig-gpu/model/train"
)

// A trainResult is what `train --json` prints at the end.
type trainResult struct {
	Run        string            `json:"run"`
	Status     string            `json:"status"` // finished, stopped, nothing to do or dry run
	Steps      int               `json:"steps"`  // done
	Total      int               `json:"total_steps"`
	Seconds    float64           `json:"seconds"` // of all sessions
	Device     string            `json:"device,omitempty"`
	Parameters int               `json:"parameters,omitempty"`
	Memory     int               `json:"memory_bytes,omitempty"` // that the training holds
	Disk       int64             `json:"disk_bytes,omitempty"`   // that checkpoints take
	BestStep   int               `json:"best_step,omitempty"`
	Checkpoint string            `json:"checkpoint,omitempty"` // what embed, export and explain take
	Report     string            `json:"report,omitempty"`
	Learnt     map[string]string `json:"verdicts,omitempty"` // by modality
	Test       *trainTest        `json:"test,omitempty"`
	Next       []string          `json:"next,omitempty"` // words of a command of ours
}

// A trainTest is the standing on the held-out test split.
type trainTest struct {
	Checkpoint string                    `json:"checkpoint"` // best or last
	Loss       float64                   `json:"loss"`
	Retrieval  map[string]eval.Retrieval `json:"retrieval,omitempty"`
	Sets       map[string]eval.SetLoss   `json:"sets,omitempty"`
}

// object prints the one JSON object of --json, where that was asked for.
func (r *trainRun) object(status string, s *train.Summary) error {
	if r.json == nil {
		return nil
	}
	k := &r.record
	o := trainResult{Run: r.dir, Status: status, Steps: max(r.steps, k.Steps), Total: max(r.total, k.Total), Seconds: k.Seconds, Device: r.deviceLine, Parameters: k.Parameters,
		Memory: r.memory, Disk: r.disk, Next: r.next(status)}
	if o.Device == "" {
		o.Device = k.Device
	}
	if status != dryStatus {
		o.Report = filepath.Join(r.dir, reportName)
		if best, err := bestOf(r.dir); err == nil { // it may have been stopped before its first
			o.Checkpoint = best
		}
		rows, err := r.metrics()
		if err != nil {
			return err
		}
		o.Learnt = report.Verdicts(rows)
	}
	if s != nil {
		o.BestStep = s.BestStep
		if s.Test != nil {
			o.Test = &trainTest{s.Tested, s.Test.Loss, s.Test.Retrieval, s.Test.Sets}
		}
	}
	if err := json.NewEncoder(r.json).Encode(o); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	return nil
}

// What `train --json` says became of a training.
const (
	dryStatus      = "dry run"
	finishedStatus = "finished"
	stoppedStatus  = "stopped"
	doneStatus     = "nothing to do"
)

// next returns the words of the command that a training proposes: to go on where it was stopped, to embed its images where it came
// to its end.
func (r *trainRun) next(status string) []string {
	switch status {
	case stoppedStatus:
		return []string{"train", "--resume", "--run", r.dir}
	case finishedStatus:
		words := []string{"embed", "--run", r.dir, "--images", r.values.Images}
		for _, f := range []struct{ flag, value string }{{"--data", r.values.Data}, {"--image-root", r.values.ImageRoot}} {
			if f.value != "" {
				words = append(words, f.flag, f.value)
			}
		}
		out := filepath.Clean(r.dir) + "-embedding"
		if strings.Trim(filepath.Base(r.dir), ".") == "" {
			out = "embedding"
		}
		return append(words, "--out", out)
	}
	return nil
}
