package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/model/explain"
)

// A work is the folder beside the one to make that keeps what is finished while a run lasts. It is locked, holds no ids, and goes when the
// run ends, unless it was interrupted.
type work struct {
	dir  string
	lock *folder.Lock
}

// begunName is the file that says what was begun.
const begunName = "begun.json"

// openWork makes the working folder, or with --resume goes on with the one that is there.
func (e *explanation) openWork() (*work, error) {
	dir, err := filepath.Abs(e.set.Out)
	if err != nil {
		return nil, err
	}
	w := &work{dir: filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".explain-unfinished")}
	_, err = os.Stat(filepath.Join(w.dir, begunName))
	begun := err == nil
	if e.set.Resume && !begun {
		return nil, &data.Problem{Code: codeNoWork, File: e.set.Out, What: "--resume: nothing was begun for this folder", Expected: w.dir, Found: "no such folder",
			Cause: "it ended before its first part was finished, or another --out", Fix: "leave out --resume"}
	}
	if err := (folder.Target{Dir: w.dir, Kind: folder.Unfinished, Overwrite: true}).Check(); err != nil {
		return nil, err
	}
	if w.lock, err = folder.Take(w.dir); err != nil {
		return nil, err
	}
	if err := os.Chmod(w.dir, 0o700); err != nil {
		return nil, errors.Join(err, w.close(true))
	}
	if e.set.Resume {
		if err := w.same(e.same); err != nil {
			return nil, errors.Join(err, w.close(true))
		}
		if err := w.removeTemp(); err != nil {
			return nil, errors.Join(err, w.close(true))
		}
		e.say("going on: %d parts are finished", w.finished())
		return w, nil
	}
	if begun {
		e.say("an interrupted run had left %d finished parts, which are thrown away; --resume would have gone on", w.finished())
	}
	if err := w.begin(e.same); err != nil {
		return nil, errors.Join(err, w.close(false))
	}
	return w, nil
}

// begin empties the folder and writes what is begun.
func (w *work) begin(now identity) error {
	if err := w.clear(); err != nil {
		return err
	}
	return writePrivate(filepath.Join(w.dir, begunName), func(to io.Writer) error { return json.NewEncoder(to).Encode(now) })
}

// clear removes the files of the folder, but for its lock.
func (w *work) clear() error {
	files, err := filepath.Glob(filepath.Join(data.Literal(w.dir), "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if filepath.Base(f) != ".lock" {
			if err := os.RemoveAll(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// same compares with what was begun; E908 names what differs.
func (w *work) same(now identity) error {
	path := filepath.Join(w.dir, begunName)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var was identity
	if err := json.Unmarshal(text, &was); err != nil {
		return &data.Problem{Code: codeOtherWork, File: path, What: "--resume: the working folder cannot be read", Err: err, Cause: "it was edited", Fix: "leave out --resume"}
	}
	for _, key := range identityKeys() {
		if was[key] != now[key] {
			return &data.Problem{Code: codeOtherWork, File: w.dir, What: "--resume: what was begun is not what is asked for: " + key, Expected: was[key], Found: now[key],
				Cause: "other flags, data or checkpoint than the interrupted run's", Fix: "give the same, or leave out --resume to begin anew"}
		}
	}
	return nil
}

// identityKeys are what must be equal for results to be of one run, in the order in which differences are told.
func identityKeys() []string {
	return []string{"version", "checkpoint", "data", "persons", "reference", "modalities", "of", "method", "baseline", "steps", "tolerance", "draws", "noise", "seed", "precision", "shard"}
}

// An identity is what the results of a run depend on, by identityKeys.
type identity map[string]string

func (e *explanation) identity() identity {
	s := e.set
	var names []string
	for _, p := range e.parts {
		names = append(names, p.name)
	}
	ids := func(persons []int) string {
		h := sha256.New()
		for _, p := range persons {
			fmt.Fprintln(h, e.cohort.Persons[p].ID)
		}
		return fmt.Sprintf("%d persons, %s", len(persons), hex.EncodeToString(h.Sum(nil))[:16])
	}
	values := []string{version, e.digest(), e.cohort.Hash, ids(e.persons), ids(e.reference), strings.Join(names, ","), s.of.String(), s.Method, s.Baseline, fmt.Sprint(s.Steps), fmt.Sprint(s.Tolerance),
		fmt.Sprint(s.Draws), fmt.Sprint(s.Noise), fmt.Sprint(s.Seed), e.precision(), s.Shard}
	out := identity{}
	for i, key := range identityKeys() {
		out[key] = values[i]
	}
	return out
}

// digest returns the first digits of the checkpoint's SHA-256, "" where it cannot be read again.
func (e *explanation) digest() string { return fileDigest(e.set.Checkpoint) }

func (w *work) path(i, k int) string { return filepath.Join(w.dir, fmt.Sprintf("m%d-%d.part", i, k)) }

func (w *work) has(i, k int) bool {
	_, err := os.Stat(w.path(i, k))
	return err == nil
}

// finished returns how many parts are: chunks of persons, tests, decoys, heat maps of a score.
func (w *work) finished() int {
	files, _ := filepath.Glob(filepath.Join(data.Literal(w.dir), "*.part"))
	return len(files)
}

// records returns what is finished of a chunk.
func (w *work) records(i, k int) ([]byte, error) { return os.ReadFile(w.path(i, k)) }

func (w *work) write(i, k int, fill func(io.Writer) error) error {
	return writePrivate(w.path(i, k), fill)
}

// close lets the folder go, and removes it unless it is kept.
func (w *work) close(keep bool) error {
	var err error
	if !keep {
		err = w.clear()
	}
	err = errors.Join(err, w.lock.Release())
	if !keep {
		if gone := os.Remove(w.dir); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// A record is one person's attributions by one method, as chunks keep them: person, method, steps, f, base and sum, then the features.
type record struct {
	person, steps int
	method        explain.Method
	f, base, sum  float64
	a             []float32
}

// gap returns the completeness gap, relative.
func (r *record) gap() float64 {
	return explain.Result{F: r.f, Base: r.base, Sum: r.sum}.Gap()
}

// recordBytes is how long a record is.
func recordBytes(features int) int { return 36 + 4*features }

func writeRecord(w io.Writer, r explain.Result) error {
	b := make([]byte, 0, recordBytes(len(r.A)))
	for _, v := range []uint32{uint32(r.Person), uint32(r.Method), uint32(r.Steps)} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, v := range []float64{r.F, r.Base, r.Sum} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range r.A {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	_, err := w.Write(b)
	return err
}

// each reads the records of modality i by one method from so many files, person by person in their order.
func (w *work) each(i, files, features int, m explain.Method, visit func(*record) error) error {
	for k := range files {
		if err := w.eachOf(w.path(i, k), features, m, visit); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) eachOf(path string, features int, m explain.Method, visit func(*record) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in, b := bufio.NewReaderSize(f, 1<<20), make([]byte, recordBytes(features))
	r := &record{a: make([]float32, features)}
	for {
		if _, err := io.ReadFull(in, b); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if r.method = explain.Method(binary.LittleEndian.Uint32(b[4:])); r.method != m {
			continue
		}
		r.person, r.steps = personOf(b), int(binary.LittleEndian.Uint32(b[8:]))
		r.f, r.base, r.sum = float64At(b[12:]), float64At(b[20:]), float64At(b[28:])
		for j := range r.a {
			r.a[j] = math.Float32frombits(binary.LittleEndian.Uint32(b[36+4*j:]))
		}
		if err := visit(r); err != nil {
			return err
		}
	}
}

// personOf returns whose a record is.
func personOf(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }

func float64At(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
