package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/shard"
	"contig-gpu/model/checkpoint/safetensors"

	"github.com/urfave/cli/v2"
)

// Names of what a shard of an explanation has: the settings as metadata; tensors, with the number of the modality behind them; files of records.
const (
	shardSettings          = "settings"
	shardReferenceImage    = "reference.image."
	shardReferenceGenetics = "reference.genetics."
	shardExplainedImage    = "person.image."
	shardExplainedGenetics = "person.genetics."
	shardRecords           = "records"
	recordsName            = "records-%d-%d.safetensors" // of a modality and a chunk
)

// What a setting is to shards: see ofShards.
const (
	leftOut = iota
	hasPath
	other
)

// takeShare leaves of the persons those of --shard. What is the same of all shards is of everyone: where shards are joined it is held against theirs.
func (e *explanation) takeShare() error {
	e.everyone, e.same = e.persons, e.identity()
	if e.shards != nil {
		return e.shards[0].Check(e.facts())
	}
	if e.set.share == nil {
		return nil
	}
	lo, hi := e.set.share.Of(len(e.persons))
	e.persons = e.persons[lo:hi]
	for _, p := range e.parts {
		p.persons = p.having(e.persons)
	}
	e.say("shard %s: %d of these persons", e.set.share, len(e.persons))
	return nil
}

// ofShards says what a setting is to shards: left out, since tasks may differ in it or have it in other words; a path, which is kept but not compared where a digest is; or
// any other, which all shards have in common.
func ofShards(name string) int {
	switch name {
	case "run", "out", "overwrite", "resume", "shard", "device", "threads":
		return leftOut
	case "checkpoint", "images", "data", "image-root", "persons", "reference":
		return hasPath
	}
	return other
}

// namesFile reports whether a setting has the path of a file or folder, which merge is to find from wherever it is called.
func (s *explainSettings) namesFile(name string) bool {
	switch name {
	case "checkpoint", "images", "data":
		return true
	case "image-root":
		return s.ImageRoot != ""
	case "genes":
		return s.Genes != ""
	case "names":
		return s.Names != ""
	case "strata":
		return s.Strata != ""
	case "persons":
		return !slices.Contains(splitWords(), s.Persons)
	case "reference":
		_, err := strconv.Atoi(s.Reference)
		return err != nil
	}
	return false
}

// facts are what all shards of one explanation have in common.
func (e *explanation) facts() []shard.Fact {
	all := []shard.Fact{{Name: "version of the program", Value: version + revision()}}
	for _, key := range identityKeys() {
		if key != "version" && key != "shard" {
			all = append(all, shard.Fact{Name: key, Value: e.same[key]})
		}
	}
	for _, r := range e.set.rows() {
		if ofShards(r.Name) == other {
			all = append(all, shard.Fact{Name: "--" + r.Name, Value: r.Text()})
		}
	}
	return all
}

// fill fills the folder, of an explanation or of a shard.
func (e *explanation) fill(ctx context.Context, dir string) error {
	if e.set.share != nil {
		return e.writeShard(dir)
	}
	return e.write(ctx, dir)
}

