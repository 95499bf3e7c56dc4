package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/model/train"
)

// A matrix is one file to write.
type matrix struct {
	name  string
	width int
	rows  [][]float32
}

// strangerSplit is the split of persons whom a run has never seen, unknownSplit that of all where it is not known who they were.
const (
	strangerSplit = "new"
	unknownSplit  = "unknown"
)

// An embedding is what embed writes.
type embedding struct {
	*train.Embeddings
	cohort *data.Cohort
	splits map[string]string // of the checkpoint's run, by person; nil: not known
	about  aboutEmbedding
}

// aboutEmbedding is embedding.json. It names no participant.
type aboutEmbedding struct {
	Checkpoint string         `json:"checkpoint"` // as it was named
	Step       int            `json:"step"`
	Version    string         `json:"version"` // of the program
	Encoder    string         `json:"encoder"`
	ImageSize  int            `json:"image_size"` // pixels
	Fit        string         `json:"fit"`        // how images became square
	Width      int            `json:"features"`
	Dim        int            `json:"embedding"`
	Persons    int            `json:"persons"`
	Images     int            `json:"images"`
	With       map[string]int `json:"persons_with"` // by modality
}

// write writes all files.
func (e *embedding) write(dir string) error {
	perImage := filepath.Join(dir, "per-image")
	if err := makePrivate(perImage); err != nil {
		return err
	}
	e.about.Width, e.about.Dim, e.about.Persons, e.about.Images, e.about.With = e.Width, e.Dim, len(e.Persons), len(e.Person), map[string]int{}
	present := e.present()
	persons, images := e.keys()
	for path, lines := range map[string][][]string{
		filepath.Join(dir, "persons.txt"): persons, filepath.Join(perImage, "images.txt"): images,
		filepath.Join(dir, "persons.tsv"): e.table([]string{"person_id"}, persons, present, e.Persons), filepath.Join(perImage, "images.tsv"): e.table([]string{"person_id", "image"}, images, present, e.Person),
	} {
		if err := writeLines(path, lines); err != nil {
			return err
		}
	}
	byPerson, byImage := e.matrices()
	if err := writeMatrices(dir, []string{"person_id"}, persons, byPerson); err != nil {
		return err
	}
	if err := writeMatrices(perImage, []string{"person_id", "image"}, images, byImage); err != nil {
		return err
	}
	return e.describe(dir)
}

// matrices returns those by person and by image. Where nobody has a modality it has none of its genetics.
func (e *embedding) matrices() (byPerson, byImage []matrix) {
	byPerson, byImage = []matrix{{"features", e.Width, e.PersonFeatures}}, []matrix{{"features", e.Width, e.Features}}
	if len(e.cohort.Tables) == 0 && len(e.Image) > 0 { // trained on images alone: one head; one that predicts has none
		byImage = append(byImage, matrix{"projection", e.Dim, e.Image[0]})
	}
	for i, t := range e.cohort.Tables {
		name := url.PathEscape(t.Name())
		byPerson = append(byPerson, matrix{name + ".image", e.Dim, e.PersonImage[i]})
		if e.about.With[t.Name()] > 0 {
			byPerson = append(byPerson, matrix{name + ".genetics", e.Dim, e.PersonGenetics[i]})
		}
		byImage = append(byImage, matrix{name + ".image", e.Dim, e.Image[i]})
	}
	return byPerson, byImage
}

// keys returns the ids of persons, and those of images with the image as the manifest names it.
func (e *embedding) keys() (persons, images [][]string) {
	for _, p := range e.Persons {
		persons = append(persons, []string{e.cohort.Persons[p].ID})
	}
	for i, p := range e.Person {
		name := e.cohort.Images[i].Path
		if e.cohort.Row != nil {
			name = e.cohort.Row(i).Fields[1]
		}
		images = append(images, []string{e.cohort.Persons[p].ID, name})
	}
	return persons, images
}

// present says by person of the cohort and modality who has it, and counts them.
func (e *embedding) present() [][]string {
	rows := make([][]string, len(e.cohort.Persons))
	for _, t := range e.cohort.Tables {
		e.about.With[t.Name()] = 0
		for p := range rows {
			has := "0"
			if t.Has(p) {
				has = "1"
				e.about.With[t.Name()]++
			}
			rows[p] = append(rows[p], has)
		}
	}
	return rows
}

