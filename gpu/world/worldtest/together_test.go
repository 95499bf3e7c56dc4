package worldtest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/world"
)

func TestTogether(t *testing.T) {
	for n := 1; n <= 3; n++ {
		err := Together(n, func(w *world.World) error {
			for range 100 {
				x := []float32{1, float32(w.Rank())}
				b := []byte{byte(w.Rank() + 7)}
				all, err := w.Gather(float64(w.Rank()))
				err = errors.Join(err, world.Sum(w, x), w.Broadcast(b))
				if err != nil {
					return err
				}
				if !slices.Equal(x, []float32{float32(n), float32(n * (n - 1) / 2)}) || b[0] != 7 || len(all) != n || all[n-1] != float64(n-1) {
					return errors.New("other values")
				}
			}
			said, err := w.Verdict(w.Rank() == n-1)
			if err == nil && !slices.Equal(said, []int{n - 1}) {
				err = errors.New("another verdict")
			}
			return err
		})
		if err != nil {
			t.Errorf("%d ranks: %v", n, err)
		}
	}
}

// TestApart: ranks that come to different collectives, or do not come, are an error on all.
func TestApart(t *testing.T) {
	err := Together(2, func(w *world.World) error {
		if w.Rank() == 0 {
			return world.Sum(w, make([]float32, 3))
		}
		return world.Sum(w, make([]float32, 4))
	})
	if err == nil || !world.Gone(err) {
		t.Errorf("other lengths: %v", err)
	}
	err = Together(3, func(w *world.World) error {
		if w.Rank() == 1 {
			return errors.New("rank 1 has had enough")
		}
		return w.Broadcast(make([]byte, 1))
	})
	if !world.Gone(err) || strings.Count(err.Error(), "rank 1 has had enough") != 3 {
		t.Errorf("a rank that does not come: %v", err)
	}
}

// TestProcesses: ranks that exchange by files do what those in memory do; they are goroutines here, which share nothing else.
func TestProcesses(t *testing.T) {
	folder, errs := t.TempDir(), make(chan error)
	const n = 3
	for r := range n {
		go func() {
			w := Processes(folder, r, n)
			x, y, b := []float32{1, float32(r)}, []float64{float64(r) / 4}, []byte{byte(r + 7)}
			all, err := w.Gather(float64(r))
			err = errors.Join(err, world.Sum(w, x), world.Sum(w, y), w.Broadcast(b))
			if !slices.Equal(x, []float32{3, 3}) || y[0] != 0.75 || b[0] != 7 || !slices.Equal(all, []float64{0, 1, 2}) {
				err = errors.Join(err, errors.New("other values"))
			}
			if r == 2 {
				w.Abandon(errors.New("rank 2 has had enough"))
			} else if gone := w.Broadcast(b); !world.Gone(gone) || !strings.Contains(gone.Error(), "rank 2 has had enough") {
				err = errors.Join(err, errors.New("nobody was abandoned"), gone)
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