// writeShard writes what merge takes: the settings, embeddings, and the records of every chunk.
func (e *explanation) writeShard(dir string) error {
	values := map[string]string{}
	for _, r := range e.set.rows() {
		if ofShards(r.Name) != leftOut {
			values[r.Name] = r.Text()
			if e.set.namesFile(r.Name) {
				at, err := filepath.Abs(r.Text())
				if err != nil {
					return err
				}
				values[r.Name] = at
			}
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	width := e.model.Config().Embedding
	for i, p := range e.parts {
		rows := func(of map[int][]float32) (out [][]float32) {
			for _, person := range p.persons {
				out = append(out, of[person])
			}
			return out
		}
		tensors = append(tensors, rowsTensor(fmt.Sprint(shardReferenceImage, i), width, p.image), rowsTensor(fmt.Sprint(shardReferenceGenetics, i), width, p.genetics),
			rowsTensor(fmt.Sprint(shardExplainedImage, i), width, rows(p.imageOf)), rowsTensor(fmt.Sprint(shardExplainedGenetics, i), width, rows(p.geneticsOf)))
		for k := range p.chunks() {
			b, err := e.work.records(i, k)
			if err != nil {
				return err
			}
			t := safetensors.Tensor{Name: shardRecords, DType: safetensors.U8, Shape: []int{len(b)}, Data: b}
			if err := shard.WriteFile(filepath.Join(dir, fmt.Sprintf(recordsName, i, k)), []safetensors.Tensor{t}, nil); err != nil {
				return err
			}
		}
	}
	return shard.Write(dir, shard.About{Verb: "explain", Share: *e.set.share, Same: e.facts(), Device: computedOn(e.dev)}, tensors, map[string]string{shardSettings: string(text)})
}

// mergeExplanation joins shards of explain: their persons, of whom tables, tests, decoys and maps are made as explain makes them.
func mergeExplanation(c *cli.Context, parts []*shard.Part) error {
	s, err := explainedBy(parts[0])
	if err != nil {
		return err
	}
	s.Out, s.Overwrite, s.Device, s.Threads = c.String("out"), c.Bool("overwrite"), c.String("device"), c.Int("threads")
	if err := s.resolve(c); err != nil {
		return err
	}
	w := speaking(c)
	e := &explanation{set: s, line: progress.New(w), out: w, shards: parts}
	defer e.close()
	if err := e.run(c.Context); err != nil {
		return err
	}
	return result(c, "", struct {
		Out     string `json:"out"`
		Persons int    `json:"persons"`
	}{s.Out, len(e.persons)})
}

// explainedBy returns the settings of explain that a shard was made with.
func explainedBy(p *shard.Part) (*explainSettings, error) {
	f, err := p.Read(shard.FileName)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(f.Metadata[shardSettings]), &values); err != nil {
		return nil, p.Damaged(shard.FileName, "settings of explain", "none")
	}
	s := newExplainSettings()
	for _, r := range s.rows() {
		text, ok := values[r.Name]
		if !ok && ofShards(r.Name) != leftOut {
			return nil, p.Damaged(shard.FileName, "the setting "+r.Name, "none")
		}
		if ok && ofShards(r.Name) != leftOut {
			if err := r.Parse(text); err != nil {
				return nil, p.Damaged(shard.FileName, "a setting "+r.Name+": "+r.Expected(), fmt.Sprintf("%.100q", text))
			}
		}
	}
	return s, nil
}

// of returns the persons of a shard who have the modality.
func (p *part) of(s shard.Share, everyone []int) []int {
	lo, hi := s.Of(len(everyone))
	return p.having(everyone[lo:hi])
}

// takeEmbedded takes the embeddings of all persons from shards, those of the reference from the first.
func (e *explanation) takeEmbedded() error {
	e.say("joining %d shards", len(e.shards))
	width := e.model.Config().Embedding
	for _, p := range e.parts {
		p.imageOf, p.geneticsOf = make(map[int][]float32, len(p.persons)), make(map[int][]float32, len(p.persons))
	}
	for k, from := range e.shards {
		f, err := from.Read(shard.FileName)
		if err != nil {
			return err
		}
		r := shardReader{from, f}
		for i, p := range e.parts {
			persons := p.of(from.Share, e.everyone)
			var image, genetics [][]float32
			all := []shardMatrix{{&image, fmt.Sprint(shardExplainedImage, i), len(persons), width}, {&genetics, fmt.Sprint(shardExplainedGenetics, i), len(persons), width}}
			if k == 0 {
				all = append(all, shardMatrix{&p.image, fmt.Sprint(shardReferenceImage, i), len(p.reference), width}, shardMatrix{&p.genetics, fmt.Sprint(shardReferenceGenetics, i), len(p.reference), width})
			}
			for _, m := range all {
				if err := r.matrix(m); err != nil {
					return err
				}
			}
			for j, person := range persons {
				p.imageOf[person], p.geneticsOf[person] = image[j], genetics[j]
			}
		}
	}
	return nil
}

// takeRecords takes the attributions of all persons from shards into the working folder.
func (e *explanation) takeRecords(ctx context.Context) error {
	for i, p := range e.parts {
		for done, from := range e.shards {
			k := 0
			for persons := range slices.Chunk(p.of(from.Share, e.everyone), chunkPersons) {
				if err := ctx.Err(); err != nil {
					return err
				}
				b, err := e.recordsOf(from, fmt.Sprintf(recordsName, i, k), persons, len(p.names()))
				if err != nil {
					return err
				}
				if err := e.work.write(i, p.joined, func(w io.Writer) error {
					_, err := w.Write(b)
					return err
				}); err != nil {
					return err
				}
				p.joined, k = p.joined+1, k+1
			}
			e.line.Part(done+1, len(e.shards), "shards of "+p.name)
		}
	}
	return nil
}

// recordsOf reads a file of records, which must be of these persons by every method.
func (e *explanation) recordsOf(from *shard.Part, name string, persons []int, features int) ([]byte, error) {
	f, err := from.Read(name)
	if err != nil {
		return nil, err
	}
	size := recordBytes(features)
	t, ok := f.Lookup(shardRecords)
	good := ok && t.DType == safetensors.U8 && t.Len() == size*len(persons)*len(e.set.methods)
	for at := 0; good && at < len(t.Data); at += size {
		_, good = slices.BinarySearch(persons, personOf(t.Data[at:]))
	}
	if !good {
		return nil, from.Damaged(name, fmt.Sprintf("the records of %d persons", len(persons)), "others")
	}
	return t.Data, nil
}
