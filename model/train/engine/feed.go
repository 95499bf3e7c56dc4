package engine

import (
	"slices"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// A feed makes an objective's batches of the host's. There are two: one for sources that make images and tables, which
// travel, and one for a device that makes both itself, from pixels and row numbers.
type feed interface {
	// unpack returns an input as the objective takes it. What it queues writes to the pass's arena, until that is reset.
	unpack(p *nn.Pass, in input) objective.Batch

	// upload copies what travels of a batch beside its Rows.
	upload(u *gpu.Upload, in input, b *data.Batch)

	// whole returns a batch of an evaluation with n rows where shapes must be those of training.
	whole(b *data.Batch, n int) *data.Batch

	// on returns the feed of the same data whose own memory is from a, which holds nothing yet.
	on(a *gpu.Arena, o objective.Objective) feed

	settle() // brings what stays on the device there
	close()
}

// newFeed returns the feed for the batches of o.Dims.
func newFeed(o Options, obj objective.Objective) feed {
	if o.Dims.PixelSide == 0 {
		return hostFeed{}
	}
	f := &deviceFeed{o: o, obj: obj}
	f.arena = o.Device.Deal("tables", func(a *gpu.Arena) { f.norm, f.tables = layTables(a, o.DType, o.Tables) })
	return f
}

// An input is what travels of a batch: what the host says of each row, and either image and tables or what the device makes
// them from.
type input struct {
	objective.Batch
	views    int
	pixels   gpu.Tensor   // U8 [V N, PixelSide, PixelSide, 3]; the zero Tensor where Image and Tables travel
	geometry gpu.Tensor   // I32 [V N, 10]
	colour   gpu.Tensor   // [V N, 3]
	row      []gpu.Tensor // per table I32 [N]: of the resident table, -1 where absent
}

// newInput takes the tensors of an input of n rows, in views variations, from a.
func newInput(a *gpu.Arena, o Options, obj objective.Objective, n, views int) input {
	in := newRank(a, o, obj, n, views)
	if ranks := o.Device.Ranks(); ranks > 1 {
		objective.NewWhole(&in.Batch, obj, a, n, ranks)
	}
	return in
}

// newRank takes the tensors of a rank's own rows.
func newRank(a *gpu.Arena, o Options, obj objective.Objective, n, views int) input {
	d := o.Dims
	if d.PixelSide == 0 {
		return input{Batch: objective.NewBatch(obj, a, o.DType, n, views, d.Height, d.Width), views: views}
	}
	in := input{Batch: objective.NewRows(obj, a, o.DType, n), views: views, pixels: a.New(gpu.U8, views*n, d.PixelSide, d.PixelSide, 3),
		geometry: a.New(gpu.I32, views*n, gpu.AugmentFields), colour: a.New(nn.Master(o.DType), views*n, 3)}
	objective.NewTarget(&in.Batch, obj, a, o.DType, n, d.Height, d.Width)
	for range d.Features {
		in.row = append(in.row, a.New(gpu.I32, n))
	}
	return in
}

// first returns the input's first n rows, in views variations, for pixels of work a side.
func (in input) first(n, views, work int) input {
	v := input{Batch: objective.Batch{Group: firstRows(in.Group, n), Scale: in.Scale}, views: views}
	for _, p := range in.Present {
		v.Present = append(v.Present, firstRows(p, n))
	}
	if in.Shared() {
		all := in.Whole.Group.Len() / in.rows() * n
		v.Whole = objective.Whole{Images: all, Group: firstRows(in.Whole.Group, all)}
		for _, p := range in.Whole.Present {
			v.Whole.Present = append(v.Whole.Present, firstRows(p, all))
		}
	}
	if in.Target.Ok() {
		v.Target, v.Known = firstRows(in.Target, n), firstRows(in.Known, n)
	}
	if !in.pixels.Ok() {
		v.Image = firstRows(in.Image, views*n)
		for _, t := range in.Tables {
			v.Tables = append(v.Tables, firstRows(t, n))
		}
		return v
	}
	v.pixels = in.pixels.Slice(0, views*n*work*work*3).View(views*n, work, work, 3)
	v.geometry, v.colour = firstRows(in.geometry, views*n), firstRows(in.colour, views*n)
	for _, r := range in.row {
		v.row = append(v.row, firstRows(r, n))
	}
	return v
}

// firstRows returns the first n rows of t.
func firstRows(t gpu.Tensor, n int) gpu.Tensor {
	d := t.Dims()
	per := t.Len() / d[0]
	d[0] = n
	return t.Slice(0, n*per).View(d...)
}

// rows returns the number of rows.
func (in input) rows() int { return in.Group.Len() }

// tensors returns all of the input's; some may be the zero Tensor.
func (in input) tensors() []gpu.Tensor {
	all := []gpu.Tensor{in.Image, in.Group, in.Scale, in.Target, in.Known, in.pixels, in.geometry, in.colour, in.Whole.Group}
	return slices.Concat(all, in.Tables, in.Present, in.row, in.Whole.Present)
}

// bytes bounds what the input's tensors take, each aligned as an arena aligns it.
func (in input) bytes() int {
	n := 0
	for _, t := range in.tensors() {
		n += t.Bytes() + arenaAlign
	}
	return n
}

// arenaAlign bounds what aligning a tensor adds, in bytes.
const arenaAlign = 256
