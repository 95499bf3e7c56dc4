package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"contig-gpu/data/folder"
	"contig-gpu/data/input"
	"contig-gpu/model/eval"
)

// What the last evaluations leave for the report: heldoutName for all to see, dotsName who the dots of the map are.
const (
	heldoutName = "heldout.json"
	dotsName    = "map.tsv" // of private/
	dotsHead    = "kind dot person_id"
)

// mostHeldout bounds heldout.json, in bytes: a thousand times what a hundred modalities take.
const mostHeldout = 1 << 30

// heldoutFile is heldout.json.
type heldoutFile struct {
	Schema     int           `json:"schema"`
	Validation *eval.Heldout `json:"validation,omitempty"` // the last
	Test       *eval.Heldout `json:"test,omitempty"`
}

// heldoutSchema is the version of heldout.json: keys may be added to it, none change their meaning.
const heldoutSchema = 1

// byKind returns what there is, by the kind of metrics.
func (f heldoutFile) byKind() map[string]eval.Heldout {
	out := map[string]eval.Heldout{}
	for kind, h := range map[string]*eval.Heldout{"validation": f.Validation, "test": f.Test} {
		if h != nil {
			out[kind] = *h
		}
	}
	return out
}

// readHeldout reads heldout.json; a run of an older version has none, and one that is damaged decides nothing.
func readHeldout(dir string) (f heldoutFile) {
	text, err := input.Read(filepath.Join(dir, heldoutName), mostHeldout)
	if err != nil || json.Unmarshal(text, &f) != nil {
		return heldoutFile{}
	}
	return f
}

// keepHeldout keeps what an evaluation left, with that of the other kind.
func (r *trainRun) keepHeldout(kind string, h *eval.Heldout) {
	if h == nil {
		return
	}
	switch kind {
	case "validation":
		r.heldout.Validation = h
	case "test":
		r.heldout.Test = h
	}
	r.heldout.Schema = heldoutSchema
	text, err := json.Marshal(r.heldout)
	if err == nil {
		err = folder.WriteFile(filepath.Join(r.dir, heldoutName), 0o644, func(w io.Writer) error {
			_, err := w.Write(append(text, '\n'))
			return err
		})
	}
	r.failed = errors.Join(r.failed, err, r.keepDots(kind, h.Map.Persons))
}

// keepDots writes who the dots of a map are, and keeps those of the other kind.
func (r *trainRun) keepDots(kind string, persons []int) error {
	rows := [][]string{{"kind", "dot", "person_id"}}
	for _, f := range readPrivate(r.dir, dotsName, dotsHead) {
		if f[0] != kind {
			rows = append(rows, f)
		}
	}
	for dot, p := range persons {
		rows = append(rows, []string{kind, strconv.Itoa(dot), r.cohort.Persons[p].ID})
	}
	return r.writePrivate(dotsName, rows)
}

// forgetHeldout removes what an earlier run left in the folder.
func (r *trainRun) forgetHeldout() {
	for _, name := range []string{heldoutName, filepath.Join(privateName, dotsName), filepath.Join(privateName, picturesName)} {
		if err := os.Remove(filepath.Join(r.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			r.failed = errors.Join(r.failed, err)
		}
	}
}
