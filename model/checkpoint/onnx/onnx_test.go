package onnx

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"

	"google.golang.org/protobuf/encoding/protowire"
)

// network returns an image encoder whose weights are all zero.
func network(t *testing.T, name string) Network {
	t.Helper()
	tr, err := trunk.New(name, "")
	if err != nil {
		t.Fatal(err)
	}
	n := Network{Trunk: tr, Size: 32, Weights: map[string]safetensors.Tensor{}, Version: "1", Metadata: map[string]string{"fit": "pad", "encoder": name}}
	zeros := func(name string, dims []int) {
		size := 1
		for _, d := range dims {
			size *= d
		}
		n.Weights[name] = safetensors.FromFloats(name, safetensors.F32, dims, make([]float32, size))
	}
	for _, p := range tr.Params() {
		zeros(p.Name, p.Dims)
	}
	for _, b := range tr.Buffers() {
		zeros(b.Name, b.Dims)
	}
	return n
}

// fields returns the values of a message's field, as protowire reads them.
func fields(t *testing.T, m []byte, want protowire.Number) (found [][]byte) {
	t.Helper()
	for len(m) > 0 {
		number, kind, n := protowire.ConsumeTag(m)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(number, kind, m[n:])
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		if number == want {
			value := m[n : n+size]
			if kind == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			found = append(found, value)
		}
		m = m[n+size:]
	}
	return found
}

// TestEveryEncoder: every image encoder has a form, with each of its weights once, the first node reading the images and the last writing the features, and
// the metadata in the order of their keys.
func TestEveryEncoder(t *testing.T) {
	for _, name := range trunk.Names() {
		n := network(t, name)
		var b bytes.Buffer
		if err := Write(&b, n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		graph := fields(t, b.Bytes(), 7)[0]
		var names []string
		for _, w := range fields(t, graph, 5) {
			names = append(names, string(fields(t, w, 8)[0]))
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(n.Weights) {
			t.Errorf("%s: %d weights, want %d", name, len(names), len(n.Weights))
		}
		nodes := fields(t, graph, 1)
		if first, last := fields(t, nodes[0], 1)[0], fields(t, nodes[len(nodes)-1], 2)[0]; string(first) != Input || string(last) != Output {
			t.Errorf("%s: from %s to %s", name, first, last)
		}
		if meta := fields(t, b.Bytes(), 14); len(meta) != 2 || string(fields(t, meta[0], 1)[0]) != "encoder" || string(fields(t, meta[1], 2)[0]) != "pad" {
			t.Errorf("%s: metadata %q", name, meta)
		}
		if !Ours(bytes.NewReader(b.Bytes())) || Ours(bytes.NewReader(b.Bytes()[:5])) || Ours(bytes.NewReader([]byte("another file"))) {
			t.Errorf("%s: files are not told from others", name)
		}
	}
}

type strange struct{ nn.Layer }

// TestNotWritten: a weight that is missing, of another type, and a layer without a form are errors, as is that of the writer.
func TestNotWritten(t *testing.T) {
	for what, harm := range map[string]func(n *Network){
		"missing":    func(n *Network) { delete(n.Weights, "layer1.0.bn1.running_var") },
		"other type": func(n *Network) { n.Weights["conv1.weight"] = safetensors.FromInt64("conv1.weight", 1) },
		"layer":      func(n *Network) { n.Trunk.Pool = strange{} },
	} {
		n := network(t, "resnet18")
		harm(&n)
		var b bytes.Buffer
		if err := Write(&b, n); err == nil || b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", what, err, b.Len())
		}
	}
	if err := Write(full{}, network(t, "resnet18")); err != errFull {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
