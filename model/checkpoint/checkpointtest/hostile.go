// Package checkpointtest makes hostile checkpoints for tests: each has one change, drawn from a seed, of a good one.
package checkpointtest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"contig-gpu/model/checkpoint/safetensors"
)

// A Hostile is a changed checkpoint.
type Hostile struct {
	What  string // the change
	Raw   []byte // the file
	Stale bool   // its digest is still the good one's: whoever reads it must refuse it
}

// A file is a checkpoint that is being changed. What does not parse is written as it is.
type file struct {
	raw     []byte
	header  map[string]json.RawMessage
	meta    map[string]string
	tensors []safetensors.Tensor
	g       *rand.Rand
}

// Make returns the change of a number, from a seed, to the checkpoint good. The same numbers and seed give the same bytes.
func Make(good []byte, seed, number uint64) (Hostile, error) {
	n := int(binary.LittleEndian.Uint64(good))
	f := &file{raw: slices.Clone(good), g: rand.New(rand.NewPCG(seed, number))}
	if err := json.Unmarshal(good[8:8+n], &f.header); err != nil {
		return Hostile{}, err
	}
	whole, err := safetensors.Decode("good", good)
	if err != nil {
		return Hostile{}, err
	}
	f.meta, f.tensors = whole.Metadata, whole.Tensors
	kinds := []func(*file) (Hostile, error){(*file).flip, (*file).resize, (*file).entry, (*file).value, (*file).value, (*file).value, (*file).text, (*file).tensor, (*file).element}
	return kinds[f.g.IntN(len(kinds))](f)
}

func (f *file) headerEnd() int { return 8 + int(binary.LittleEndian.Uint64(f.raw)) }

// flip turns a bit round: of the header or of the tensors.
func (f *file) flip() (Hostile, error) {
	from, to := 0, f.headerEnd()
	if f.g.IntN(2) == 0 {
		from, to = to, len(f.raw)
	}
	at, bit := from+f.g.IntN(to-from), f.g.IntN(8)
	f.raw[at] ^= 1 << bit
	return Hostile{fmt.Sprintf("bit %d of byte %d of %d, where the header has %d", bit, at, len(f.raw), to), f.raw, true}, nil
}

// resize cuts the file, appends to it, or changes the length of the header.
func (f *file) resize() (Hostile, error) {
	switch f.g.IntN(4) {
	case 0:
		n := f.g.IntN(f.headerEnd())
		return Hostile{fmt.Sprintf("cut to %d bytes", n), f.raw[:n], true}, nil
	case 1:
		n := f.g.IntN(len(f.raw))
		return Hostile{fmt.Sprintf("cut to %d of %d bytes", n, len(f.raw)), f.raw[:n], true}, nil
	case 2:
		more := 1 + f.g.IntN(100)
		return Hostile{fmt.Sprintf("%d bytes more", more), append(f.raw, make([]byte, more)...), true}, nil
	}
	n := pick(f.g, []uint64{0, 1, 2, 7, 99_999_999, 1 << 31, 1 << 62, 1 << 63, math.MaxUint64, uint64(f.headerEnd() - 9), uint64(f.headerEnd())})
	binary.LittleEndian.PutUint64(f.raw, n)
	return Hostile{fmt.Sprintf("a header length of %d", n), f.raw, true}, nil
}

// entry changes the header's entry of a tensor and leaves the bytes as they are.
func (f *file) entry() (Hostile, error) {
	name := f.tensors[f.g.IntN(len(f.tensors))].Name
	other := f.tensors[f.g.IntN(len(f.tensors))].Name
	was := f.header[name]
	value := pick(f.g, []string{"null", "[]", "{}", "7", `""`, strings.Replace(string(was), `"dtype"`, `"Dtype"`, 1), strings.Replace(string(was), `F32`, `I32`, 1), strings.Replace(string(was), `F32`, "\x1b", 1),
		strings.Replace(string(was), `F32`, strings.Repeat("F", 1<<20), 1), strings.Replace(string(was), `"shape":[`, `"shape":[1,`, 1), strings.Replace(string(was), `"shape":[`, `"shape":[-1,`, 1), strings.Replace(string(was), `"shape":[`, `"shape":[4294967296,4294967296,`, 1),
		strings.Replace(string(was), `"shape":[`, `"shape":[0,`, 1), strings.Replace(string(was), `"shape":[`, `"shape":[null,`, 1), strings.Replace(string(was), `"data_offsets":[`, `"data_offsets":[1`, 1), strings.Replace(string(was), `"data_offsets":[`, `"data_offsets":[-`, 1),
		`{"dtype":"F32","shape":[` + strings.Repeat("1,", 1<<16) + `1],"data_offsets":[0,4]}`, string(f.header[other]), strings.Replace(string(was), `F32`, `F64`, 1)})
	key := name
	switch f.g.IntN(4) {
	case 0:
		key = other // the tensor of one name under another, which is there twice then
	case 1:
		key = pick(f.g, []string{"", "\x1b[2J", strings.Repeat("a.", 1<<16), "trunk.zz", "ema." + name, "optimizer.zz"})
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for _, k := range sortedKeys(f.header) {
		v := f.header[k]
		if k == name {
			k, v = key, json.RawMessage(value)
		}
		quoted, _ := json.Marshal(k)
		fmt.Fprintf(&b, "%s:%s,", quoted, v)
	}
	b.Truncate(b.Len() - 1)
	b.WriteByte('}')
	raw := append(binary.LittleEndian.AppendUint64(nil, uint64(b.Len())), b.Bytes()...)
	return Hostile{fmt.Sprintf("the entry of %s is %.80q under %.40q", name, value, key), append(raw, f.raw[f.headerEnd():]...), true}, nil
}

// text changes an entry of the metadata as a whole.
func (f *file) text() (Hostile, error) {
	key := pick(f.g, sortedKeys(f.meta))
	if f.g.IntN(5) == 0 {
		delete(f.meta, key)
		return f.sealed("no metadata " + key)
	}
	value := pick(f.g, []string{"", "null", "{}", "[]", "7", "\x1b[31m", strings.Repeat("9", 1<<20), strings.Repeat("[", 1<<20), `{"a":` + strings.Repeat(`{"a":`, 9000), "\xff\xfe", f.meta[pick(f.g, sortedKeys(f.meta))]})
	same := value == f.meta[key]
	f.meta[key] = value
	h, err := f.sealed(fmt.Sprintf("metadata %s is %.60q", key, value))
	if same {
		h.What += ", as it was"
	}
	return h, err
}

// value changes one value, anywhere in the settings, the state or the statistics, whatever they are.
func (f *file) value() (Hostile, error) {
	key := pick(f.g, []string{"config", "state", "stats"})
	var v any
	d := json.NewDecoder(strings.NewReader(f.meta[key]))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return Hostile{}, err
	}
	var spots []spot
	collect(v, "", func(any) {}, &spots)
	s := spots[f.g.IntN(len(spots))]
	by := s.changes(f.g)
	s.put(by)
	text, err := json.Marshal(v)
	if err != nil {
		return Hostile{}, err
	}
	f.meta[key] = strings.ReplaceAll(string(text), `"`+gone+`"`, "1e999")
	return f.sealed(fmt.Sprintf("%s%s is %.60q", key, s.path, fmt.Sprint(by)))
}

