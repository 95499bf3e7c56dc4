package train

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// Memory says what a training holds, in bytes.
type Memory struct {
	Device []gpu.Held // by arena, exactly what the device's allocator is asked for
	Host   []gpu.Held // what beside them is the host's whatever the device
}

// sources is how many of them are open at most: training's, and an evaluation's beside it.
const sources = 2

// MemoryOf counts what a training by c, whose modalities must be given, takes on dev, but for the persons' genetics that
// stay there. work is the side of the pixels that dev makes images from; 0: it gets images. It takes nothing.
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
	t := &trainer{o: &Options{}, cfg: c, dev: dev, dims: data.Dims{Work: work}}
	var err error
	if t.dtype, t.cfg.Precision, err = dev.Precision(c.Precision); err != nil {
		return nil, Memory{}, err
	}
	p, err := t.planned(t.cfg, dev.Plan(), 0)
	if err != nil {
		return nil, Memory{}, err
	}
	t.count = p.count
	return t, p.memory(), nil
}

// planned returns a trainer by c on a planning device for t's, which has taken all that a training takes, of scratch memory
// at least as much as given.
func (t *trainer) planned(c Config, dev *gpu.Device, scratch int) (*trainer, error) {
	p := &trainer{o: t.o, cfg: c, dtype: t.dtype, dev: dev, dims: t.dims, tables: t.tables, count: need{scratch: scratch}}
	p.dims.Batch, p.dims.Height, p.dims.Width, p.dims.Modalities, p.dims.Features = c.Batch, c.ImageSize, c.ImageSize, nil, nil
	for _, m := range c.Model.Modalities {
		p.dims.Modalities, p.dims.Features = append(p.dims.Modalities, m.Name), append(p.dims.Features, m.Features)
	}
	if err := p.take(); err != nil {
		return nil, err
	}
	for _, l := range []load{{c.Batch, true}, {c.Batch, false}} {
		n, err := p.needOf(l)
		if err != nil {
			return nil, err
		}
		p.count = p.count.most(n)
	}
	p.update()
	p.count.scratch = max(p.count.scratch, p.dev.Scratch())
	p.grow(p.count)
	return p, nil
}

// memory returns what a trainer holds.
func (t *trainer) memory() Memory {
	var m Memory
	for _, h := range t.dev.Allocated() {
		if h.Host {
			m.Host = append(m.Host, h)
		} else {
			m.Device = append(m.Device, h)
		}
	}
	m.Host = append(m.Host, gpu.Held{Name: "checkpoint", Bytes: t.checkpointBytes()})
	if n := sources * t.dims.RowBytes * t.dims.Batch; n > 0 {
		m.Host = append(m.Host, gpu.Held{Name: "batches", Bytes: n})
	}
	if c := t.o.Cohort; c != nil && c.TableBytes() > 0 {
		m.Host = append(m.Host, gpu.Held{Name: "tables", Bytes: c.TableBytes()})
	}
	if n := t.dims.CacheBytes; n > 0 {
		m.Host = append(m.Host, gpu.Held{Name: "decoded images", Bytes: n})
	}
	return m
}

// checkpointBytes is what writing a checkpoint takes at most: the file, and the largest tensor on its way into it, which
// the optimiser's are.
func (t *trainer) checkpointBytes() int {
	flat := t.values.Bytes()
	n := flat*(1+t.cfg.Optimizer.StateTensors()) + flat
	for _, b := range t.model.Buffers() {
		n += b.Value.Bytes()
	}
	if t.ema.Ok() {
		n += flat
	}
	return n
}

// OnDevice returns the bytes that the device holds: a GPU's memory, else the host's.
func (m Memory) OnDevice() int { return sum(m.Device) }

// OnHost returns the bytes beside them.
func (m Memory) OnHost() int { return sum(m.Host) }

// Total returns the bytes of all together.
func (m Memory) Total() int { return m.OnDevice() + m.OnHost() }

func sum(all []gpu.Held) int {
	n := 0
	for _, h := range all {
		n += h.Bytes
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
