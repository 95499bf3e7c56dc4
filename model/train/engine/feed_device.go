package engine

import (
	"slices"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// deviceFeed is the feed of a device that makes images from pixels and their variation, and looks the rows of tables up in
// memory of its own. It owns its arena.
type deviceFeed struct {
	o      Options
	obj    objective.Objective
	arena  *gpu.Arena
	norm   gpu.Tensor // [6], of grey levels
	tables []residentTable
}

func (f *deviceFeed) unpack(p *nn.Pass, in input) objective.Batch {
	b := in.Batch
	objective.NewInputs(&b, f.obj, p.Arena, p.DType, in.rows(), in.views, f.o.Dims.Height, f.o.Dims.Width)
	gpu.Augment(b.Image, in.pixels, in.geometry, in.colour, f.norm)
	for i, t := range f.tables {
		t.gather(b.Tables[i], in.row[i])
	}
	return b
}

func (f *deviceFeed) upload(u *gpu.Upload, in input, b *data.Batch) {
	gpu.UploadTo(u, in.pixels, b.Pixels[:in.pixels.Len()])
	gpu.UploadTo(u, in.geometry, b.Geometry[:in.geometry.Len()])
	gpu.UploadTo(u, in.colour, b.Colour[:in.colour.Len()])
	row := make([]int32, b.N)
	for i, t := range f.tables {
		for j, person := range b.Person[:b.N] {
			row[j] = t.Row[person]
		}
		gpu.UploadTo(u, in.row[i], row)
	}
}

// whole returns b with n rows in all: its last one again and again, without any table, and nothing known of its target. A GPU's libraries plan for one
// number of rows, and the last batch of an evaluation has fewer.
func (f *deviceFeed) whole(b *data.Batch, n int) *data.Batch {
	p := *b
	p.N, p.Present = n, nil
	for _, x := range b.Present {
		p.Present = append(p.Present, append(slices.Clip(x[:b.N]), make([]uint8, n-b.N)...))
	}
	if b.Target != nil {
		per := len(b.Target) / b.N
		p.Target, p.Known = again(b.Target[:b.N*per], b.N, n), append(slices.Clip(b.Known[:b.N*per]), make([]uint8, (n-b.N)*per)...)
	}
	p.Person, p.Group, p.Index = again(b.Person, b.N, n), again(b.Group, b.N, n), again(b.Index, b.N, n)
	p.Pixels, p.Geometry, p.Colour = nil, nil, nil
	views := b.Variations()
	for v := range views {
		p.Pixels = append(p.Pixels, again(equalPart(b.Pixels, v, views), b.N, n)...)
		p.Geometry = append(p.Geometry, again(equalPart(b.Geometry, v, views), b.N, n)...)
		p.Colour = append(p.Colour, again(equalPart(b.Colour, v, views), b.N, n)...)
	}
	return &p
}

// equalPart returns part i of s cut into n equal ones.
func equalPart[T any](s []T, i, n int) []T { return s[i*len(s)/n : (i+1)*len(s)/n] }

// again returns s, which has the given number of rows, with its last one repeated until there are n.
func again[T any](s []T, rows, n int) []T {
	width := len(s) / rows
	return append(slices.Clip(s), slices.Repeat(s[(rows-1)*width:], n-rows)...)
}

func (f *deviceFeed) on(a *gpu.Arena, obj objective.Objective) feed {
	g := &deviceFeed{o: f.o, obj: obj, arena: a}
	g.norm, g.tables = layTables(a, f.o.DType, f.o.Tables)
	return g
}

func (f *deviceFeed) settle() {
	gpu.Write(f.norm, f.o.Dims.Norm[:])
	for _, t := range f.tables {
		t.fill()
	}
}

func (f *deviceFeed) close() {
	if f.arena != nil {
		f.arena.Close()
	}
}
