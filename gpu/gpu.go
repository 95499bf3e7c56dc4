package gpu

import (
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"fmt"
	"math"
	"unsafe"
)

// A GPU is a GPU as operations see it: the device below, its kernels by name, and memory to work in. Kernels of
// a family are named <family>_<type>; they share one argument struct of package kernels.
type gpu struct {
	common
	called  string // what Device.Name returns
	dev     driver.Device
	caps    driver.Caps
	nn      *dnn.Handle // that computes convolutions, nil where another library does
	kernels map[kernelKey]driver.Kernel
	arenas  map[driver.Ptr]bool
	work    driver.Ptr         // scratch memory: what an operation needs while it runs
	room    int                // bytes of work
	wanted  int                // bytes of work that an operation asked for, at most
	gate    driver.Ptr         // before work: words that are 0 between launches, by which blocks know of each other (gateBytes)
	tally   *tally             // nil: nobody counts
	ranks   driver.Collectives // nil: alone
	tf32    bool               // float32 products and convolutions may round their inputs to TF32
}

type kernelKey struct {
	family string
	dtype  DType
}

func newGPU(name string, dev driver.Device, nn *dnn.Handle) *gpu {
	return &gpu{called: name, dev: dev, caps: dev.Caps(), nn: nn, kernels: map[kernelKey]driver.Kernel{}, arenas: map[driver.Ptr]bool{}}
}

// launch queues the kernel of a family for elements of type t; args is its struct of package kernels. moved are the tensors
// that it reads or writes, those that it does both to twice; not what is as small as a vector.
func launch[A any](c *gpu, family string, t DType, g driver.Grid, args *A, moved ...Tensor) {
	if k, ok := c.kernel(family, t); ok {
		c.tally.add(family+"_"+t.String(), 0, moved...)
		c.dev.Launch(k, g, unsafe.Pointer(args), unsafe.Sizeof(*args))
	}
}

// kernel finds a kernel, once. A missing one is a failure of the device.
func (c *gpu) kernel(family string, t DType) (driver.Kernel, bool) {
	key := kernelKey{family, t}
	k, ok := c.kernels[key]
	if ok {
		return k, true
	}
	k, err := c.dev.Kernel(family + "_" + t.String())
	if err != nil {
		c.dev.Fail(fmt.Errorf("gpu: %w", err))
		return k, false
	}
	c.kernels[key] = k
	return k, true
}

// alloc returns memory for an arena and its bytes, 0 after a failure.
func (c *gpu) alloc(name string, bytes int) (driver.Ptr, int) {
	bytes = max(aligned(bytes), arenaAlign)
	p, err := c.dev.Alloc(bytes)
	if err != nil {
		free, _ := c.dev.MemInfo()
		c.dev.Fail(&MemoryError{Arena: name, Bytes: bytes, Free: free, Err: err})
		return 0, 0
	}
	c.arenas[p] = true
	c.held.add(name, bytes)
	return p, bytes
}

func (c *gpu) free(p driver.Ptr) {
	if c.arenas[p] {
		delete(c.arenas, p)
		c.dev.Free(p)
	}
}

// scratch returns memory that the operation being queued may use; the next one gets the same. It grows by
// waiting for the device, which is no good inside a step: ReserveScratch reserves it from the plan.
func (c *gpu) scratch(bytes int) driver.Ptr {
	c.wanted = max(c.wanted, bytes)
	if bytes > c.room {
		c.grow(bytes)
	}
	return c.work
}

// Of the gate the first two words are for blocks that wait for each other, and those behind are tickets, for blocks of which the
// last has more to do.
const (
	ticketWords = 4096
	gateBytes   = arenaAlign + 4*ticketWords
)

// tickets returns where so many tickets are. It must follow scratch, which may move them.
func (c *gpu) tickets(n int) uint64 {
	if n > ticketWords {
		panic(fmt.Sprintf("gpu: a kernel wants %d tickets, there are %d", n, ticketWords))
	}
	return uint64(c.gate.Add(arenaAlign))
}

// grow makes the scratch memory larger. What was there before stays until Close, since recorded work may know it.
func (c *gpu) grow(bytes int) {
	c.gate, _ = c.alloc(scratchName, gateBytes+bytes)
	if c.gate == 0 {
		return
	}
	c.dev.Set(c.gate, 0, 4, gateBytes/4)
	c.work, c.room = c.gate.Add(gateBytes), bytes
	c.dev.SetScratch(c.work, c.room)
}

func (c *gpu) close() error {
	for p := range c.arenas {
		c.free(p)
	}
	return c.dev.Close()
}

// ptr returns t's address as kernels take it, 0 for the zero Tensor.
func (t Tensor) ptr() uint64 { return uint64(t.at) }

// typeOf returns the driver's name of a float type.
func typeOf(t DType) driver.Type {
	switch t {
	case BF16:
		return driver.BF16
	case F16:
		return driver.F16
	}
	return driver.F32
}

// threads is the usual size of a block: a multiple of the warp that divides a multiprocessor's 2,048 threads.
const threads = 256

// grid covers n elements, per of them to a thread. Kernels loop over what is left, so that the grid has a limit:
// 16 blocks for every multiprocessor keep all of them busy.
func (c *gpu) grid(n, per int) driver.Grid {
	blocks := (n + threads*per - 1) / (threads * per)
	limit := 16 * max(1, c.dev.Info().Multiprocs)
	return driver.Grid{Blocks: [3]int{max(1, min(blocks, limit))}, Threads: [3]int{threads}}
}

// fill sets every element of t to v.
func (c *gpu) fill(t Tensor, v float64) {
	c.tally.add("fill", 0, t)
	switch t.dtype {
	case F32:
		c.dev.Set(t.at, math.Float32bits(float32(v)), 4, t.Len())
	case I32:
		c.dev.Set(t.at, uint32(int32(v)), 4, t.Len())
	case U8:
		c.dev.Set(t.at, uint32(uint8(v)), 1, t.Len())
	case BF16, F16:
		c.dev.Set(t.at, uint32(halfOf(t.dtype, v)), 2, t.Len())
	case F64:
		b := math.Float64bits(v)
		if uint32(b) != uint32(b>>32) {
			x := make([]float64, t.Len())
			for i := range x {
				x[i] = v
			}
			Write(t, x)
			return
		}
		c.dev.Set(t.at, uint32(b), 4, 2*t.Len())
	}
}

// rowGrid gives a warp to each row.
func (c *gpu) rowGrid(rows int) driver.Grid { return c.grid(32*rows, 1) }

// oneBlock is a grid of one block.
func oneBlock() driver.Grid { return driver.Grid{Blocks: [3]int{1}, Threads: [3]int{threads}} }

// elemGrid covers the elements of t, 16 bytes to a thread.
func (c *gpu) elemGrid(t Tensor) driver.Grid { return c.grid(t.Len(), 16/t.dtype.Size()) }

// flag is a truth value as kernels take it.
func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// perThread is the number of elements to a thread at which a grid of the optimisers has enough loads in flight.
const perThread = 4
