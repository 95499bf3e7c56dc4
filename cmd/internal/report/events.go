package report

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"
	"time"
)

// A scalar is a value of a step, as TensorBoard shows it: tags that begin alike are shown together.
type scalar struct {
	tag   string
	value float64
}

// Events writes the metrics as TensorBoard's event file: TFRecords (tensorflow/core/lib/io/record_writer.h) of the messages Event and Summary
// (tensorflow/core/util/event.proto, framework/summary.proto). Lines of older versions have no time: they have that of began.
func Events(w io.Writer, rows []Row, began time.Time) error {
	head := fixed64(nil, 1, math.Float64bits(seconds(began)))
	if err := record(w, text(head, 3, "brain.Event:2")); err != nil {
		return err
	}
	for _, r := range rows {
		all := scalars(r)
		if len(all) == 0 {
			continue
		}
		at := r.Time
		if at == 0 {
			at = seconds(began)
		}
		var summary []byte
		for _, s := range all {
			v := text(nil, 1, s.tag)
			v = binary.AppendUvarint(v, 2<<3|5) // simple_value, 32 bits
			v = binary.LittleEndian.AppendUint32(v, math.Float32bits(float32(s.value)))
			summary = text(summary, 1, string(v))
		}
		event := fixed64(nil, 1, math.Float64bits(at))
		event = binary.AppendUvarint(event, 2<<3) // step
		event = binary.AppendUvarint(event, uint64(r.Step))
		if err := record(w, text(event, 5, string(summary))); err != nil {
			return err
		}
	}
	return nil
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}

// scalars are what a line has to show.
func scalars(r Row) []scalar {
	var out []scalar
	switch r.Kind {
	case "step":
		out = append(out, scalar{"loss/training", r.Loss}, scalar{"optimiser/learning_rate", r.LR}, scalar{"optimiser/gradient_norm", r.GradNorm}, scalar{"speed/images_per_second", r.Rate})
		for _, m := range slices.Sorted(maps.Keys(r.Losses)) {
			out = append(out, scalar{"loss_" + m + "/training", r.Losses[m].Loss})
		}
	case "validation", "test":
		out = append(out, scalar{"loss/" + r.Kind, r.Loss})
		for _, m := range slices.Sorted(maps.Keys(r.Sets)) {
			out = append(out, scalar{"loss_" + m + "/" + r.Kind + "_sets", r.Sets[m].Loss})
		}
		for _, f := range Findings(r.Retrieval) {
			out = append(out, scalar{"recall10_" + f.Name + "/" + r.Kind + "_image_to_genetics", f.ImageToGenetics.R10}, scalar{"recall10_" + f.Name + "/" + r.Kind + "_genetics_to_image", f.GeneticsToImage.R10})
		}
	}
	return out
}

// fixed64 appends a field of 64 bits.
func fixed64(b []byte, field uint64, bits uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, field<<3|1), bits)
}

// text appends a field of so many bytes.
func text(b []byte, field uint64, s string) []byte {
	b = binary.AppendUvarint(b, field<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// record writes a TFRecord: length and bytes, each with its masked checksum.
func record(w io.Writer, data []byte) error {
	table := crc32.MakeTable(crc32.Castagnoli)
	masked := func(b []byte) uint32 {
		sum := crc32.Checksum(b, table)
		return (sum>>15 | sum<<17) + 0xa282ead8
	}
	head := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out := append(binary.LittleEndian.AppendUint32(head, masked(head[:8])), data...)
	_, err := w.Write(binary.LittleEndian.AppendUint32(out, masked(data)))
	return err
}
