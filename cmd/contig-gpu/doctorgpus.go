package main

import (
	"math"
	"time"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu"
)

// haveGPUs reports, on all ranks, whether each has a GPU.
func haveGPUs(team *ranks.Team) (bool, error) {
	lacks, err := team.Any(gpu.GPUs() == 0)
	return !lacks && err == nil, err
}

// checkGPUs sums over the GPUs of all ranks, small and large, and compares. All ranks come to the same error, but for what one fails at by itself.
func (m *meeting) checkGPUs(team *ranks.Team) error {
	d, err := openOfRank(team)
	if err = team.Together(err); err != nil {
		return err
	}
	defer d.Close()
	if err := joinRanks(team, d); err != nil {
		return err
	}
	for _, bytes := range []int{1e3, 1e6, 1e8} {
		s, err := sumOnGPUs(d, team, bytes)
		if err != nil {
			return team.Lost(err, "the sum of "+sumSize(bytes)+" over GPUs")
		}
		m.GPUSums = append(m.GPUSums, s)
	}
	return wrongSums(m.GPUSums, m.Ranks)
}

// openOfRank opens the GPU that training would take, without the libraries that only training needs.
func openOfRank(team *ranks.Team) (*gpu.Device, error) {
	spec, err := gpuOfRank("doctor --ranks", "cuda", team)
	if err != nil {
		return nil, err
	}
	return gpu.Open(spec, gpu.Options{Portable: true})
}

// sumOnGPUs is sumOf on GPUs: whole numbers, whose sum is the same in every order.
func sumOnGPUs(d *gpu.Device, team *ranks.Team, bytes int) (s sumCheck, err error) {
	n, size := bytes/4, team.Size
	a := d.NewArena(bytes)
	defer a.Close()
	x, host := a.New(gpu.F32, n), make([]float32, n)
	for i := range host {
		host[i] = float32(i%1009 + team.Rank)
	}
	gpu.Write(x, host)
	gpu.AllReduce(x)
	gpu.Read(host, x)
	right := d.Sync() == nil
	for i, v := range host {
		right = right && v == float32(i%1009*size+size*(size-1)/2)
	}
	s = sumCheck{Type: "float32", Bytes: bytes}
	if s.Wrong, err = team.World.Verdict(!right); err != nil {
		return s, err
	}
	if err := d.Sync(); err != nil {
		return s, err
	}
	gpu.Fill(x, 0)
	best := time.Duration(math.MaxInt64)
	for range max(3, min(20, 1e6/bytes)) {
		if err := d.Sync(); err != nil {
			return s, err
		}
		begin := time.Now()
		gpu.AllReduce(x)
		if err := d.Sync(); err != nil {
			return s, err
		}
		best = min(best, time.Since(begin))
	}
	s.Rate = float64(bytes) / best.Seconds()
	return s, nil
}
