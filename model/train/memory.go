package train

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/build"
	"contig-gpu/model/train/engine"
)

// Memory says what a training holds, in bytes.
type Memory struct {
	Device []gpu.Held // by arena, exactly what the device's allocator is asked for
	Host   []gpu.Held // what beside them is the host's whatever the device
}

// sources is how many of them are open at most: training's, and an evaluation's beside it.
const sources = 2

// MemoryOf returns the memory that training with c needs on dev. c.Model.Modalities must be set where the objective looks at
// any. Tables that stay on the device are not included. work is the side of the pixels that dev makes images from; 0: it gets
// images. It takes nothing.
func MemoryOf(c Config, work int, dev *gpu.Device) (Memory, error) {
	_, m, err := outline(c, work, dev)
	return m, err
}

// mostImages is where LargestBatch stops looking: chunk by chunk, planning a larger batch takes seconds.
const mostImages = 1 << 14

// LargestBatch returns the largest batch, up to 16384 images, with which a training by c fits into room bytes of dev's
// memory, which for a CPU is the host's; 0: not even one does.
func LargestBatch(c Config, work int, dev *gpu.Device, room int) (int, error) {
	t, _, err := outline(c, work, dev)
	if err != nil || room == 0 {
		return 0, err
	}
	return t.largest(mostImages, room, 0, func(c *Config, n int) { c.Batch = n })
}

// outline returns a trainer by c that has nothing but its plan.
func outline(c Config, work int, dev *gpu.Device) (*trainer, Memory, error) {
	t := &trainer{o: &Options{}, cfg: c, dev: dev, dims: data.Dims{PixelSide: work}}
	var err error
	if t.dtype, t.cfg.Precision, err = dev.Precision(c.Precision); err != nil {
		return nil, Memory{}, err
	}
	p, err := t.planned(t.cfg, dev.Plan(), 0)
	if err != nil {
		return nil, Memory{}, err
	}
	t.count = p.need
	return t, p.Memory, nil
}

// A rehearsal is what a planning device counted.
type rehearsal struct {
	need engine.Need
	Memory
	disk Disk // where there is a run folder
}

// planned takes all that a training by c takes, on a planning device for t's, of scratch memory at least as much as given.
func (t *trainer) planned(c Config, dev *gpu.Device, scratch int) (r rehearsal, err error) {
	o := t.engineOptions(c, dev)
	if o.Dims, err = c.dims(t.dims, dev.Ranks()); err != nil {
		return r, err
	}
	e, err := engine.New(o)
	if err != nil {
		return r, err
	}
	if k := newRanker(dev, e.Objective(), c.Model.Embedding); k != nil {
		k.Rehearse()
	}
	if r.need, err = e.Need(max(scratch, dev.Scratch())); err != nil {
		return r, err
	}
	e.Reserve(r.need)
	r.Memory = t.memory(e, o.Dims)
	if t.o.Dir != "" {
		r.disk = t.disk(e)
	}
	return r, nil
}

// dims returns d with one of so many ranks' batches of c.
func (c Config) dims(d data.Dims, ranks int) (data.Dims, error) {
	obj, err := build.New(c.objective())
	if err != nil {
		return d, err
	}
	d.Batch, d.Height, d.Width, d.Modalities, d.Features = max(1, c.Batch/ranks), c.ImageSize, c.ImageSize, nil, nil
	for _, t := range obj.Tables() {
		d.Modalities, d.Features = append(d.Modalities, t.Name), append(d.Features, t.Features)
	}
	return d, nil
}

// memory returns what an engine holds, and what its run takes beside it.
func (t *trainer) memory(e *engine.Engine, dims data.Dims) Memory {
	var m Memory
	for _, h := range e.Device().Allocated() {
		if h.Host {
			m.Host = append(m.Host, h)
		} else {
			m.Device = append(m.Device, h)
		}
	}
	m.Host = append(m.Host, gpu.Held{Name: "checkpoint", Bytes: checkpointBytes(e)})
	if n := gpu.Times(sources, dims.RowBytes, dims.Batch); n > 0 {
		m.Host = append(m.Host, gpu.Held{Name: "batches", Bytes: n})
	}
	if c := t.o.Cohort; c != nil && c.TableBytes() > 0 {
		m.Host = append(m.Host, gpu.Held{Name: "tables", Bytes: c.TableBytes()})
	}
	if n := dims.CacheBytes; n > 0 {
		m.Host = append(m.Host, gpu.Held{Name: "decoded images", Bytes: n})
	}
	return m
}

// checkpointBytes is what writing a checkpoint takes at most: the file, and the largest tensor on its way into it, which
// the optimiser's are.
func checkpointBytes(e *engine.Engine) int {
	w := e.Objective().Weights()
	values, _, _ := w.Flat()
	flat := values.Bytes()
	n := flat*(1+len(e.Optimizer().State())) + flat
	for _, b := range w.Buffers() {
		n += b.Value.Bytes()
	}
	if e.Averages().Ok() {
		n += flat
	}
	return n
}

// OnDevice returns the bytes that the device holds: a GPU's memory, else the host's.
func (m Memory) OnDevice() int { return sum(m.Device) }

// OnHost returns the bytes beside them.
func (m Memory) OnHost() int { return sum(m.Host) }

// Total returns the bytes of all together.
func (m Memory) Total() int { return gpu.Plus(m.OnDevice(), m.OnHost()) }

func sum(all []gpu.Held) int {
	n := 0
	for _, h := range all {
		n = gpu.Plus(n, h.Bytes)
	}
	return n
}

// String lists all parts and their totals.
func (m Memory) String() string {
	return fmt.Sprintf("%s: %s; beside it on the host %s: %s", bytesText(m.OnDevice()), listText(m.Device), bytesText(m.OnHost()), listText(m.Host))
}

func listText(all []gpu.Held) string {
	var parts []string
	for _, h := range all {
		parts = append(parts, h.Name+" "+bytesText(h.Bytes))
	}
	return strings.Join(parts, ", ")
}

// bytesText gives the bytes exactly, and in the unit that people think in.
func bytesText(n int) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MiB (%d)", float64(n)/(1<<20), n)
	}
	return fmt.Sprintf("%.2f GiB (%d)", float64(n)/(1<<30), n)
}
