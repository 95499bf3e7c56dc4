package cohort

import (
	"fmt"
	"path/filepath"

	"contig-gpu/data"
)

// A run that goes on without images that cannot be decoded keeps their rows. They stay in its cohort, so that persons, splits,
// statistics and digests are what they were, whatever becomes of the row and of the file.

// row returns the row of image k.
func (m *manifest) row(k int) data.ManifestRow {
	im := m.images[k]
	p := m.persons[im.Person]
	return data.ManifestRow{Number: k, Fields: []string{p.id, m.names[k], im.Eye, im.Visit, p.split, p.group}, Size: m.sizes[k]}
}

// without returns the rows that the manifest does not have.
func (m *manifest) without(rows []data.ManifestRow) []data.ManifestRow {
	has := map[string]bool{}
	for _, n := range m.names {
		has[n] = true
	}
	var gone []data.ManifestRow
	for _, r := range rows {
		if !has[r.Fields[1]] {
			gone = append(gone, r)
		}
	}
	return gone
}

// putBack adds those rows, which ascend by number, that stood at or before number n, and returns the others.
func (r *manifestReader) putBack(gone []data.ManifestRow, n, line int) ([]data.ManifestRow, error) {
	for len(gone) > 0 && gone[0].Number <= max(n, len(r.m.images)) {
		if err := r.add([manifestColumns]string(gone[0].Fields), line); err != nil {
			return nil, err
		}
		k := len(r.m.images) - 1
		r.m.images[k].Skip, r.m.images[k].Line = true, 0
		gone = gone[1:]
	}
	return gone, nil
}

// mark marks the images of rows, and returns the rows by image.
func (m *manifest) mark(rows []data.ManifestRow) map[int]data.ManifestRow {
	of := map[string]data.ManifestRow{}
	for _, r := range rows {
		of[r.Fields[1]] = r
	}
	marked := map[int]data.ManifestRow{}
	for k, name := range m.names {
		r, ok := of[name]
		if !ok {
			continue
		}
		marked[k] = r
		m.images[k].Known = r.Digest
		m.images[k].Skip = m.images[k].Skip || r.Skip
	}
	if len(marked) > 0 {
		m.notes = append(m.notes, fmt.Sprintf("%s: %d images that this run has found broken.", filepath.Base(m.path), len(marked)))
	}
	return marked
}
