//go:build linux && cgo

package nccl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// scenes are what ranks do in tests.
func scenes() map[string]func(r *rank) error {
	return map[string]func(r *rank) error{
		"sums": (*rank).sums, "gathers": (*rank).gathers, "recorded": (*rank).recorded, "each": (*rank).each,
		"dead": (*rank).dead, "dead recorded": (*rank).deadRecorded, "deserted": (*rank).deserted, "lost": (*rank).lost,
		"order": (*rank).order, "count": (*rank).count, "type": (*rank).kind, "host": (*rank).host, "graph": (*rank).graph,
		"other": (*rank).other, "twice": (*rank).twice, "hasty": (*rank).hasty, "stranger": (*rank).stranger,
	}
}

// floats returns device memory with values.
func (r *rank) floats(x []float32) (driver.Ptr, error) {
	b := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	p, err := r.Alloc(len(b))
	if err == nil {
		r.Upload(p, b)
	}
	return p, err
}

// read waits for the device and returns n bytes.
func (r *rank) read(p driver.Ptr, n int) ([]byte, error) {
	b := make([]byte, n)
	r.Download(b, p)
	return b, r.Context.Sync()
}

// value is the i-th of a rank, of very different magnitudes.
func value(rank, i int) float32 {
	return float32(math.Sin(float64((i+1)*(rank+1))) * math.Pow(10, float64(i%13-6)))
}

// sums adds floats of each kind: sums of float32 in the order of ranks, and whole numbers in 16 bits.
func (r *rank) sums() error {
	if err := r.join(); err != nil {
		return err
	}
	for _, n := range []int{1, 1000, 200_003} {
		x := make([]float32, n)
		for i := range x {
			x[i] = value(r.rank, i)
		}
		p, err := r.floats(x)
		if err != nil {
			return err
		}
		r.AllReduce(p, n, driver.F32)
		got, err := r.read(p, 4*n)
		if err != nil {
			return err
		}
		for i := range n {
			want := value(0, i)
			for k := 1; k < r.ranks; k++ {
				want += value(k, i)
			}
			if v := math.Float32frombits(binary.LittleEndian.Uint32(got[4*i:])); v != want {
				return fmt.Errorf("element %d of %d is %v, want %v", i, n, v, want)
			}
		}
	}
	halves := map[driver.Type][]uint16{driver.BF16: {0x3f80, 0x4000, 0x4040}, driver.F16: {0x3c00, 0x4000, 0x4200}} // 1, 2, 3
	for _, kind := range []driver.Type{driver.BF16, driver.F16} {
		p, err := r.Alloc(6)
		if err != nil {
			return err
		}
		r.Set(p, uint32(halves[kind][0]), 2, 3)
		r.AllReduce(p, 3, kind)
		got, err := r.read(p, 6)
		if err != nil {
			return err
		}
		if v, want := binary.LittleEndian.Uint16(got[4:]), halves[kind][r.ranks-1]; v != want {
			return fmt.Errorf("%d ones in %v are %#x, want %#x", r.ranks, kind, v, want)
		}
	}
	r.AllReduce(0, 0, driver.F32) // nothing
	return r.end(nil)
}

// gathers gathers and spreads bytes, more than travel at a time, from elsewhere and in place.
func (r *rank) gathers() error {
	if err := r.join(); err != nil {
		return err
	}
	const n = 300_001
	all, err := r.Alloc(n * r.ranks)
	if err != nil {
		return err
	}
	mine, err := r.Alloc(n)
	if err != nil {
		return err
	}
	for _, src := range []driver.Ptr{mine, all.Add(n * r.rank)} {
		r.Set(all, 0xee, 1, n*r.ranks)
		r.Set(src, uint32(r.rank+1), 1, n)
		r.AllGather(all, src, n)
		got, err := r.read(all, n*r.ranks)
		if err != nil {
			return err
		}
		for i, v := range got {
			if int(v) != i/n+1 {
				return fmt.Errorf("byte %d of %d ranks' %d is %d", i, r.ranks, n, v)
			}
		}
	}
	r.Set(mine, uint32(r.rank+7), 1, n)
	r.Broadcast(mine, n)
	got, err := r.read(mine, n)
	if err != nil {
		return err
	}
	for i, v := range got {
		if v != 7 {
			return fmt.Errorf("byte %d is %d, not rank 0's", i, v)
		}
	}
	r.AllGather(0, 0, 0) // nothing
	r.Broadcast(0, 0)
	return r.end(nil)
}

