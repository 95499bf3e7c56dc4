package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message is one of protobuf's, as bytes. Fields are numbered as in onnx.proto of ONNX 1.
type message []byte

func (m message) number(field protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

func (m message) bytes(field protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), b)
}

func (m message) text(field protowire.Number, s string) message { return m.bytes(field, []byte(s)) }

func (m message) float(field protowire.Number, v float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, field, protowire.Fixed32Type), math.Float32bits(v))
}

// Kinds of attributes, AttributeProto.AttributeType.
const (
	kindFloat = 1
	kindInts  = 7
)

// An attribute is what a node is told beside its inputs.
type attribute struct {
	name  string
	value float32 // where ints is nil
	ints  []int64
}

func (a attribute) encode() message {
	m := message(nil).text(1, a.name)
	if a.ints == nil {
		return m.float(2, a.value).number(20, kindFloat)
	}
	for _, v := range a.ints {
		m = m.number(8, v)
	}
	return m.number(20, kindInts)
}

// node encodes a NodeProto of the default operator set.
func node(op, name string, inputs []string, output string, attributes ...attribute) message {
	var m message
	for _, in := range inputs {
		m = m.text(1, in)
	}
	m = m.text(2, output).text(3, name).text(4, op)
	for _, a := range attributes {
		m = m.bytes(5, a.encode())
	}
	return m
}

// float32s is TensorProto.FLOAT.
const float32s = 1

// tensor encodes a TensorProto of float32, little-endian.
func tensor(name string, shape []int, raw []byte) message {
	var m message
	for _, n := range shape {
		m = m.number(1, int64(n))
	}
	return m.number(2, float32s).text(8, name).bytes(9, raw)
}

// value encodes the ValueInfoProto of a tensor of float32 whose first dimension may be any.
func value(name, first string, rest ...int) message {
	shape := message(nil).bytes(1, message(nil).text(2, first))
	for _, n := range rest {
		shape = shape.bytes(1, message(nil).number(1, int64(n)))
	}
	return message(nil).text(1, name).bytes(2, message(nil).bytes(1, message(nil).number(1, float32s).bytes(2, shape)))
}
