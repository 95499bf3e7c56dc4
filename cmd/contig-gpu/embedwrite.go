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

// An embedding is what embed writes. Persons are numbered from 0, in the order of the rows.
type embedding struct {
	*train.Embeddings
	persons []embeddedPerson
	images  []string // as the manifest names them
	tables  []string // names of the modalities
	about   aboutEmbedding
}

// An embeddedPerson is what is written of a person beside the rows.
type embeddedPerson struct {
	ID    string `json:"id"`
	Split string `json:"split"`
	Has   []bool `json:"has"` // each modality
}

// embeddingOf says who and what the rows of e are of, and numbers persons anew. splits are those of the checkpoint's run, by person; nil: not known.
func embeddingOf(e *train.Embeddings, c *data.Cohort, images []int, splits map[string]string, about aboutEmbedding) *embedding {
	w := &embedding{Embeddings: e, about: about}
	for _, t := range c.Tables {
		w.tables = append(w.tables, t.Name())
	}
	at := make(map[int]int, len(e.Persons))
	for k, p := range e.Persons {
		at[p], e.Persons[k] = k, k
		who := embeddedPerson{ID: c.Persons[p].ID, Split: unknownSplit}
		if splits != nil {
			who.Split = cmp.Or(splits[who.ID], strangerSplit)
		}
		for _, t := range c.Tables {
			who.Has = append(who.Has, t.Has(p))
		}
		w.persons = append(w.persons, who)
	}
	for k, i := range images {
		e.Person[k] = at[e.Person[k]]
		name := c.Images[i].Path
		if c.Row != nil {
			name = c.Row(i).Fields[1]
		}
		w.images = append(w.images, name)
	}
	return w
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
	e.count()
	persons, images := e.keys()
	for path, lines := range map[string][][]string{
		filepath.Join(dir, "persons.txt"): persons, filepath.Join(perImage, "images.txt"): images,
		filepath.Join(dir, "persons.tsv"): e.table([]string{"person_id"}, persons, e.Persons), filepath.Join(perImage, "images.tsv"): e.table([]string{"person_id", "image"}, images, e.Person),
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
	if len(e.tables) == 0 && len(e.Image) > 0 { // trained on images alone: one head; one that predicts has none
		byImage = append(byImage, matrix{"projection", e.Dim, e.Image[0]})
	}
	for i, table := range e.tables {
		name := url.PathEscape(table)
		byPerson = append(byPerson, matrix{name + ".image", e.Dim, e.PersonImage[i]})
		if e.about.With[table] > 0 {
			byPerson = append(byPerson, matrix{name + ".genetics", e.Dim, e.PersonGenetics[i]})
		}
		byImage = append(byImage, matrix{name + ".image", e.Dim, e.Image[i]})
	}
	return byPerson, byImage
}

// keys returns the ids of persons, and those of images with the image as the manifest names it.
func (e *embedding) keys() (persons, images [][]string) {
	for _, p := range e.persons {
		persons = append(persons, []string{p.ID})
	}
	for i, p := range e.Person {
		images = append(images, []string{e.persons[p].ID, e.images[i]})
	}
	return persons, images
}

// count counts persons, images, and by modality the persons who have it.
func (e *embedding) count() {
	e.about.Width, e.about.Dim, e.about.Persons, e.about.Images, e.about.With = e.Width, e.Dim, len(e.persons), len(e.images), map[string]int{}
	for i, name := range e.tables {
		e.about.With[name] = 0
		for _, p := range e.persons {
			if p.Has[i] {
				e.about.With[name]++
			}
		}
	}
}

// table returns the lines of persons.tsv or images.tsv: the keys, the split in the run, which modalities there are, and the number of the row in
// the matrices, from 0.
func (e *embedding) table(head []string, keys [][]string, persons []int) [][]string {
	head = append(head, "split")
	for _, name := range e.tables {
		head = append(head, "present_"+name)
	}
	lines := [][]string{append(head, "row")}
	for i, p := range persons {
		line := append(append([]string{}, keys[i]...), e.persons[p].Split)
		for _, has := range e.persons[p].Has {
			line = append(line, map[bool]string{false: "0", true: "1"}[has])
		}
		lines = append(lines, append(line, strconv.Itoa(i)))
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
