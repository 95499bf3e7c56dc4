package main

import "fmt"

// A resource is what a kernel takes of a multiprocessor of one architecture.
type resource struct {
	usage
	threads int // of the largest block
}

// Of every multiprocessor of compute capability 8.0, 9.0 and 10.0: CUDA C++ Programming Guide, technical specifications.
const (
	warpThreads   = 32
	fileRegisters = 65536
	registerUnit  = 256 // that a warp's registers are a multiple of
	mostWarps     = 64
	mostBlocks    = 32
	sharedUnit    = 128
	sharedSystem  = 1024 // that every block takes besides its own
)

// sharedBytes returns the shared memory of a multiprocessor.
func sharedBytes(arch int) int {
	if arch < 90 {
		return 164 << 10
	}
	return 228 << 10
}

// blocks returns how many of a kernel's largest blocks a multiprocessor holds at a time.
func (r resource) blocks(arch int) int {
	warps := (r.threads + warpThreads - 1) / warpThreads
	perWarp := roundUp(r.registers*warpThreads, registerUnit)
	n := min(mostBlocks, mostWarps/warps, fileRegisters/perWarp/warps)
	return min(n, sharedBytes(arch)/roundUp(r.shared+sharedSystem, sharedUnit))
}

// occupancy returns the share of a multiprocessor's warps that they are, in percent.
func (r resource) occupancy(arch int) int {
	warps := (r.threads + warpThreads - 1) / warpThreads
	return (100*r.blocks(arch)*warps + mostWarps/2) / mostWarps
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// resourcesOf joins what ptxas says of the kernels to the bounds that they are compiled for.
func resourcesOf(used map[string]usage, bounds map[string]int) (map[string]resource, error) {
	all := map[string]resource{}
	for name, u := range used {
		threads, ok := bounds[name]
		if !ok {
			return nil, fmt.Errorf("kernel %s is not in the compiled code", name)
		}
		if threads == 0 {
			threads = usualThreads
		}
		all[name] = resource{u, threads}
	}
	return all, nil
}

// usualThreads is the block of a kernel that names no bound: gpu/gpu.go's.
const usualThreads = 256