// table returns the lines of persons.tsv or images.tsv: the keys, the split in the run, which modalities there are, and the number of the row in
// the matrices, from 0.
func (e *embedding) table(head []string, keys, present [][]string, persons []int) [][]string {
	head = append(head, "split")
	for _, t := range e.cohort.Tables {
		head = append(head, "present_"+t.Name())
	}
	lines := [][]string{append(head, "row")}
	for i, p := range persons {
		split := unknownSplit
		if e.splits != nil {
			split = cmp.Or(e.splits[e.cohort.Persons[p].ID], strangerSplit)
		}
		line := append(append([]string{}, keys[i]...), split)
		lines = append(lines, append(append(line, present[p]...), strconv.Itoa(i)))
	}
	return lines
}

// writeMatrices writes each matrix as .npy and, with the keys of its rows, as .tsv and .parquet.
func writeMatrices(dir string, head []string, keys [][]string, all []matrix) error {
	for _, m := range all {
		if err := writeNPY(filepath.Join(dir, m.name+".npy"), m.width, m.rows); err != nil {
			return err
		}
		if err := writeTSV(filepath.Join(dir, m.name+".tsv"), head, keys, m); err != nil {
			return err
		}
		if err := writeParquet(filepath.Join(dir, m.name+".parquet"), head, keys, m); err != nil {
			return err
		}
	}
	return nil
}

// readmeName is the file that says what an embedding holds and how to read it.
const readmeName = "README.txt"

// describe writes embedding.json and README.txt.
func (e *embedding) describe(dir string) error {
	text, err := json.MarshalIndent(e.about, "", "  ")
	if err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(dir, "embedding.json"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", text)
		return err
	}); err != nil {
		return err
	}
	return writePrivate(filepath.Join(dir, readmeName), func(w io.Writer) error {
		_, err := io.WriteString(w, embedReadme(e.about))
		return err
	})
}

// embedReadme describes the files, with examples that run in the folder as they stand.
func embedReadme(a aboutEmbedding) string {
	text := strings.NewReplacer("{persons}", strconv.Itoa(a.Persons), "{images}", strconv.Itoa(a.Images), "{width}", strconv.Itoa(a.Width), "{dim}", strconv.Itoa(a.Dim), "{encoder}", a.Encoder).Replace(`What contig-gpu embed wrote. The files hold ids: keep them where the data may be.

persons.tsv            a line per participant: person_id, split in the run (train, validation, test; new: not of the run; unknown), present_<modality> (0, 1), row
features               [{persons}, {width}] of the image encoder ({encoder}), the mean over the participant's images: for probes, GWAS, clustering
<modality>.image       [{persons}, {dim}] image projected for the modality, of unit length: to be compared with
<modality>.genetics    [{persons}, {dim}] genetics, of unit length; NaN (in .tsv NA) for those who do not have it; no file where nobody has
per-image/             the same by image: images.tsv (image: as in the manifest), features, <modality>.image
embedding.json         checkpoint, step, sizes
persons.txt, per-image/images.txt    the keys alone, in the order of the rows

Each matrix is there three times: .npy (float32, rows in the order of persons.tsv or images.tsv), .tsv with the keys, and .parquet, the same table for pandas and R's arrow.
Participants of the splits train and validation were seen in training: results about the encoder hold for those of test and new only.

# pandas
import numpy, pandas
persons = pandas.read_csv("persons.tsv", sep="\t", dtype={"person_id": str})
features = pandas.DataFrame(numpy.load("features.npy"), index=persons.person_id)
unseen = features[persons.split.isin(["test", "new", "unknown"]).to_numpy()]
print(features.shape, len(unseen))
# end

# Parquet
import pandas
table = pandas.read_parquet("features.parquet").set_index("person_id")
print(table.shape)
# end

# R
persons <- read.delim("persons.tsv", colClasses = c(person_id = "character"))
features <- read.delim("features.tsv", colClasses = c(person_id = "character"))
stopifnot(identical(persons$person_id, features$person_id))
print(dim(features))
# end

# PyTorch
import numpy, torch
features = torch.from_numpy(numpy.load("per-image/features.npy"))
near = torch.nn.functional.normalize(features) @ torch.nn.functional.normalize(features).T
print(near.topk(min(6, len(features))).indices.shape)
# end
`)
	return text
}
