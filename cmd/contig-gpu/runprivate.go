package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/folder"
	"contig-gpu/data/input"
	"contig-gpu/data/loader"
)

// What a run folder has of persons: mode 0600, in a folder of mode 0700.
const (
	privateName = "private"
	splitName   = "split.tsv" // person_id, split
	badName     = "bad.tsv"   // images that cannot be decoded
	dataName    = "data.toml" // a copy of --data, in which a comment may name persons
)

// badHead are the columns of bad.tsv.
const badHead = "row person_id image eye visit split group bytes sha256 skipped"

// writePrivate writes a table of texts without tabs and line ends as a file of private/.
func (r *trainRun) writePrivate(name string, rows [][]string) error {
	dir := filepath.Join(r.dir, privateName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return folder.WriteFile(filepath.Join(dir, name), private, func(w io.Writer) error {
		out := csv.NewWriter(w)
		out.Comma = '\t'
		return out.WriteAll(rows)
	})
}

// keepData copies data.toml, where there is one.
func (r *trainRun) keepData() error {
	if r.values.Data == "" {
		return nil
	}
	f, err := input.Open(r.values.Data, input.NoLimit)
	if err != nil {
		return err
	}
	defer f.Close()
	dir := filepath.Join(r.dir, privateName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return folder.WriteFile(filepath.Join(dir, dataName), private, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// readPrivate reads what writePrivate wrote; nothing where there is no such file or it is damaged.
func readPrivate(dir, name, head string) [][]string {
	f, err := input.Open(filepath.Join(dir, privateName, name), input.NoLimit)
	if err != nil {
		return nil
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.Comma = '\t'
	rows, err := in.ReadAll()
	if err != nil || len(rows) == 0 || strings.Join(rows[0], " ") != head {
		return nil
	}
	return rows[1:]
}

// join opens the cohort with what the run that is resumed knows of its images.
func (r *trainRun) join() (err error) {
	o := r.values.cohort()
	if r.resumed {
		o.Broken = readBad(r.dir)
	}
	if r.cohort, err = cohort.Open(o); err == nil {
		r.bad = loader.NewBad(r.cohort.Images, r.cfg.SkipsBad())
	}
	return err
}

func readBad(dir string) []data.ManifestRow {
	var out []data.ManifestRow
	for _, f := range readPrivate(dir, badName, badHead) {
		number, err := strconv.Atoi(f[0])
		size, sizeErr := strconv.ParseInt(f[7], 10, 64)
		if err == nil && sizeErr == nil {
			out = append(out, data.ManifestRow{Number: number, Fields: f[1:7], Size: size, Digest: f[8], Skip: f[9] == "yes"})
		}
	}
	slices.SortFunc(out, func(a, b data.ManifestRow) int { return a.Number - b.Number })
	return out
}

// brokenBefore returns the images that the run has found broken and not skipped.
func (r *trainRun) brokenBefore() []data.Image {
	var out []data.Image
	for _, im := range r.cohort.Images {
		if im.Known != "" {
			out = append(out, im)
		}
	}
	return out
}

// keepBad keeps the rows of images that were found broken, with those of before, and tells of them by their lines.
func (r *trainRun) keepBad(images []int) {
	rows, lines := [][]string{strings.Fields(badHead)}, []string{}
	yes := map[bool]string{true: "yes", false: "no"}
	for i, im := range r.cohort.Images {
		found := slices.Contains(images, i)
		if r.cohort.Row == nil || !found && im.Known == "" {
			continue
		}
		row, digest := r.cohort.Row(i), im.Digest
		skipped := im.Skip || found && r.cfg.SkipsBad()
		rows = append(rows, slices.Concat([]string{strconv.Itoa(row.Number)}, row.Fields, []string{fmt.Sprint(im.Size), digest, yes[skipped]}))
		if found && im.Line > 0 && len(lines) < 5 {
			lines = append(lines, strconv.Itoa(im.Line))
		}
	}
	r.failed = errors.Join(r.failed, r.writePrivate(badName, rows))
	r.say("W505: %d of %d images cannot be decoded (lines %s of the manifest, first); %s lists them", len(images), len(r.cohort.Images), strings.Join(lines, ", "), filepath.Join(privateName, badName))
}

// keepSplit writes who is in which split.
func (r *trainRun) keepSplit() error {
	rows := [][]string{{"person_id", "split"}}
	for _, p := range r.cohort.Persons {
		rows = append(rows, []string{p.ID, p.Split.String()})
	}
	return r.writePrivate(splitName, rows)
}

// splitsOf returns the splits by person of the run that a checkpoint lies in; nil where there is none.
func splitsOf(checkpoint string) map[string]string {
	dir := filepath.Dir(filepath.Dir(checkpoint))
	if _, err := os.Stat(filepath.Join(dir, privateName, splitName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	out := map[string]string{}
	for _, f := range readPrivate(dir, splitName, "person_id split") {
		out[f[0]] = f[1]
	}
	return out
}
