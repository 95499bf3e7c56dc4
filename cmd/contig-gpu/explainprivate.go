package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"strconv"

	"contig-gpu/model/explain"
	"contig-gpu/model/explain/rank"
)

// topFeatures is how many features of each person top.tsv names.
const topFeatures = 10

// writePrivate writes what holds ids or values of persons.
func (e *explanation) writePrivate(ctx context.Context, dir string) error {
	dir = filepath.Join(dir, "private")
	if err := makePrivate(dir); err != nil {
		return err
	}
	ids := func(persons []int) (out [][]string) {
		for _, p := range persons {
			out = append(out, []string{e.cohort.Persons[p].ID})
		}
		return out
	}
	if err := writeLines(filepath.Join(dir, "persons.txt"), ids(e.persons)); err != nil {
		return err
	}
	if err := writeLines(filepath.Join(dir, "reference.txt"), ids(e.reference)); err != nil {
		return err
	}
	features := [][]string{{"modality", "column", "feature"}}
	for _, p := range e.parts {
		for j, name := range p.names() {
			features = append(features, []string{p.name, strconv.Itoa(j), name})
		}
	}
	if err := writeLines(filepath.Join(dir, "features.tsv"), features); err != nil {
		return err
	}
	for i := range e.parts {
		for _, m := range e.set.methods {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.writeMatrix(dir, i, m); err != nil {
				return err
			}
		}
	}
	if err := e.writeCompleteness(dir); err != nil {
		return err
	}
	return e.writeTop(dir)
}

// writeMatrix writes <modality>.<method>.npy: a row for each line of persons.txt, NaN for those without the modality.
func (e *explanation) writeMatrix(dir string, i int, m explain.Method) error {
	p := e.parts[i]
	width := len(p.names())
	return writePrivate(filepath.Join(dir, url.PathEscape(p.name)+"."+m.String()+".npy"), func(w io.Writer) error {
		if _, err := io.WriteString(w, npyHead(len(e.persons), width)); err != nil {
			return err
		}
		row, next := make([]byte, 4*width), 0
		absent := func(until int) error {
			for ; next < until; next++ {
				for j := range width {
					binary.LittleEndian.PutUint32(row[4*j:], math.Float32bits(float32(math.NaN())))
				}
				if _, err := w.Write(row); err != nil {
					return err
				}
			}
			return nil
		}
		at := e.places()
		err := e.work.each(i, p.files(), width, m, func(r *record) error {
			if err := absent(at[r.person]); err != nil {
				return err
			}
			for j, v := range r.a {
				binary.LittleEndian.PutUint32(row[4*j:], math.Float32bits(v))
			}
			next++
			_, err := w.Write(row)
			return err
		})
		if err != nil {
			return err
		}
		return absent(len(e.persons))
	})
}

// places returns the line of each person in persons.txt, from 0.
func (e *explanation) places() map[int]int {
	at := make(map[int]int, len(e.persons))
	for i, p := range e.persons {
		at[p] = i
	}
	return at
}

// writeCompleteness writes completeness.tsv: a line for each person, modality and method.
func (e *explanation) writeCompleteness(dir string) error {
	return writePrivate(filepath.Join(dir, "completeness.tsv"), func(w io.Writer) error {
		if err := writeFields(w, [][]string{{"person_id", "modality", "method", "f", "f_baseline", "sum", "gap", "steps"}}); err != nil {
			return err
		}
		for i, p := range e.parts {
			for _, m := range e.set.methods {
				err := e.work.each(i, p.files(), len(p.names()), m, func(r *record) error {
					base, gap := "NA", "NA"
					if m.Complete() {
						base, gap = decimal(r.base), decimal(r.gap())
					}
					return writeFields(w, [][]string{{e.cohort.Persons[r.person].ID, p.name, m.String(), decimal(r.f), base, decimal(r.sum), gap, strconv.Itoa(r.steps)}})
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// writeTop writes top.tsv: each person's features of largest |A| by the first method, in each modality.
func (e *explanation) writeTop(dir string) error {
	return writePrivate(filepath.Join(dir, "top.tsv"), func(w io.Writer) error {
		if err := writeFields(w, [][]string{{"person_id", "modality", "rank", "feature", "value", "attribution"}}); err != nil {
			return err
		}
		for i, p := range e.parts {
			size, x := make([]float64, len(p.names())), make([]float32, len(p.names()))
			err := e.work.each(i, p.files(), len(p.names()), e.set.methods[0], func(r *record) error {
				for j, v := range r.a {
					size[j] = math.Abs(float64(v))
				}
				p.table.Row(r.person, x)
				var lines [][]string
				for k, j := range rank.Largest(size)[:min(topFeatures, len(size))] {
					lines = append(lines, []string{e.cohort.Persons[r.person].ID, p.name, fmt.Sprint(k + 1), p.names()[j], number(x[j]), number(r.a[j])})
				}
				return writeFields(w, lines)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
