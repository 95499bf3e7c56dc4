package main

import (
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/decoys"
	"contig-gpu/model/explain/heldout"
	"contig-gpu/model/explain/saliency"
)

// kept returns what make makes, and keeps it in the working folder, or returns what an interrupted run has kept there. of is what the
// result depends on besides the identity of the run: another of finds nothing. The file is there whole or not at all, and gob keeps every bit of a number.
func kept[T any](w *work, kind string, of any, make func() (T, error)) (T, error) {
	var out T
	text, err := json.Marshal(of)
	if err != nil {
		return out, err
	}
	sum := sha256.Sum256(text)
	path := filepath.Join(w.dir, kind+"-"+hex.EncodeToString(sum[:8])+".part")
	f, err := input.Open(path, input.NoLimit)
	if err == nil {
		defer f.Close()
		if err := gob.NewDecoder(f).Decode(&out); err != nil {
			return out, &data.Problem{Code: codeOtherWork, File: path, What: "--resume: a finished part cannot be read", Err: err, Cause: "it was edited, or its disk is failing", Fix: "leave out --resume"}
		}
		return out, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return out, err
	}
	if out, err = make(); err != nil {
		return out, err
	}
	return out, writePrivate(path, func(to io.Writer) error { return gob.NewEncoder(to).Encode(out) })
}

// A testedPart is what test finds of a modality.
type testedPart struct {
	Features, Groups *heldout.Result
	Notes            []string
}

// keepTest tests a modality, or takes what an interrupted run has found.
func (e *explanation) keepTest(ctx context.Context, i int) error {
	p := e.parts[i]
	of := []any{p.name, e.set.Test, e.set.FDR, p.units, p.grouping, strataOf(e.strata, p.persons)}
	found, err := kept(e.work, "test", of, func() (testedPart, error) {
		before := len(p.notes)
		err := e.test(ctx, p)
		notes := slices.Clone(p.notes[before:])
		p.notes = p.notes[:before]
		return testedPart{p.test, p.groupTest, notes}, err
	})
	p.test, p.groupTest, p.notes = found.Features, found.Groups, append(p.notes, found.Notes...)
	return err
}

// strataOf lists the strata of persons, nil where there are none.
func strataOf(strata map[int]int, persons []int) []int {
	if strata == nil {
		return nil
	}
	out := []int{}
	for _, p := range persons {
		out = append(out, strata[p])
	}
	return out
}

// keepClaims trains with decoys, or takes what an interrupted run has found.
func (e *explanation) keepClaims(ctx context.Context) error {
	if e.set.Decoys == 0 {
		return nil
	}
	var units [][]claims.Unit
	for _, p := range e.parts {
		units = append(units, p.units)
	}
	of := []any{e.set.Decoys, e.set.FDR, units, strataOf(e.strata, e.persons)}
	found, err := kept(e.work, "claims", of, func() ([]decoys.Modality, error) {
		err := e.claim(ctx)
		var all []decoys.Modality
		for _, p := range e.parts {
			if p.decoys != nil {
				all = append(all, *p.decoys)
			}
		}
		return all, err
	})
	for i := range found {
		e.parts[i].decoys = &found[i]
	}
	return err
}

// keptHeat is a heat as files keep it.
type keptHeat struct {
	Person, Image int
	Base          []float32
	Map           saliency.Map
}

// keepMaps makes the maps of one score of persons by every method, or takes what an interrupted run has made.
func (m *mapping) keepMaps(name string, persons []int, make func() ([]heatMaps, error)) error {
	s := m.e.set
	of := []any{name, persons, m.methods, s.Stage, m.e.trained.ImageSize}
	found, err := kept(m.e.work, "maps", of, func() ([][]keptHeat, error) {
		all, err := make()
		var out [][]keptHeat
		for _, of := range all {
			var row []keptHeat
			for _, h := range of.heats {
				row = append(row, keptHeat{h.person, h.image, h.base, *h.Map})
			}
			out = append(out, row)
		}
		return out, err
	})
	if err != nil {
		return err
	}
	if len(found) != len(m.methods) {
		return fmt.Errorf("heat maps of %s: %d methods are kept, want %d", name, len(found), len(m.methods))
	}
	for i, row := range found {
		all := heatMaps{score: name, method: m.methods[i]}
		for _, h := range row {
			all.heats = append(all.heats, heat{h.Person, h.Image, h.Base, &h.Map})
		}
		m.e.maps = append(m.e.maps, all)
	}
	return nil
}
