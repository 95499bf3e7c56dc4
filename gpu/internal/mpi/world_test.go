//go:build linux && cgo

package mpi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world/mpitest"
)

// rankMode names the environment variable that makes this test's program one rank, and says what it is to do.
const rankMode = "CONTIG_MPI_TEST_RANK"

func TestMain(m *testing.M) {
	mode := os.Getenv(rankMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	err := asRank(mode)
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
	Leave(0)
	fmt.Println("FAILED: Leave returned")
	os.Exit(1)
}

// launch starts this program as n ranks and returns what they printed.
func launch(t *testing.T, m mpitest.MPI, mode string, n int) (string, error) {
	t.Helper()
	out, errs, err := m.Run(t, mpitest.Launch{Ranks: n, Program: os.Args[0], Env: []string{rankMode + "=" + mode}})
	return out + errs, err
}

// asRank is the program of a rank.
func asRank(mode string) error {
	w, err := Open(context.Background(), Files(os.Getenv(Env), os.Getenv("PMI_RANK") != "" && os.Getenv("OMPI_COMM_WORLD_RANK") == ""))
	if err != nil {
		return err
	}
	if w.LocalSize != w.Size || w.Local != w.Rank {
		return fmt.Errorf("rank %d of %d is %d of %d on the only host", w.Rank, w.Size, w.Local, w.LocalSize)
	}
	switch mode {
	case "sums":
		err = errors.Join(sums(w, w.Sum32, 1, 1000, stagingBytes/4+3), sums(w, w.Sum64, 1, 1001, stagingBytes/8+5), rounded(w), broadcast(w), gather(w, 1, 1000, stagingBytes/3))
	case "panic":
		err = handlers(w)
	case "abandon":
		return abandoned(w)
	}
	if err != nil {
		return err
	}
	fmt.Printf("rank %d of %d by %s is done\n", w.Rank, w.Size, w.Interface)
	if err := w.Close(); err != nil {
		return err
	}
	if _, err := Open(context.Background(), Files("", false)); err == nil {
		return errors.New("MPI began twice")
	}
	return nil
}

// sums adds whole numbers, of which every sum is exact.
func sums[E float32 | float64](w *World, sum func([]E) error, lengths ...int) error {
	for _, n := range lengths {
		x := make([]E, n)
		for i := range x {
			x[i] = E((i%1009 + 1) * (w.Rank + 1))
		}
		if err := sum(x); err != nil {
			return err
		}
		for i := range x {
			if want := E((i%1009 + 1) * w.Size * (w.Size + 1) / 2); x[i] != want {
				return fmt.Errorf("%T of %d: element %d is %v, want %v", x, n, i, x[i], want)
			}
		}
	}
	return nil
}

// rounded adds values of very different magnitude: all ranks must get the same bytes, each time.
func rounded(w *World) error {
	var first []float64
	for range 3 {
		x := make([]float64, 30_011)
		for i := range x {
			x[i] = math.Sin(float64(i+1)*float64(w.Rank+1)) * math.Pow(10, float64(i%30-15))
		}
		if err := w.Sum64(x); err != nil {
			return err
		}
		b := make([]byte, 0, len(x)*24)
		for _, v := range x {
			b = fmt.Appendf(b, "%x ", v)
		}
		root := bytes.Clone(b)
		if err := w.Broadcast(root); err != nil {
			return err
		}
		if !bytes.Equal(root, b) {
			return fmt.Errorf("rank %d has another sum than rank 0", w.Rank)
		}
		for i := range first {
			if first[i] != x[i] {
				return fmt.Errorf("element %d is %v and then %v", i, first[i], x[i])
			}
		}
		first = x
	}
	return nil
}

func broadcast(w *World) error {
	b := []byte(fmt.Sprintf("from rank %d", w.Rank))
	if err := w.Broadcast(b); err != nil {
		return err
	}
	if string(b) != "from rank 0" {
		return fmt.Errorf("rank %d has %q", w.Rank, b)
	}
	return nil
}

// gather collects bytes that tell the rank and their place, of more than the staging memory takes at a time too.
func gather(w *World, lengths ...int) error {
	for _, n := range lengths {
		src, dst := make([]byte, n), make([]byte, w.Size*n)
		for i := range src {
			src[i] = byte(i%251 + w.Rank)
		}
		if err := w.AllGather(dst, src); err != nil {
			return err
		}
		for i, b := range dst {
			if want := byte(i%n%251 + i/n); b != want {
				return fmt.Errorf("rank %d gathered %d at %d of %d, want %d", w.Rank, b, i, len(dst), want)
			}
		}
	}
	return nil
}

// handlers sees that a nil pointer is still a panic of Go's, which can be recovered from, after MPI has begun.
func handlers(*World) (err error) {
	defer func() {
		if recover() == nil {
			err = errors.New("no panic")
		}
	}()
	var none *int
	*none++
	return nil
}

// abandoned has rank 1 never come to a sum for which rank 0 waits.
func abandoned(w *World) error {
	if w.Rank == 0 {
		time.AfterFunc(50*time.Millisecond, func() { w.Abandon(errors.New("rank 1 is lost")) })
		err := w.Sum32(make([]float32, 100_000))
		if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "rank 1 is lost") {
			return fmt.Errorf("the sum ended with %v", err)
		}
		if err := w.Broadcast(make([]byte, 1)); !errors.Is(err, ErrGone) {
			return fmt.Errorf("the broadcast ended with %v", err)
		}
		fmt.Println("rank 0 has given up")
	} else {
		time.Sleep(3 * time.Second)
	}
	os.Exit(3) // MPI cannot be ended without the other
	return nil
}

