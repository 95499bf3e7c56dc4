//go:build linux && cgo

package gpu_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
)

// late are the ways in which the emulator does what is queued: at once, and when something waits for it.
func late() []string { return []string{"SIMT_DEFER=0", "SIMT_DEFER=1"} }

// emulatedRanks runs f as each of 2 and of 3 ranks with an emulated GPU, whose work is done at once and late.
func emulatedRanks(t *testing.T, f func(d *gpu.Device, w *world.World) error) {
	t.Run("emulated", func(t *testing.T) {
		for n := 2; n <= 3; n++ {
			for _, env := range late() {
				t.Run(fmt.Sprint(n, env), func(t *testing.T) {
					gputest.EmulatedRanks(t, n, []string{env, "SIMT_MULTIPROCESSORS=16"}, f)
				})
			}
		}
	})
}

// TestConformanceRanks: GPUs of several processes sum, gather and spread as CPUs do, as they are told to and recorded.
func TestConformanceRanks(t *testing.T) { emulatedRanks(t, exchange) }

// exchange does one of each, at once and in two replays.
func exchange(d *gpu.Device, _ *world.World) error {
	if names := d.GPU().Libraries; !strings.Contains(fmt.Sprint(names), "libnccl") {
		return fmt.Errorf("the libraries are %v", names)
	}
	a, n, mine := d.NewArena(1<<16), d.Ranks(), float64(d.Rank()+1)
	x, sum, mean, beside, after := a.New(gpu.F32, 1000), a.New(gpu.F32, 1000), a.New(gpu.F32, 1000), a.New(gpu.F32, 1000), a.New(gpu.F32, 1000)
	halves := a.New(gpu.BF16, 1000)
	rows, all := a.New(gpu.BF16, 3, 5), a.New(gpu.BF16, 3*n, 5)
	b := a.New(gpu.U8, 7)
	work := func() {
		gpu.Copy(beside, x)
		gpu.AllReduceBeside(beside)
		gpu.AllReduceBeside(halves)
		gpu.Copy(sum, x)
		gpu.AllReduce(sum)
		gpu.AllReduceBeside(sum)
		d.Rejoin()
		gpu.Copy(after, beside)
		gpu.AllMean(mean)
		gpu.AllGather(all, rows)
		gpu.Broadcast(b)
	}
	check := func(when string) error {
		for _, v := range gputest.Values(sum) {
			if v != float64(n*n*(n+1))/2 {
				return fmt.Errorf("%s: the sum, summed once more, is %g", when, v)
			}
		}
		for _, v := range gputest.Values(after) {
			if v != float64(n*(n+1))/2 {
				return fmt.Errorf("%s: the sum beside is %g", when, v)
			}
		}
		for _, v := range gputest.Values(halves) {
			if v != float64(n*(n+1))/2 {
				return fmt.Errorf("%s: the sum in bf16 is %g", when, v)
			}
		}
		for _, v := range gputest.Values(mean) {
			if v != float64(n+1)/2 {
				return fmt.Errorf("%s: the mean is %g", when, v)
			}
		}
		for i, v := range gputest.Values(all) {
			if v != float64(i/15+1) {
				return fmt.Errorf("%s: row %d of what was gathered is %g", when, i/5, v)
			}
		}
		if v := gputest.Values(b); v[6] != 1 {
			return fmt.Errorf("%s: the broadcast is %v", when, v)
		}
		return d.Sync()
	}
	fill := func() {
		gpu.Fill(x, mine)
		gpu.Fill(mean, mine)
		gpu.Fill(halves, mine)
		gpu.Fill(rows, mine)
		gpu.Fill(b, mine)
		gpu.Fill(sum, 0)
		gpu.Fill(all, 0)
		gpu.Fill(beside, 0)
		gpu.Fill(after, 0)
	}
	fill()
	work()
	if err := check("at once"); err != nil {
		return err
	}
	if d.Rank() == 0 { // nobody else plans
		gpu.AllReduce(d.Plan().NewArena(0).New(gpu.F32, 5))
	}
	r, err := d.Record(work)
	if err != nil {
		return err
	}
	if r.Nodes() != 11 {
		return fmt.Errorf("%d operations were recorded", r.Nodes())
	}
	for range 2 {
		fill()
		r.Replay()
		if err := check("replayed"); err != nil {
			return err
		}
	}
	return nil // r lives on: the device's Close ends it before NCCL
}

// TestEmulatedRankIsLost: what waits for a rank that does not come ends when the world is abandoned, with the reason, and the device closes.
func TestEmulatedRankIsLost(t *testing.T) {
	for _, env := range late() {
		t.Run(env, func(t *testing.T) {
			gputest.EmulatedRanks(t, 2, []string{env}, func(d *gpu.Device, w *world.World) error {
				x := d.NewArena(1<<10).New(gpu.F32, 10)
				gpu.AllReduce(x)
				if err := d.Sync(); err != nil {
					return err
				}
				if d.Rank() == 1 {
					time.Sleep(time.Second)
					gputest.RankIsDone(t) // as good as killed
				}
				time.AfterFunc(100*time.Millisecond, func() { w.Abandon(errors.New("rank 1 is lost")) })
				gpu.AllReduce(x)
				if err := d.Sync(); !world.Gone(err) || !strings.Contains(err.Error(), "rank 1 is lost") {
					return fmt.Errorf("the sum ended with %v", err)
				}
				if err := d.Close(); strings.Contains(fmt.Sprint(err), "has not ended") {
					return err
				}
				gputest.RankIsDone(t)
				return nil
			})
		})
	}
}

// TestNoNCCL: a GPU for which there is no NCCL says so and where it was looked for; so does a device that has no such thing.
func TestNoNCCL(t *testing.T) {
	gputest.UseEmulator(t)
	t.Setenv("CONTIG_LIBNCCL", "/nowhere/libnccl.so.2")
	two := world.New(world.Seat{Rank: 0, Size: 2}, nil)
	err := gputest.Open(t, "cuda:0", gpu.Options{Portable: true}).Join(two)
	if !gpu.NoCollectives(err) || !strings.Contains(err.Error(), "/nowhere/libnccl.so.2") {
		t.Errorf("error %v", err)
	}
	if err := gputest.Open(t, "plan", gpu.Options{}).Join(two); !gpu.NoCollectives(err) {
		t.Errorf("error %v", err)
	}
}
