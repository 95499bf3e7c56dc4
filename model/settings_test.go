package model

import (
	"testing"

	"contig-gpu/model/trunk"
)

// TestWordsAreKnown: what a setting may be, the code that reads it knows, and a model of it can be made.
func TestWordsAreKnown(t *testing.T) {
	for _, name := range trunk.Names() {
		for _, kind := range genetics() {
			c := Defaults()
			c.Encoder, c.Genetics, c.Hidden, c.Modalities = name, kind, 4, []Modality{{Name: "a", Features: 2}}
			if _, err := New(c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := blocksOf(kind); err != nil {
				t.Error(err)
			}
		}
	}
}
