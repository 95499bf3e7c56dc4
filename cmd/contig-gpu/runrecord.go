package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/input"
)

// recordName is the file of a run folder that adds up its sessions.
const recordName = "run.json"

// A runRecord is what a run has taken so far. It decides nothing: where it is lost it begins anew.
type runRecord struct {
	Seconds  float64 `json:"seconds"` // of all sessions, up to their last checkpoints where they were killed
	Sessions int     `json:"sessions"`
	Finished bool    `json:"finished"` // the test split was evaluated

	// What the run is, for the report and for doing it again. Times are RFC 3339 with the zone.
	Schema     int                 `json:"schema"`
	Version    string              `json:"version,omitempty"`
	Go         string              `json:"go,omitempty"`
	Host       string              `json:"host,omitempty"`
	Folder     string              `json:"folder,omitempty"` // that the command was given in
	Command    []string            `json:"command,omitempty"`
	CPU        string              `json:"cpu,omitempty"`
	Device     string              `json:"device,omitempty"` // as the first lines say it
	Started    string              `json:"started,omitempty"`
	Ended      string              `json:"ended,omitempty"` // as far as it is known
	Steps      int                 `json:"steps,omitempty"` // done
	Total      int                 `json:"total_steps,omitempty"`
	Parameters int                 `json:"parameters,omitempty"`
	Clip       float64             `json:"clip,omitempty"`
	Cohort     []string            `json:"cohort,omitempty"`
	Presence   []report.Presence   `json:"presence,omitempty"`
	Flow       []report.Flow       `json:"flow,omitempty"`    // how many were left at each step of joining
	Look       *report.Look        `json:"look,omitempty"`    // at some images
	History    []report.Session    `json:"history,omitempty"` // of the sessions, in order
	Planned    int64               `json:"planned_memory_bytes,omitempty"`
	Changed    []report.Change     `json:"changed,omitempty"`
	Summary    []string            `json:"summary,omitempty"` // once it ended
	NoImages   string              `json:"no_images,omitempty"`
	Sources    []data.SourceDigest `json:"sources,omitempty"`           // of what was read: --resume holds them against what is there
	Driver     string              `json:"driver,omitempty"`            // of the GPU, as a version of CUDA
	Peak       int64               `json:"peak_memory_bytes,omitempty"` // of the host, of the last session; 0: the system does not tell

	before float64 // seconds of earlier sessions
}

// recordSchema is the version of run.json: keys may be added to it, none change their meaning.
const recordSchema = 1

// text says how long the run took.
func (k *runRecord) text() string {
	took := time.Duration(k.Seconds * float64(time.Second)).Round(time.Second)
	if k.Sessions > 1 {
		return fmt.Sprintf("%v, in %d sessions", took, k.Sessions)
	}
	return took.String()
}

// peakMemory returns the most that this process had in memory so far, in bytes; 0: the system does not tell.
func peakMemory() int64 {
	for _, l := range lines(os.DirFS("/"), "proc/self/status") {
		var kb int64
		if n, _ := fmt.Sscanf(l, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

// mostRecord bounds run.json, in bytes.
const mostRecord = 1 << 20

func readRecord(dir string) (k runRecord) {
	text, err := input.Read(filepath.Join(dir, recordName), mostRecord)
	if err != nil || json.Unmarshal(text, &k) != nil || !(k.Seconds >= 0) || k.Sessions < 0 {
		return runRecord{}
	}
	return k
}

// keep writes the record as it is now.
func (r *trainRun) keep(finished bool) {
	k := &r.record
	if k.Sessions == 0 {
		if r.resumed {
			*k = readRecord(r.dir)
		}
		k.before, k.Sessions = k.Seconds, k.Sessions+1
		r.describe()
		k.History = append(k.History, report.Session{Started: r.start.Format(time.RFC3339), Host: k.Host, Device: k.Device, From: r.before()})
		k.Planned = int64(r.memory)
	}
	k.Peak = peakMemory()
	k.Ended, k.Total, k.Steps = time.Now().Format(time.RFC3339), max(k.Total, r.total), max(k.Steps, r.steps)
	last := &k.History[len(k.History)-1]
	last.Ended, last.To = k.Ended, k.Steps
	k.Seconds, k.Finished = k.before+time.Since(r.start).Seconds(), finished
	text, err := json.MarshalIndent(k, "", " ")
	if err == nil {
		err = writeText(filepath.Join(r.dir, recordName), bytes.NewBuffer(append(text, '\n')))
	}
	if err != nil {
		r.failed = errors.Join(r.failed, err)
	}
}

// before returns the steps that earlier sessions have done.
func (r *trainRun) before() int {
	if r.standing == nil {
		return 0
	}
	return r.standing.Step
}

// finished says so where the run that is resumed has no step left and was tested; then nothing of it is touched.
func (r *trainRun) finished() (bool, error) {
	total, done := r.standing.Finished(r.cfg)
	if !done {
		return false, nil
	}
	k := readRecord(r.dir)
	rows, err := r.metrics()
	if err != nil || !k.Finished && len(report.Of(rows, "test")) == 0 {
		return false, nil // the end of it is to be done again
	}
	if _, err := os.Stat(filepath.Join(r.dir, reportName)); err != nil {
		return false, nil
	}
	took := ""
	if k.Seconds > 0 {
		took = ", " + k.text()
	}
	_, err = fmt.Fprintf(r.out, "%s is finished (%d of %d steps%s). Nothing to do; --epochs N goes on.\n", r.dir, r.standing.Step, total, took)
	r.record = k
	return true, errors.Join(err, r.object(doneStatus, nil))
}

// metrics reads metrics.jsonl; a log that is gone has no rows.
func (r *trainRun) metrics() ([]report.Row, error) { return readMetrics(r.dir) }

func readMetrics(dir string) ([]report.Row, error) {
	f, err := input.Open(filepath.Join(dir, metricsName), input.NoLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return report.ReadMetrics(f)
}
