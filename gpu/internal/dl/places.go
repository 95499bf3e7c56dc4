//go:build linux && cgo

package dl

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// places yields where to look for soname, in order. The later, slower ones are found only when they are reached.
func places(soname, env string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if p := os.Getenv(env); p != "" {
			yield(p)
			return
		}
		if !yield(soname) {
			return
		}
		if home := os.Getenv("CUDA_HOME"); home != "" && !yield(filepath.Join(home, "lib64", soname)) {
			return
		}
		for _, folder := range systemFolders() {
			if !yield(filepath.Join(folder, soname)) {
				return
			}
		}
		wheels(soname, yield)
	}
}

// wheels yields soname in the folders of Python wheels. A folder of packages that has no such file yields the
// place where it would be, so that the error says that it was looked at.
func wheels(soname string, yield func(string) bool) {
	seen := map[string]bool{"": true}
	for _, folders := range []func() []string{virtualEnv, pythonPath, wheelFolders} {
		for _, site := range folders() {
			if seen[site] {
				continue
			}
			seen[site] = true
			for _, p := range inWheels(site, soname) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

func inWheels(site, soname string) []string {
	if _, err := os.Stat(filepath.Join(site, "nvidia")); err != nil {
		return nil
	}
	pattern := filepath.Join(site, "nvidia", "*", "lib", soname)
	if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
		return found
	}
	return []string{pattern}
}

// virtualEnv returns the package folders of an activated Python environment.
func virtualEnv() []string {
	env := os.Getenv("VIRTUAL_ENV")
	if env == "" {
		return nil
	}
	found, _ := filepath.Glob(filepath.Join(env, "lib", "python3*", "site-packages")) // only a bad pattern is an error
	return found
}

// systemFolders are those of /usr/local in which toolkits and containers have the vendor's libraries, as far as they are there.
func systemFolders() (there []string) {
	for _, folder := range []string{"/usr/local/cuda/lib64", "/usr/local/nvidia/lib64"} {
		if _, err := os.Stat(folder); err == nil {
			there = append(there, folder)
		}
	}
	return there
}

// patience is how long python3 may take to start: a virtual environment on a machine that was just started takes many seconds.
const patience = 30 * time.Second

// python guards what python3 said, which is asked once for each PATH that it is looked for in.
var python struct {
	sync.Mutex
	said map[string][]string
}

// pythonPath asks python3 for its search path, which knows of user folders, distributions' habits and shims. There
// is none where python3 is not installed or does not answer in time.
func pythonPath() []string {
	python.Lock()
	defer python.Unlock()
	key := os.Getenv("PATH")
	if said, ok := python.said[key]; ok {
		return said
	}
	if python.said == nil {
		python.said = map[string][]string{}
	}
	python.said[key] = askPython()
	return python.said[key]
}

func askPython() []string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-c", `import sys; print("\n".join(p for p in sys.path if p))`)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// wheelFolders returns where scripts/cuda_wheels.sh installs.
func wheelFolders() []string {
	folders := []string{os.Getenv("CONTIG_WHEELS")}
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, filepath.Join(cache, "contig-gpu", "wheels"))
	}
	return folders
}
