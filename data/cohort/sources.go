package cohort

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"path/filepath"

	"contig-gpu/data"
)

// tableSource says what a table holds, given the digests of its parts: training persons and others.
func tableSource(t data.Table, persons int, parts [][2]sum) data.SourceDigest {
	s := data.SourceDigest{Name: t.Name(), Features: t.Stats().Width()}
	for p := range persons {
		if t.Has(p) {
			s.Rows++
		}
	}
	stats, err := json.Marshal(t.Stats())
	if err != nil {
		panic("cohort: statistics that are not finite: " + err.Error())
	}
	whole, of := sha256.Sum256(stats), [2]hash.Hash{sha256.New(), sha256.New()}
	for _, p := range parts {
		of[0].Write(p[0][:])
		of[1].Write(p[1][:])
	}
	s.Stats, s.Train, s.Held = hex.EncodeToString(whole[:]), hex.EncodeToString(of[0].Sum(nil)), hex.EncodeToString(of[1].Sum(nil))
	return s
}

// imageSource says what the images are.
func imageSource(c *data.Cohort, sums []sum) data.SourceDigest {
	names, bytes := sha256.New(), sha256.New()
	for i, im := range c.Images {
		name := filepath.Base(im.Path)
		if c.Row != nil {
			name = c.Row(i).Fields[1]
		}
		fmt.Fprintf(names, "%q %d %d\n", name, im.Size, im.Person)
		bytes.Write(sums[i][:])
	}
	return data.SourceDigest{Rows: len(c.Images), Stats: hex.EncodeToString(names.Sum(nil)), Train: hex.EncodeToString(bytes.Sum(nil))}
}