// tensor leaves out, adds, renames, retypes or exchanges tensors, as a writer that is at fault does.
func (f *file) tensor() (Hostile, error) {
	i, j := f.g.IntN(len(f.tensors)), f.g.IntN(len(f.tensors))
	t := &f.tensors[i]
	name := t.Name
	switch f.g.IntN(6) {
	case 0:
		f.tensors = slices.Delete(f.tensors, i, i+1)
		return f.sealed("no " + name)
	case 1:
		more := pick(f.g, []safetensors.Tensor{safetensors.FromInt64("trunk.zz", 1), {Name: "trunk.bn1.num_batches_tracked", DType: safetensors.U8, Shape: []int{3}, Data: make([]byte, 3)}, safetensors.FromInt64("ema."+name+"x", 1), safetensors.FromInt64("optimizer.zz", 1)})
		f.tensors = append(f.tensors, more)
		return f.sealed("also " + more.Name)
	case 2:
		t.Name += "x"
		return f.sealed(name + " is called otherwise")
	case 3:
		t.DType, t.Shape = safetensors.U8, []int{len(t.Data)}
		return f.sealed(name + " is U8")
	case 4:
		t.DType = "I32"
		return f.sealed(name + " is I32")
	}
	t.Data, f.tensors[j].Data = f.tensors[j].Data, t.Data
	t.Shape, f.tensors[j].Shape = f.tensors[j].Shape, t.Shape
	t.DType, f.tensors[j].DType = f.tensors[j].DType, t.DType
	return f.sealed(fmt.Sprintf("%s and %s are exchanged", name, f.tensors[j].Name))
}

// element changes one value of a tensor.
func (f *file) element() (Hostile, error) {
	i := f.g.IntN(len(f.tensors))
	t := &f.tensors[i]
	v := pick(f.g, []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, -math.MaxFloat32, -1, 0, 1e30})
	x := t.Float64s()
	if len(x) == 0 {
		return f.sealed("nothing")
	}
	at := f.g.IntN(len(x))
	if f.g.IntN(3) == 0 { // all of it
		for k := range x {
			x[k] = v
		}
		at = -1
	}
	x[max(at, 0)] = v
	*t = safetensors.FromFloats(t.Name, t.DType, t.Shape, x)
	return f.sealed(fmt.Sprintf("%s[%d] is %v", t.Name, at, v))
}

// sealed writes the file with a digest of what it holds now, or as earlier versions did, without.
func (f *file) sealed(what string) (Hostile, error) {
	var b bytes.Buffer
	err := safetensors.Write(&b, f.tensors, f.meta)
	raw := b.Bytes()
	if err == nil && f.g.IntN(2) == 0 {
		what += ", of an earlier version"
		raw, err = Unsealed(raw)
	}
	return Hostile{What: what, Raw: raw}, err
}

// Unsealed returns a checkpoint as earlier versions wrote it, without a digest.
func Unsealed(raw []byte) ([]byte, error) {
	n := int(binary.LittleEndian.Uint64(raw))
	var header map[string]json.RawMessage
	var meta map[string]string
	if err := json.Unmarshal(raw[8:8+n], &header); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(header["__metadata__"], &meta); err != nil {
		return nil, err
	}
	delete(meta, "contig-gpu.digest")
	if strings.HasPrefix(meta["format"], "contig-gpu checkpoint ") {
		meta["format"] = "contig-gpu checkpoint 1"
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	header["__metadata__"] = text
	if text, err = json.Marshal(header); err != nil {
		return nil, err
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), raw[8+n:]...), nil
}

func pick[T any](g *rand.Rand, of []T) T { return of[g.IntN(len(of))] }

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