// recorded records a sum among other work and replays it.
func (r *rank) recorded() error {
	if err := r.join(); err != nil {
		return err
	}
	const n = 70_001
	p, err := r.Alloc(4 * n)
	if err != nil {
		return err
	}
	g, err := r.Capture(func() {
		r.Set(p, math.Float32bits(float32(r.rank+1)), 4, n)
		r.AllReduce(p, n, driver.F32)
		r.AllReduce(p, n, driver.F32)
	})
	if err != nil {
		return err
	}
	if g.Nodes() != 3 {
		return fmt.Errorf("%d operations were recorded", g.Nodes())
	}
	want := float32(r.ranks * r.ranks * (r.ranks + 1) / 2)
	for step := range 3 {
		r.Set(p, 0, 4, n)
		g.Replay()
		got, err := r.read(p, 4*n)
		if err != nil {
			return err
		}
		for i := range n {
			if v := math.Float32frombits(binary.LittleEndian.Uint32(got[4*i:])); v != want {
				return fmt.Errorf("replay %d: element %d is %v, want %v", step, i, v, want)
			}
		}
	}
	g.Close()
	return r.end(nil)
}

// each makes every call once.
func (r *rank) each() error {
	err := r.join()
	if err == nil {
		var p driver.Ptr
		if p, err = r.Alloc(1000); err != nil {
			return err
		}
		r.AllReduce(p, 100, driver.F32)
		r.AllGather(p, p, 1000/r.ranks)
		r.Broadcast(p, 100)
		err = r.end(nil)
		r.Comm.Abandon(errors.New("ended twice")) // does nothing
		if again := r.Comm.Close(); again != nil {
			return fmt.Errorf("closed twice: %w", again)
		}
	}
	if errors.Is(err, driver.ErrGone) {
		fmt.Println("GONE")
	}
	return err
}

// dead has the last rank killed; the others are told.
func (r *rank) dead() error {
	if err := r.join(); err != nil {
		return err
	}
	p, err := r.Alloc(4000)
	if err != nil {
		return err
	}
	r.AllReduce(p, 1000, driver.F32)
	if err := r.Context.Sync(); err != nil {
		return err
	}
	r.killLast()
	r.AllReduce(p, 1000, driver.F32)
	err = r.Context.Sync()
	if failed := r.Failed(); !errors.Is(failed, driver.ErrGone) {
		return fmt.Errorf("it is not said that the ranks are gone: %v", failed)
	}
	r.AllReduce(p, 1000, driver.F32) // no longer waits
	return r.end(err)
}

// killLast ends the last rank, and abandons it on the others a little later.
func (r *rank) killLast() {
	if r.rank == r.ranks-1 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it does not return
	}
	time.AfterFunc(300*time.Millisecond, func() { r.Abandon(fmt.Errorf("rank %d was killed", r.ranks-1)) })
}

// deadRecorded is dead in recorded work, which outlives what it holds a collective of.
func (r *rank) deadRecorded() error {
	if err := r.join(); err != nil {
		return err
	}
	p, err := r.Alloc(4000)
	if err != nil {
		return err
	}
	g, err := r.Capture(func() { r.AllReduce(p, 1000, driver.F32) })
	if err != nil {
		return err
	}
	g.Replay()
	if err := r.Context.Sync(); err != nil {
		return err
	}
	r.killLast()
	g.Replay()
	err = errors.Join(r.Context.Sync(), r.CloseGraphs())
	if r.Comm.Close() == nil {
		fmt.Println("NCCL has ended")
	}
	return r.end(err)
}

