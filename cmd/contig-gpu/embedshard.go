package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"contig-gpu/cmd/internal/shard"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/data/input"
	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// shardUsage is what help says of --shard.
const shardUsage = "`I/N`: write a shard to --out, of the share I of N of the persons, such as 3/16; contig-gpu merge joins all"

// shareOf reads --shard of a verb, nil where it is not given.
func shareOf(verb, text string) (*shard.Share, error) {
	if text == "" {
		return nil, nil
	}
	s, err := shard.Parse(text)
	if err != nil {
		return nil, usagef("%s: --shard: %v", verb, err)
	}
	return &s, nil
}

// imagesFrom numbers images from lo to before hi.
func imagesFrom(lo, hi int) []int {
	out := make([]int, 0, hi-lo)
	for i := lo; i < hi; i++ {
		out = append(out, i)
	}
	return out
}

// imagesOfShare returns the images of a share of the persons.
func imagesOfShare(c *data.Cohort, s shard.Share) []int {
	lo, hi := s.Of(len(c.Persons))
	var images []int
	for _, p := range c.Persons[lo:hi] {
		images = append(images, p.Images...)
	}
	slices.Sort(images)
	return images
}

// wholeBatches returns the images of the batches that hold one of some images, where all are taken in batches of so many.
func wholeBatches(images []int, all, batch int) []int {
	var out []int
	next := 0 // the first batch that is not in yet
	for _, i := range images {
		if b := i / batch; b >= next {
			out = append(out, imagesFrom(b*batch, min(all, (b+1)*batch))...)
			next = b + 1
		}
	}
	return out
}

// onlyOf returns the rows of images, all of some persons', out of those of more images. Both ascend.
func onlyOf(e *train.Embeddings, rows, images []int) *train.Embeddings {
	if len(rows) == len(images) {
		return e
	}
	out := &train.Embeddings{Width: e.Width, Dim: e.Dim, Image: make([][][]float32, len(e.Image)), PersonImage: make([][][]float32, len(e.PersonImage)), PersonGenetics: make([][][]float32, len(e.PersonGenetics))}
	of := map[int]bool{}
	for _, i := range images {
		k, _ := slices.BinarySearch(rows, i)
		of[e.Person[k]] = true
		out.Person, out.Features = append(out.Person, e.Person[k]), append(out.Features, e.Features[k])
		for h := range e.Image {
			out.Image[h] = append(out.Image[h], e.Image[h][k])
		}
	}
	for k, p := range e.Persons {
		if !of[p] {
			continue
		}
		out.Persons, out.PersonFeatures = append(out.Persons, p), append(out.PersonFeatures, e.PersonFeatures[k])
		for t := range e.PersonImage {
			out.PersonImage[t], out.PersonGenetics[t] = append(out.PersonImage[t], e.PersonImage[t][k]), append(out.PersonGenetics[t], e.PersonGenetics[t][k])
		}
	}
	return out
}

// aboutShard says what a shard of an embedding is a part of.
func aboutShard(s shard.Share, m *checkpoint.Loaded, co *data.Cohort, w *embedding) shard.About {
	return shard.About{Verb: "embed", Share: s, Device: computedOn(m.Device), Same: []shard.Fact{
		{Name: "version of the program", Value: w.about.Version},
		{Name: "checkpoint", Value: fileDigest(m.File.Path)},
		{Name: "persons, images and tables", Value: co.Hash},
		{Name: "image encoder and size", Value: fmt.Sprintf("%s, %d px, %s", w.about.Encoder, w.about.ImageSize, w.about.Fit)},
		{Name: "precision", Value: m.DType.String()},
		{Name: "splits of the run", Value: digestOfSplits(splitsOf(m.File.Path))},
	}}
}

// computedOn names what computes, so far as the bytes of results depend on it.
func computedOn(d *gpu.Device) string {
	if g := d.GPU(); g != nil {
		return g.Name
	}
	_, features := processor()
	return fmt.Sprintf("a processor with %v", features)
}