func TestRanks(t *testing.T) {
	for _, m := range mpitest.All(t) {
		for mode, sizes := range map[string][]int{"sums": {1, 2, 3}, "panic": {2}} {
			for _, n := range sizes {
				t.Run(fmt.Sprint(m, " ", mode, " ", n), func(t *testing.T) {
					turn.Share(t)
					out, err := launch(t, m, mode, n)
					if err != nil || strings.Count(out, fmt.Sprintf("of %d by %s is done", n, m.Interface)) != n || strings.Contains(out, "FAILED") {
						t.Errorf("%v\n%s", err, out)
					}
				})
			}
		}
	}
}

// TestAbandon: what waits for a lost rank ends at once, with the reason.
func TestAbandon(t *testing.T) {
	for _, m := range mpitest.All(t) {
		t.Run(m.String(), func(t *testing.T) {
			out, err := launch(t, m, "abandon", 2)
			if err == nil || !strings.Contains(out, "rank 0 has given up") || strings.Contains(out, "FAILED") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestNoLibrary: the error says what was looked for, and a file that is no MPI is refused for what it lacks.
func TestNoLibrary(t *testing.T) {
	_, err := Open(context.Background(), Files("/nowhere/libmpi.so", false))
	if err == nil || !strings.Contains(err.Error(), "/nowhere/libmpi.so") || !strings.Contains(err.Error(), Env) {
		t.Errorf("error %v", err)
	}
	_, err = Open(context.Background(), Files("libm.so.6", false))
	if err == nil || !strings.Contains(err.Error(), "MPI_Init_thread") {
		t.Errorf("error %v", err)
	}
}

func TestFiles(t *testing.T) {
	if mpitest.LibraryEnv != Env {
		t.Errorf("%s of the tests is %s", mpitest.LibraryEnv, Env)
	}
	if got := Files("/a/b.so", true); len(got) != 1 || got[0] != "/a/b.so" {
		t.Errorf("a named file: %v", got)
	}
	if got := Files("", true); got[0] != "libmpi_abi.so.1" || got[3] != "libmpi.so.40" {
		t.Errorf("MPICH first: %v", got)
	}
	if got := Files("", false); got[0] != "libmpi.so.40" || len(got) != 4 {
		t.Errorf("Open MPI first: %v", got)
	}
}
