package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/report"
	emb "contig-gpu/data/embedded"
	"contig-gpu/data/folder"
)

// mark makes the folder a run's and writes its settings, once the first step is done.
func (f *finetuning) mark() error {
	text := &bytes.Buffer{}
	if err := folder.MarkRun(f.dir); err != nil {
		return err
	}
	if err := config.Write(text, f.values.rows()); err != nil {
		return err
	}
	if err := writeText(filepath.Join(f.dir, configName), text); err != nil {
		return err
	}
	if err := makePrivate(filepath.Join(f.dir, privateName)); err != nil {
		return err
	}
	if err := writeLines(filepath.Join(f.dir, privateName, splitName), f.splitLines()); err != nil {
		return err
	}
	return f.keep(false)
}

// splitLines say of every person who was trained on, chosen by, or told of: for whoever uses the encoder afterwards.
func (f *finetuning) splitLines() [][]string {
	lines, seen := [][]string{{"person_id", "split"}}, map[string]bool{}
	for i, id := range f.task.Person {
		if s := f.split[i]; !seen[id] && (s == emb.Train || s == emb.Validation || s == emb.Test) {
			seen[id] = true
			lines = append(lines, []string{id, s})
		}
	}
	return lines
}

// keep writes run.json. Sessions before are those that it tells of.
func (f *finetuning) keep(finished bool) error {
	k := runRecord{}
	if f.resume {
		k = readRecord(f.dir)
	}
	last := len(k.History) - 1
	if now := f.began.Format(time.RFC3339); last < 0 || k.History[last].Started != now || k.Finished {
		k.History, k.Sessions = append(k.History, report.Session{Started: now}), k.Sessions+1
		if k.Started == "" {
			k.Started = now
		}
		last++
	}
	k.Schema, k.Version, k.Command = recordSchema, version+revision(), commandOf(f.c)
	k.Ended, k.Finished, k.Steps = time.Now().Format(time.RFC3339), finished, max(k.Steps, f.steps)
	k.History[last].Ended, k.History[last].To = k.Ended, k.Steps
	k.Seconds += time.Since(f.began).Seconds()
	f.began = time.Now()
	text, err := json.MarshalIndent(k, "", " ")
	if err != nil {
		return err
	}
	return writeText(filepath.Join(f.dir, recordName), bytes.NewBuffer(append(text, '\n')))
}

// writeRun writes what came of it into the run folder.
func (f *finetuning) writeRun() error {
	if f.last().undefined != "" { // nothing was trained: there is no folder yet
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return err
		}
		if err := f.mark(); err != nil {
			return err
		}
	}
	f.trained = f.trainedWord()
	if err := f.write(f.dir); err != nil {
		return err
	}
	return f.keep(true)
}
