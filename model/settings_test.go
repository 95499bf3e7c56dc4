package model

import "testing"

// TestWordsAreKnown: what a setting may be, the code that reads it knows, and a model of it can be made.
func TestWordsAreKnown(t *testing.T) {
	for _, name := range encoders() {
		for _, kind := range genetics() {
			c := Defaults()
			c.Encoder, c.Genetics, c.Hidden, c.Modalities = name, kind, 4, []Modality{{Name: "a", Features: 2}}
			if _, err := architectureOf(name); err != nil || c.Validate() != nil {
				t.Errorf("%s: %v, %v", name, err, c.Validate())
			}
			if _, err := blocksOf(kind); err != nil {
				t.Error(err)
			}
		}
	}
}
