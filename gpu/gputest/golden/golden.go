// Package golden reads golden cases, reference values that PyTorch computed in float64, for tests. testdata, in this folder, is part of
// the repository and always compared with; a further folder may be given (Folders). testdata/README.md says what the files hold.
package golden

import (
	"encoding/json"
	"testing"
)

// A Case is one golden case: its name, its attributes as JSON and its tensors.
type Case struct {
	Folder  Folder // where it comes from
	Name    string // in its file; the keys of its tensors and names of fills begin with it
	raw     json.RawMessage
	tensors map[string]Tensor // of the whole file
}

// Label returns the name of the case's sub-test: folder:name.
func (c Case) Label() string { return c.Folder.Name + ":" + c.Name }

// Decode decodes all attributes of the case into v.
func (c Case) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(c.raw, v); err != nil {
		t.Fatalf("case %s: %v", c.Label(), err)
	}
}

// Attr decodes the attribute key into v; it fails the test if there is none.
func (c Case) Attr(t testing.TB, key string, v any) {
	t.Helper()
	var all map[string]json.RawMessage
	c.Decode(t, &all)
	if err := json.Unmarshal(all[key], v); err != nil {
		t.Fatalf("case %s: attribute %s: %v", c.Label(), key, err)
	}
}

// Has reports whether the case has an attribute key that is not null.
func (c Case) Has(key string) bool {
	var all map[string]any
	return json.Unmarshal(c.raw, &all) == nil && all[key] != nil
}

// Lookup returns the tensor key of the case, if there is one.
func (c Case) Lookup(key string) (Tensor, bool) {
	x, ok := c.tensors[c.Name+"/"+key]
	return x, ok
}

// Tensor returns the tensor key of the case; it fails the test if there is none.
func (c Case) Tensor(t testing.TB, key string) Tensor {
	t.Helper()
	x, ok := c.Lookup(key)
	if !ok {
		t.Fatalf("case %s has no tensor %s", c.Label(), key)
	}
	return x
}