// fileDigest returns the first digits of a file's SHA-256, "" where it cannot be read again.
func fileDigest(path string) string {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return firstDigits(h.Sum(nil))
}

func firstDigits(sum []byte) string { return hex.EncodeToString(sum)[:16] }

// digestOfSplits tells lists of splits apart.
func digestOfSplits(splits map[string]string) string {
	if splits == nil {
		return "not known"
	}
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(splits)) {
		fmt.Fprintf(h, "%s\x00%s\x00", id, splits[id])
	}
	return fmt.Sprintf("of %d persons, %s", len(splits), firstDigits(h.Sum(nil)))
}

// Names of what a shard of an embedding has: metadata and tensors; those of a head or modality have its number behind them.
const (
	shardAbout    = "embedding"
	shardPersons  = "persons"         // JSON
	shardImages   = "images"          // JSON
	shardPerson   = "image.person"    // of each image, numbered in the shard
	shardFeatures = "image.features"  // [images, width]
	shardHead     = "image.head."     // [images, dim]
	shardOfPerson = "person.features" // [persons, width]
	shardImage    = "person.image."   // [persons, dim]
	shardGenetics = "person.genetics."
)

// A shardedEmbedding is what a shard says of its embedding.
type shardedEmbedding struct {
	About  aboutEmbedding `json:"about"`
	Tables []string       `json:"tables"`
	Heads  int            `json:"heads"` // of images
}

// writeShard writes a shard of an embedding.
func writeShard(c *cli.Context, target folder.Target, w *embedding, about shard.About) error {
	w.count()
	tensors, metadata, err := w.pack()
	if err != nil {
		return err
	}
	if err := target.Publish(func(dir string) error { return shard.Write(dir, about, tensors, metadata) }); err != nil {
		return err
	}
	return result(c, fmt.Sprintf("wrote %s: shard %s, %d persons, %d images; contig-gpu merge --out FOLDER SHARD... joins all %d\n", target.Dir, about.Share, len(w.persons), len(w.images), about.N), struct {
		Out string `json:"out"`
		shard.Share
		aboutEmbedding
	}{target.Dir, about.Share, w.about})
}

// pack returns what a shard holds.
func (e *embedding) pack() ([]safetensors.Tensor, map[string]string, error) {
	var tensors []safetensors.Tensor
	for name, v := range map[string]any{shardPersons: e.persons, shardImages: e.images} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, safetensors.Tensor{Name: name, DType: safetensors.U8, Shape: []int{len(text)}, Data: text})
	}
	text, err := json.Marshal(shardedEmbedding{e.about, e.tables, len(e.Image)})
	if err != nil {
		return nil, nil, err
	}
	person := safetensors.Tensor{Name: shardPerson, DType: safetensors.I64, Shape: []int{len(e.Person)}}
	for _, p := range e.Person {
		person.Data = binary.LittleEndian.AppendUint64(person.Data, uint64(p))
	}
	tensors = append(tensors, person, rowsTensor(shardFeatures, e.Width, e.Features), rowsTensor(shardOfPerson, e.Width, e.PersonFeatures))
	for h, rows := range e.Image {
		tensors = append(tensors, rowsTensor(fmt.Sprint(shardHead, h), e.Dim, rows))
	}
	for t := range e.PersonImage {
		tensors = append(tensors, rowsTensor(fmt.Sprint(shardImage, t), e.Dim, e.PersonImage[t]), rowsTensor(fmt.Sprint(shardGenetics, t), e.Dim, e.PersonGenetics[t]))
	}
	return tensors, map[string]string{shardAbout: string(text)}, nil
}

// rowsTensor makes a tensor of rows of equal length.
func rowsTensor(name string, width int, rows [][]float32) safetensors.Tensor {
	t := safetensors.Tensor{Name: name, DType: safetensors.F32, Shape: []int{len(rows), width}, Data: make([]byte, 0, 4*width*len(rows))}
	for _, r := range rows {
		for _, v := range r {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
		}
	}
	return t
}

