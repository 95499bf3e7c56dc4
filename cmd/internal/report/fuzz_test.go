package report

import (
	"bytes"
	"testing"
)

// FuzzReadMetrics: anything is rows or an error.
func FuzzReadMetrics(f *testing.F) {
	f.Add([]byte(`{"kind":"step","step":1,"losses":{"a":{"loss":1}}}` + "\n" + `{"kind":"test","losses":{"a":2}}` + "\n"))
	f.Add([]byte(`{"kind":"step"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := ReadMetrics(bytes.NewReader(b))
		if err == nil && len(rows) > bytes.Count(b, []byte("\n"))+1 {
			t.Fatalf("%d rows", len(rows))
		}
	})
}
