package main

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"
)

func TestFreeMemory(t *testing.T) {
	const machine = "MemTotal: 2000 kB\nMemAvailable:    1000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known": {nil, 0},
		"machine":       {map[string]string{"proc/meminfo": machine}, 1000 << 10},
		"v2": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "5\n",
			"sys/fs/cgroup/a/memory.max": "700000\n", "sys/fs/cgroup/a/memory.current": "500000\n", "sys/fs/cgroup/a/memory.stat": "anon 3\ninactive_file 100000\n"}, 300000},
		"v2 in a container": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/memory.max": "900\n",
			"sys/fs/cgroup/memory.current": "400\n"}, 500},
		"v1": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "4:memory:/j\n2:cpu:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
			"sys/fs/cgroup/memory/j/memory.limit_in_bytes": "600\n", "sys/fs/cgroup/memory/j/memory.usage_in_bytes": "100\n"}, 500},
		"limits": {map[string]string{"proc/meminfo": machine, "proc/self/statm": "20 9 9 9 0 7 0\n",
			"proc/self/limits": "Limit Soft Limit Hard Limit Units\nMax data size             unlimited            unlimited            bytes\nMax address space         " + fmt.Sprint(20*os.Getpagesize()+777) + "            unlimited            bytes\n"}, 777},
		"limit of data": {map[string]string{"proc/meminfo": machine, "proc/self/statm": "20 9 9 9 0 7 0\n", "proc/self/limits": "Max data size             " + fmt.Sprint(7*os.Getpagesize()+55) + "            unlimited            bytes\n"}, 55},
		"used up":       {map[string]string{"proc/self/statm": "20 9 9 9 0 7 0\n", "proc/self/limits": "Max address space         5            5            bytes\n"}, 1},
		"full":          {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "900\n", "sys/fs/cgroup/memory.current": "900\n"}, 1},
	} {
		root := fstest.MapFS{}
		for path, text := range c.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := freeMemory(root); got != c.want {
			t.Errorf("%s: %d bytes free, want %d", name, got, c.want)
		}
	}
}
