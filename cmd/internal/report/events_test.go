package report

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"testing"
	"time"

	"contig-gpu/model/eval"
)

// unmask gives back the checksum that a record has masked (record_writer.h: rotated right by 15 bits, plus a constant).
func unmask(v uint32) uint32 {
	v -= 0xa282ead8
	return v>>17 | v<<15
}

// fieldsOf splits a message of protocol buffers into its fields, in order: by number, varints and fixed ones as they are.
func fieldsOf(t *testing.T, b []byte) (out []struct {
	number int
	value  uint64
	bytes  []byte
}) {
	t.Helper()
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		b = b[n:]
		f := struct {
			number int
			value  uint64
			bytes  []byte
		}{number: int(key >> 3)}
		switch key & 7 {
		case 0:
			f.value, n = binary.Uvarint(b)
			b = b[n:]
		case 1:
			f.value, b = binary.LittleEndian.Uint64(b), b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			f.bytes, b = b[n:n+int(size)], b[n+int(size):]
		case 5:
			f.value, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			t.Fatalf("a field of type %d", key&7)
		}
		out = append(out, f)
	}
	return out
}

// TestEvents: records with their checksums, one for each line that has something to show, with its step, time and values.
func TestEvents(t *testing.T) {
	rows := []Row{{Kind: "step", Step: 7, Time: 1234.5, Loss: 2.5, LR: 0.125, GradNorm: 3, Rate: 90, Losses: map[string]Loss{"m": {2.25, 8}}}, {Kind: Lost}, {Kind: Unreadable},
		{Kind: "validation", Step: 8, Loss: 3.5, Sets: map[string]eval.SetLoss{"m": {Loss: 4, Candidates: 64}}, Retrieval: map[string]eval.Retrieval{"all": by(0.5, 0.25)}}}
	var b bytes.Buffer
	if err := Events(&b, rows, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	// The first twelve bytes of every event file: a record of 24 bytes, and the checksum of that number.
	if begins := []byte("\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7f\x4b\x22\x09"); !bytes.HasPrefix(raw, begins) {
		t.Errorf("it begins with % x", raw[:13])
	}
	var said []string
	for len(raw) > 0 {
		n := int(binary.LittleEndian.Uint64(raw))
		data := raw[12 : 12+n]
		for part, masked := range map[string][]byte{string(raw[:8]): raw[8:12], string(data): raw[12+n : 16+n]} {
			if sum := crc32.Checksum([]byte(part), crc32.MakeTable(crc32.Castagnoli)); unmask(binary.LittleEndian.Uint32(masked)) != sum {
				t.Errorf("a checksum of %d bytes is wrong", len(part))
			}
		}
		raw = raw[16+n:]
		said = append(said, eventText(t, data))
	}
	want := []string{"at 1000 brain.Event:2",
		"at 1234.5 step 7 loss/training 2.5 optimiser/learning_rate 0.125 optimiser/gradient_norm 3 speed/images_per_second 90 loss_m/training 2.25",
		"at 1000 step 8 loss/validation 3.5 loss_m/validation_sets 4 recall10_all/validation_image_to_genetics 0.5 recall10_all/validation_genetics_to_image 0.25"}
	if fmt.Sprintf("%q", said) != fmt.Sprintf("%q", want) {
		t.Errorf("%q\nwant %q", said, want)
	}
}

// eventText says what an event holds.
func eventText(t *testing.T, data []byte) string {
	text := ""
	for _, f := range fieldsOf(t, data) {
		switch f.number {
		case 1:
			text += fmt.Sprintf("at %v", math.Float64frombits(f.value))
		case 2:
			text += fmt.Sprintf(" step %d", f.value)
		case 3:
			text += " " + string(f.bytes)
		case 5:
			for _, v := range fieldsOf(t, f.bytes) {
				for _, x := range fieldsOf(t, v.bytes) {
					if x.number == 1 {
						text += " " + string(x.bytes)
					} else {
						text += fmt.Sprintf(" %v", math.Float32frombits(uint32(x.value)))
					}
				}
			}
		}
	}
	return text
}
