package cohort

import (
	"fmt"
	"path"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/frame"
	"contig-gpu/data/score"
	"contig-gpu/data/table"
)

// A source is one modality before the join. Rows are its own until load; after it, row k is the k-th loaded.
type source interface {
	people() (fid, iid []string) // fid may be nil
	file() string
	bytes(rows int) int    // of so many rows, once they are loaded
	load(rows []int) error // nobody asks for people after it
	present(k int) bool    // any value is not missing
	features() int         // before fit chooses
	fit(train []int) (*data.Stats, []string, error)
	table(st *data.Stats) (rowDecoder, error)
	drift(st *data.Stats, rows []int) []string // warnings of how these rows differ from the training that st comes from
}

// A rowDecoder writes the features of row k.
type rowDecoder interface {
	decode(k int, dst []float32)
}

// modality is a data.Table: a source after the join. It may be read from several goroutines.
type modality struct {
	name  string
	stats *data.Stats
	rows  []int32 // of each person, -1 where absent
	from  rowDecoder
	bytes int
}

// Name returns the section's name.
func (m *modality) Name() string { return m.name }

// Stats returns what turns values into features; it must not be changed.
func (m *modality) Stats() *data.Stats { return m.stats }

// Has reports whether a person has the modality.
func (m *modality) Has(person int) bool { return m.rows[person] >= 0 }

// Bytes returns the memory that the persons' values take.
func (m *modality) Bytes() int { return m.bytes }

// Row writes a person's features, zeros where the person is without.
func (m *modality) Row(person int, dst []float32) bool {
	k := m.rows[person]
	if k < 0 {
		clear(dst)
		return false
	}
	m.from.decode(int(k), dst)
	return true
}

// Places returns where the features lie on the genome, nil where they have no place there.
func (m *modality) Places() []data.Place {
	if g, ok := m.from.(*snpRows); ok {
		return g.places
	}
	return nil
}

// openSource reads what a section names, of a table no more than only; st is nil where statistics will be fitted.
func (c *config) openSource(s *section, st *data.Stats, only table.Selection) (source, []string, error) {
	switch {
	case s.files != nil:
		return c.openSNPs(s, st)
	case s.pgs != nil:
		return c.openPGS(s, st, only)
	case s.masks != nil:
		return c.openMasks(s, st, only)
	case s.score != nil:
		paths, err := c.expand(s.score.SScore, s.name, true)
		if err != nil {
			return nil, nil, err
		}
		w, err := score.Read(paths, s.score.Column, only)
		if err != nil || w == nil { // nil where all files are at fault, and that was taken
			return nil, nil, err
		}
		note := fmt.Sprintf("%s: %d scores in %d files, %d persons.", s.name, len(w.Names), len(paths), len(w.IID))
		return &dense{wide: w, standardize: s.score.Standardize == "train"}, append(w.Notes, note), nil
	}
	o := frame.Options{Dataset: s.wide.Dataset, Orient: s.wide.Orient}
	for to, at := range map[*string]string{&o.IDs: s.wide.IDs, &o.Names: s.wide.NamesFile} {
		if at != "" {
			*to = c.resolve(at)
		}
	}
	if len(s.wide.Columns) > 0 {
		only.Column = func(name string) bool {
			return slices.ContainsFunc(s.wide.Columns, func(p string) bool { return p == name || matches(p, name) })
		}
	}
	w, err := frame.Read(c.resolve(s.wide.Table), o, only)
	if err != nil {
		return nil, nil, err
	}
	note := fmt.Sprintf("%s: %d features, %d persons.", s.name, len(w.Names), len(w.IID))
	return &dense{wide: w, standardize: s.wide.Standardize == "train", minCarriers: s.wide.MinCarriers}, append(w.Notes, note), nil
}

// matches says whether a name is of a pattern with *, ? or [a-z]. Names with slashes are none of a *.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
