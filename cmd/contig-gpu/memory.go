package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// memory returns the bytes that this process can still take, 0 where the system does not tell.
func memory() int64 { return freeMemory(os.DirFS("/")) }

// keepWithinMemory makes the collector work harder rather than let garbage take what is not free: the limit is of all that
// this process has, so that what it has taken already counts too. So many processes share the machine. It leaves a limit of the environment alone.
func keepWithinMemory(processes int) {
	if free := memory() / int64(processes); free > 0 && os.Getenv("GOMEMLIMIT") == "" {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		debug.SetMemoryLimit(int64(m.Sys-m.HeapReleased) + free/20*19)
	}
}

// freeMemory returns the least of what the machine, each control group around this process, and its own limits have free.
func freeMemory(root fs.FS) int64 {
	free := int64(0)
	for _, l := range lines(root, "proc/meminfo") {
		var kb int64
		if n, _ := fmt.Sscanf(l, "MemAvailable: %d kB", &kb); n == 1 {
			free = kb << 10
		}
	}
	for _, l := range lines(root, "proc/self/cgroup") {
		f := strings.SplitN(l, ":", 3) // number, controllers, path
		if len(f) < 3 {
			continue
		}
		switch {
		case f[1] == "":
			free = narrow(free, root, "sys/fs/cgroup", f[2], [3]string{"memory.max", "memory.current", "inactive_file"})
		case f[1] == "memory":
			free = narrow(free, root, "sys/fs/cgroup/memory", f[2], [3]string{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"})
		}
	}
	return limited(free, root)
}

// reserved is what of an address limit is left for what takes addresses without being planned: threads to come, each with a stack and the
// C library's 64 MiB, and the heap, which grows by 64 MiB.
const reserved = 256 << 20

// limited returns the least of free and what the limits of this process leave, as ulimit -v and -d and some schedulers set them: of its addresses
// and of its data. Go and the C library reserve addresses that they never use, which count too.
func limited(free int64, root fs.FS) int64 {
	var pages [6]int64 // size, resident, shared, text, library, data and stack: proc(5)
	for _, l := range lines(root, "proc/self/statm") {
		for i, f := range strings.Fields(l) {
			if n, err := strconv.ParseInt(f, 10, 64); err == nil && i < len(pages) {
				pages[i] = n
			}
		}
	}
	page := int64(os.Getpagesize())
	for _, l := range lines(root, "proc/self/limits") {
		for name, used := range map[string]int64{"Max address space": pages[0]*page + reserved, "Max data size": pages[5]*page + reserved} {
			var soft int64 // "unlimited" is no number
			rest, is := strings.CutPrefix(l, name)
			if n, _ := fmt.Sscan(rest, &soft); !is || n != 1 {
				continue
			}
			if left := max(1, soft-used); free == 0 || left < free {
				free = left
			}
		}
	}
	return free
}

// narrow returns the least of free and what is left in the control group at dir and in those that it lies in. names
// are the files of limit and use, and the entry of memory.stat that is given back before a limit bites. Inside a
// container the groups above, or the path itself, may not be there.
func narrow(free int64, root fs.FS, mount, dir string, names [3]string) int64 {
	for at := path.Join(mount, path.Clean("/"+dir)); ; at = path.Dir(at) {
		limit, limited := readNumber(root, path.Join(at, names[0]))
		used, known := readNumber(root, path.Join(at, names[1]))
		if limited && known {
			left := max(1, limit-used+stat(root, path.Join(at, "memory.stat"), names[2]))
			if free == 0 || left < free {
				free = left
			}
		}
		if len(at) <= len(mount) {
			return free
		}
	}
}

// readNumber reads a file of one number; "max" is none.
func readNumber(root fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// stat returns an entry of a memory.stat, 0 where it has none.
func stat(root fs.FS, name, key string) int64 {
	for _, l := range lines(root, name) {
		var n int64
		if got, _ := fmt.Sscanf(l, key+" %d", &n); got == 1 {
			return n
		}
	}
	return 0
}

func lines(root fs.FS, name string) []string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	return strings.Split(string(b), "\n")
}