// deserted has rank 1 give up in the midst of recorded work, which runs on there, before rank 0 comes to it.
func (r *rank) deserted() error {
	if err := r.join(); err != nil {
		return err
	}
	p, err := r.Alloc(16_000)
	if err != nil {
		return err
	}
	g, err := r.Capture(func() {
		r.AllReduce(p, 1000, driver.F32)
		r.AllGather(p, p.Add(8000), 4000)
		r.AllReduce(p, 999, driver.F32)
	})
	if err != nil {
		return err
	}
	after := 100 * time.Millisecond
	if r.rank == 0 {
		time.Sleep(2 * after)
	}
	time.AfterFunc(after, func() { r.Abandon(fmt.Errorf("rank %d has had enough", r.rank)) })
	g.Replay()
	return r.end(errors.Join(r.Context.Sync(), r.CloseGraphs()))
}

// lost has rank 0 wait for rank 1, which does not come, until NCCL finds it lost.
func (r *rank) lost() error {
	if err := r.join(); err != nil {
		return err
	}
	if r.rank == 1 {
		time.Sleep(time.Second)
		return errors.New("as intended")
	}
	p, err := r.Alloc(4000)
	if err != nil {
		return err
	}
	time.AfterFunc(300*time.Millisecond, func() { _ = os.Setenv("SIMT_NCCL_LOST", "1") })
	r.AllReduce(p, 1000, driver.F32)
	return r.end(nil)
}

// differ has rank 0 do one thing and rank 1 another, which the device fails for.
func (r *rank) differ(zero, one func(p driver.Ptr)) error {
	if err := r.join(); err != nil {
		return err
	}
	p, err := r.Alloc(16_000)
	if err != nil {
		return err
	}
	if r.rank == 0 {
		zero(p)
	} else {
		one(p)
	}
	err = r.Context.Sync()
	r.Abandon(errors.New("enough"))
	return err
}

func (r *rank) order() error {
	sum, gather := func(p driver.Ptr) { r.AllReduce(p, 1000, driver.F32) }, func(p driver.Ptr) { r.AllGather(p, p.Add(8000), 4000) }
	return r.differ(func(p driver.Ptr) { sum(p); gather(p) }, func(p driver.Ptr) { gather(p); sum(p) })
}

func (r *rank) count() error {
	return r.differ(func(p driver.Ptr) { r.AllReduce(p, 1000, driver.F32) }, func(p driver.Ptr) { r.AllReduce(p, 999, driver.F32) })
}

func (r *rank) kind() error {
	return r.differ(func(p driver.Ptr) { r.AllReduce(p, 1000, driver.F32) }, func(p driver.Ptr) { r.AllReduce(p, 1000, driver.BF16) })
}

func (r *rank) host() error {
	b := make([]byte, 4000)
	sum := func(driver.Ptr) { r.AllReduce(driver.Ptr(uintptr(unsafe.Pointer(&b[0]))), 1000, driver.F32) }
	return r.differ(sum, sum)
}

// graph closes the communicator before recorded work that holds a collective.
func (r *rank) graph() error {
	if err := r.join(); err != nil {
		return err
	}
	p, err := r.Alloc(4000)
	if err != nil {
		return err
	}
	if _, err := r.Capture(func() { r.AllReduce(p, 1000, driver.F32) }); err != nil {
		return err
	}
	return r.Comm.Close()
}

// other has the ranks disagree on their number.
func (r *rank) other() error {
	r.ranks += r.rank
	return r.join()
}

// twice has two ranks of the same number.
func (r *rank) twice() error {
	r.rank = 0
	return r.join()
}

// hasty has rank 0 end the communicator while it waits for rank 1 in a sum.
func (r *rank) hasty() error {
	if err := r.join(); err != nil {
		return err
	}
	p, err := r.Alloc(4000)
	if err != nil {
		return err
	}
	if r.rank == 1 {
		time.Sleep(time.Second)
		return errors.New("as intended")
	}
	closed := make(chan error)
	time.AfterFunc(300*time.Millisecond, func() { closed <- r.Comm.Close() })
	r.AllReduce(p, 1000, driver.F32)
	return <-closed
}

// stranger has an id that nobody made.
func (r *rank) stranger() error {
	_ = os.Setenv(idEnv, fmt.Sprintf("%0256x", 1)) // a name that is none fails
	return r.join()
}
