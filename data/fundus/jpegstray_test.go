package fundus

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"
)

// TestStrayMarkers: markers without a length where none belongs neither hide that a file is cut nor make its comments be read as frames.
func TestStrayMarkers(t *testing.T) {
	frame := []byte{0xFF, 0xC0, 0, 11, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0} // 65535 pixels a side
	comment := append([]byte{0xFF, 0xFE, 0, byte(2 + len(frame))}, frame...)
	for name, b := range jpegs(t) {
		for _, stray := range []byte{0x01, 0xD0, 0xD7} {
			head := append(bytes.Clone(b[:2]), 0xFF, stray)
			whole, err := Decode(write(t, name, append(append(bytes.Clone(head), comment...), b[2:]...)))
			if want, _ := Decode(write(t, name, b)); err != nil || !reflect.DeepEqual(whole, want) {
				t.Errorf("%s after the marker %02X: %v", name, stray, err)
			}
			at := bytes.LastIndex(b, []byte{0xFF, 0xDA}) + 12
			refused(t, write(t, name, append(head, b[2:(at+len(b))/2]...)), "corrupt")
		}
	}
}

// TestManyTables: tables that are defined again and again cost what their bytes are, not what a table that is used takes.
func TestManyTables(t *testing.T) {
	table := append([]byte{0xFF, 0xC4, 0, 20, 0x03, 1}, make([]byte, 16)...)
	many := append(append([]byte{0xFF, 0xD8}, bytes.Repeat(table, 20000)...), 0xFF, 0xD9)
	path := write(t, "tables.jpg", many)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(path)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > uint64(8*len(many)) {
		t.Errorf("%d bytes of tables took %d: %v", len(many), took, err)
	}
}