// joinEmbedding puts shards together, in their order.
func joinEmbedding(parts []*shard.Part) (*embedding, error) {
	out := &embedding{Embeddings: &train.Embeddings{}}
	for k, p := range parts {
		f, err := p.Read(shard.FileName)
		if err != nil {
			return nil, err
		}
		r := shardReader{p, f}
		var head shardedEmbedding
		if err := json.Unmarshal([]byte(f.Metadata[shardAbout]), &head); err != nil {
			return nil, r.wrong(shardAbout, "an object")
		}
		if k == 0 {
			out.about, out.tables, out.Dim = head.About, head.Tables, head.About.Dim
		}
		if err := r.addTo(out, head); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A shardReader reads what a shard holds.
type shardReader struct {
	part *shard.Part
	file *safetensors.File
}

func (r shardReader) wrong(name, expected string) error {
	return r.part.Damaged(filepath.Base(r.file.Path), expected+" as "+name, "something else, or nothing")
}

// addTo appends the rows of a shard. One without persons has none.
func (r shardReader) addTo(e *embedding, head shardedEmbedding) error {
	var persons []embeddedPerson
	var images []string
	if err := r.json(shardPersons, &persons); err != nil {
		return err
	}
	if err := r.json(shardImages, &images); err != nil || len(images) == 0 {
		return err
	}
	if e.Width == 0 {
		e.Width, e.Image = head.About.Width, make([][][]float32, head.Heads)
		e.PersonImage, e.PersonGenetics = make([][][]float32, len(e.tables)), make([][][]float32, len(e.tables))
	}
	person, ok := r.file.Lookup(shardPerson)
	if !ok || person.DType != safetensors.I64 || person.Len() != len(images) {
		return r.wrong(shardPerson, fmt.Sprintf("[%d]", len(images)))
	}
	for _, p := range person.Int64s() {
		if p < 0 || p >= int64(len(persons)) {
			return r.wrong(shardPerson, fmt.Sprintf("numbers below %d", len(persons)))
		}
		e.Person = append(e.Person, len(e.persons)+int(p))
	}
	for range persons {
		e.Persons = append(e.Persons, len(e.Persons))
	}
	e.persons, e.images = append(e.persons, persons...), append(e.images, images...)
	return r.addRows(e, len(persons), len(images))
}

// addRows appends the matrices of so many persons and images.
func (r shardReader) addRows(e *embedding, persons, images int) error {
	all := []shardMatrix{{&e.Features, shardFeatures, images, e.Width}, {&e.PersonFeatures, shardOfPerson, persons, e.Width}}
	for h := range e.Image {
		all = append(all, shardMatrix{&e.Image[h], fmt.Sprint(shardHead, h), images, e.Dim})
	}
	for t := range e.tables {
		all = append(all, shardMatrix{&e.PersonImage[t], fmt.Sprint(shardImage, t), persons, e.Dim}, shardMatrix{&e.PersonGenetics[t], fmt.Sprint(shardGenetics, t), persons, e.Dim})
	}
	for _, m := range all {
		if err := r.matrix(m); err != nil {
			return err
		}
	}
	return nil
}

// A shardMatrix is a matrix of a shard, and where its rows go.
type shardMatrix struct {
	to          *[][]float32
	name        string
	rows, width int
}

// matrix appends the rows of a matrix.
func (r shardReader) matrix(m shardMatrix) error {
	x, ok := r.file.Lookup(m.name)
	if !ok || x.DType != safetensors.F32 || !slices.Equal(x.Shape, []int{m.rows, m.width}) {
		return r.wrong(m.name, fmt.Sprintf("float32 [%d %d]", m.rows, m.width))
	}
	for v := safetensors.Floats[float32](x); len(v) > 0; v = v[m.width:] {
		*m.to = append(*m.to, v[:m.width:m.width])
	}
	return nil
}

// json reads a text.
func (r shardReader) json(name string, to any) error {
	t, ok := r.file.Lookup(name)
	if !ok || t.DType != safetensors.U8 || json.Unmarshal(t.Data, to) != nil {
		return r.wrong(name, "JSON")
	}
	return nil
}
