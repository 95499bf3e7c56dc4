package worldtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"contig-gpu/gpu/world"
)

// Processes returns the world of ranks that are processes of this machine, which have a folder in common, empty at first: for tests of
// what is one for a process. What they exchange stays there.
func Processes(folder string, rank, size int) *world.World {
	return world.New(world.Seat{Rank: rank, Size: size, Local: rank, LocalSize: size}, &process{folder: folder, rank: rank, size: size})
}

// A process exchanges by files: the n-th exchange of rank r is n.r, which begins with a line that says what it is of.
type process struct {
	folder     string
	rank, size int
	n          int
}

// exchange leaves this rank's part and returns all.
func (p *process) exchange(what string, part []byte) ([][]byte, error) {
	p.n++
	if err := p.leave(fmt.Sprintf("%d.%d", p.n, p.rank), append([]byte(what+"\n"), part...)); err != nil {
		return nil, err
	}
	all := make([][]byte, p.size)
	for r := range all {
		b, err := p.await(fmt.Sprintf("%d.%d", p.n, r))
		if err != nil {
			return nil, err
		}
		kind, rest, _ := strings.Cut(string(b), "\n")
		if kind != what {
			return nil, world.Lost(fmt.Errorf("rank %d comes to %s, rank %d to %s", p.rank, what, r, kind))
		}
		all[r] = []byte(rest)
	}
	return all, nil
}

// leave writes a file that is whole when it is there.
func (p *process) leave(name string, b []byte) error {
	file := filepath.Join(p.folder, name)
	fresh := file + ".new" + strconv.Itoa(p.rank)
	if err := os.WriteFile(fresh, b, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

// await waits for a file, or for somebody to abandon the others.
func (p *process) await(name string) ([]byte, error) {
	for {
		b, err := os.ReadFile(filepath.Join(p.folder, name))
		if !errors.Is(err, os.ErrNotExist) {
			return b, err
		}
		if why, err := os.ReadFile(filepath.Join(p.folder, "abandoned")); err == nil {
			return nil, world.Lost(errors.New(string(why)))
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *process) Sum32(x []float32) error { return sumFiles(p, x) }
func (p *process) Sum64(x []float64) error { return sumFiles(p, x) }

// sumFiles sums in the order of ranks.
func sumFiles[E float32 | float64](p *process, x []E) error {
	all, err := p.exchange(fmt.Sprintf("a sum of %d %T", len(x), x), raw(x))
	if err != nil {
		return err
	}
	clear(x)
	part := make([]E, len(x))
	for _, b := range all {
		copy(raw(part), b)
		for i, v := range part {
			x[i] += v
		}
	}
	return nil
}

func raw[E float32 | float64](x []E) []byte {
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(e)))
}

func (p *process) Broadcast(b []byte) error {
	all, err := p.exchange(fmt.Sprintf("a broadcast of %d bytes", len(b)), b)
	if err == nil {
		copy(b, all[0])
	}
	return err
}

func (p *process) AllGather(dst, src []byte) error {
	all, err := p.exchange(fmt.Sprintf("a gather of %d bytes", len(src)), src)
	for r, b := range all {
		copy(dst[r*len(src):], b)
	}
	return err
}

func (p *process) Abandon(why error) { _ = p.leave("abandoned", []byte(why.Error())) }

func (p *process) Close() error { return nil }
