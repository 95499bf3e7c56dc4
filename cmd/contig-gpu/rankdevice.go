package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/data"
	"contig-gpu/gpu"
)

// What one of several ranks computes on, and what of a batch is its own.

// Numbers of docs/errors.md of ranks on GPUs.
const (
	codeOneGPU  = 734 // ranks with the same GPU
	codeFewGPUs = 735 // more ranks than GPUs on a host
	codeNoNCCL  = 737 // no library that sums between GPUs
)

// gpuOfRank returns the device that --device means on a rank: each of a host has a GPU of its own, in their order. A launcher that binds one GPU
// to each shows it to that rank alone, as the first.
func gpuOfRank(verb, device string, team *ranks.Team) (string, error) {
	if device != "auto" && device != "cuda" && device != "" {
		if strings.HasPrefix(device, "cuda:") {
			return "", usagef("%s: --device %s is one GPU, and there are %d ranks: --device cuda gives each rank of a host its own", verb, device, team.Size)
		}
		return device, nil
	}
	n, here := gpu.GPUs(), localsOf(team)
	switch {
	case n == 0: // whoever opens the device says so
		return device, nil
	case n == 1 || os.Getenv(severalToAGPU) == "1":
		return fmt.Sprintf("cuda:%d", team.Local%n), nil
	case n < here:
		return "", &data.Problem{Code: codeFewGPUs, What: fmt.Sprintf("%d ranks on this host, and %d GPUs", here, n), Expected: "a GPU for each rank", Cause: "the launcher starts more processes on a host than it has GPUs, or shows them few of its GPUs",
			Fix: fmt.Sprintf("start %d ranks on each host: mpirun -n %d, or srun --ntasks-per-node=%d --gpus-per-node=%d --gpu-bind=none", n, n, n, n)}
	}
	return fmt.Sprintf("cuda:%d", team.Local), nil
}

// joinRanks makes the device that of one of the ranks, which all do together: what one fails at by itself it is to end with.
func joinRanks(team *ranks.Team, d *gpu.Device) error {
	if team.Size == 1 {
		return nil
	}
	if err := team.Alike("kinds of device", d.Name(), "a host without GPUs among others, or --device auto"); err != nil {
		return err
	}
	err := team.NoWorld()
	if d.GPU() != nil {
		err = nil
	}
	if err = team.Together(err); err != nil {
		return err
	}
	if err := apart(team, d.GPU()); err != nil {
		return err
	}
	err = d.Join(team.World)
	if gpu.NoCollectives(err) {
		return &data.Problem{Code: codeNoNCCL, What: "no NCCL, by which GPUs sum", Err: err, Expected: "libnccl.so.2, 2.19 or later", Cause: "it is not installed on this host, or not where the loader looks",
			Fix: "pip install nvidia-nccl-cu13, load its module, or name the file by CONTIG_LIBNCCL; --ranks 1 trains on one GPU"}
	}
	return team.Lost(err, "NCCL's meeting of the GPUs")
}

// apart is an error, on all ranks, where two of them were given one GPU: with its default settings NCCL refuses that, or hangs.
func apart(team *ranks.Team, g *gpu.Info) error {
	if g == nil || os.Getenv(severalToAGPU) == "1" {
		return nil
	}
	own := ""
	if g.PCI != "" {
		own = machine() + " " + g.PCI
	}
	a, b, err := team.Twice(own)
	if err != nil || a == "" {
		return err
	}
	n := max(1, gpu.GPUs())
	return ranks.Shared{Err: &data.Problem{Code: codeOneGPU, What: fmt.Sprintf("%s and %s have the same GPU", a, b), Expected: "a GPU for each rank", Cause: "CUDA_VISIBLE_DEVICES, or the launcher, shows both the same one; or the host has fewer GPUs than ranks",
		Fix: fmt.Sprintf("leave CUDA_VISIBLE_DEVICES unset, or let it list a GPU for each rank of the host, and each takes its own: mpirun -n %d, srun --ntasks-per-node=%d --gpus-per-node=%d --gpu-bind=none; to try on one GPU, %s=1", team.Size, localsOf(team), max(n, localsOf(team)), severalToAGPU)}}
}

// machine tells this machine from all others for as long as it is up, in containers too, which have host names of their own; host names need not differ.
func machine() string {
	for _, l := range lines(os.DirFS("/"), "proc/sys/kernel/random/boot_id") {
		return l
	}
	name, _ := os.Hostname()
	return name
}

// sharesBatch refuses a batch that n ranks cannot share.
func sharesBatch(verb string, batch, n int) error {
	switch least := batch / n * n; {
	case least == batch:
		return nil
	case least < 2:
		return usagef("%s: --batch %d is of all %d ranks, and gives none to some: %d is the least that does", verb, batch, n, max(2, n))
	default:
		return usagef("%s: --batch %d is of all ranks, and %d ranks cannot share it equally: %d and %d can", verb, batch, n, least, least+n)
	}
}

// localsOf returns how many ranks share this host; 1 where the launcher does not tell.
func localsOf(team *ranks.Team) int { return max(1, team.Locals) }

// processorsOf returns how many of its host's processors are this rank's: those that the launcher has bound it to, or an equal part of all.
func processorsOf(team *ranks.Team) int {
	mine := runtime.GOMAXPROCS(0)
	if online := onlineProcessors(); online > 0 && runtime.NumCPU() < online {
		return mine
	}
	return max(1, mine/localsOf(team))
}

// onlineProcessors counts those of the machine; 0: it does not tell.
func onlineProcessors() int {
	n := 0
	for _, l := range lines(os.DirFS("/"), "proc/cpuinfo") {
		if strings.HasPrefix(l, "processor") {
			n++
		}
	}
	return n
}
