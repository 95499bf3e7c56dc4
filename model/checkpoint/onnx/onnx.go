// Package onnx writes image encoders in the Open Neural Network Exchange format, which onnxruntime and others run.
//
// Source of the format: https://github.com/onnx/onnx, onnx/onnx.proto and docs/Operators.md.
package onnx

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// Versions that a file states. Opset 17 is of ONNX 1.12 (2022); none of the operators that are used has changed in meaning since opset 15.
const (
	irVersion = 8
	Opset     = 17
)

// Producer is what a file of ours says of its maker.
const Producer = "contig-gpu"

// Names of a network's only input, [batch, 3, size, size], and output, [batch, width].
const (
	Input  = "images"
	Output = "features"
)

// A Network is an image encoder with its weights in float32, under the names of the trunk and in torchvision's layout.
type Network struct {
	Trunk    *trunk.Trunk
	Size     int // pixels of an image, in height and width
	Weights  map[string]safetensors.Tensor
	Version  string            // of the program
	Metadata map[string]string // how images are prepared, and more
}

// Write writes the network: convolutions, BatchNormalization by the running statistics, and what joins them, any number of images at a time. Equal networks give equal
// bytes. An error is the writer's, or of a layer that has no form here.
func Write(w io.Writer, n Network) error {
	g := &graph{weights: n.Weights}
	last := Input
	for _, s := range n.Trunk.Stages {
		last = g.layer(s.Name, s.Layers, last)
	}
	pooled := g.layer("pool", n.Trunk.Pool, last)
	g.add("Identity", Output, []string{pooled}, Output)
	if g.err != nil {
		return g.err
	}
	m := message(nil).number(1, irVersion).text(2, Producer).text(3, n.Version).bytes(7, g.encode(n.Size, n.Trunk.Width)).bytes(8, message(nil).number(2, Opset))
	for _, key := range slices.Sorted(maps.Keys(n.Metadata)) {
		m = m.bytes(14, message(nil).text(1, key).text(2, n.Metadata[key]))
	}
	_, err := w.Write(m)
	return err
}

// Ours reports whether r begins as a file that Write wrote.
func Ours(r io.Reader) bool {
	want := message(nil).number(1, irVersion).text(2, Producer)
	have := make([]byte, len(want))
	_, err := io.ReadFull(r, have)
	return err == nil && bytes.Equal(have, want)
}

// A graph collects nodes and the weights that they take, in the order of computation.
type graph struct {
	weights map[string]safetensors.Tensor
	nodes   []message
	taken   []message
	err     error
}

func (g *graph) encode(size, width int) message {
	var m message
	for _, n := range g.nodes {
		m = m.bytes(1, n)
	}
	m = m.text(2, "encoder")
	for _, t := range g.taken {
		m = m.bytes(5, t)
	}
	return m.bytes(11, value(Input, "batch", 3, size, size)).bytes(12, value(Output, "batch", width))
}

// add appends a node and returns the name of its output.
func (g *graph) add(op, name string, inputs []string, output string, attributes ...attribute) string {
	g.nodes = append(g.nodes, node(op, name, inputs, output, attributes...))
	return output
}

// weight makes a tensor one of the file's and returns its name.
func (g *graph) weight(name string) string {
	t, ok := g.weights[name]
	if !ok || t.DType != safetensors.F32 {
		g.err = fmt.Errorf("onnx: the weight %s is missing, or not float32", name)
		return name
	}
	g.taken = append(g.taken, tensor(name, t.Shape, t.Data))
	return name
}

// layer adds what a layer computes of the value named x, and returns the name of the result.
func (g *graph) layer(name string, l nn.Layer, x string) string {
	switch l := l.(type) {
	case nn.Sequential:
		for i, part := range l {
			x = g.layer(fmt.Sprint(name, ".", i), part, x)
		}
		return x
	case *nn.ConvNorm:
		return g.rectified(l.Norm, name, g.convNorm(l, name, x))
	case *nn.Residual:
		main := g.convNorm(l.Last, name+".last", g.layer(name+".body", l.Body, x))
		side := x
		if l.Shortcut != nil {
			side = g.layer(name+".shortcut", l.Shortcut, x)
		}
		return g.rectified(l.Last.Norm, name, g.add("Add", name+".add", []string{main, side}, name+".add"))
	case *nn.MaxPool:
		return g.add("MaxPool", name, []string{x}, name, square("kernel_shape", l.K, 2), square("strides", l.Stride, 2), square("pads", l.Pad, 4))
	case *nn.GlobalAvgPool:
		return g.add("Flatten", name+".flat", []string{g.add("GlobalAveragePool", name, []string{x}, name)}, name+".flat")
	}
	g.err = fmt.Errorf("onnx: %s is a %T, which has no form in ONNX here", name, l)
	return x
}

// convNorm adds a convolution and its norm, which keep the names that torchvision has for them.
func (g *graph) convNorm(l *nn.ConvNorm, name, x string) string {
	k, stride, pad := l.Conv.Geometry()
	y := g.add("Conv", name+".conv", []string{x, g.weight(l.Conv.Weight.Name)}, name+".conv", square("kernel_shape", k, 2), square("strides", stride, 2), square("pads", pad, 4))
	in := []string{y}
	for _, w := range []string{l.Norm.Weight.Name, l.Norm.Bias.Name, l.Norm.RunMean.Name, l.Norm.RunVar.Name} {
		in = append(in, g.weight(w))
	}
	return g.add("BatchNormalization", name+".norm", in, name+".norm", attribute{name: "epsilon", value: float32(l.Norm.Eps())})
}

// rectified adds the ReLU of a norm that has one.
func (g *graph) rectified(b *nn.BatchNorm, name, x string) string {
	if !b.Rectifies() {
		return x
	}
	return g.add("Relu", name+".relu", []string{x}, name+".relu")
}

// square is an attribute of n equal whole numbers.
func square(name string, v, n int) attribute {
	a := attribute{name: name}
	for range n {
		a.ints = append(a.ints, int64(v))
	}
	return a
}
