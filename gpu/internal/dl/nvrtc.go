//go:build linux && cgo

package dl

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OpenNVRTC opens the vendor's run-time compiler, version 13 or else 12, whose functions and options are the same here,
// and beside it the library of its built-in functions. NVRTC itself asks the loader for that one by plain name when it
// first compiles, for us or for cuDNN; a folder of Python wheels is none that the loader searches, and so it has to be open
// by then. Where none lies beside NVRTC, the loader may know another.
func OpenNVRTC() (*Library, error) {
	var failed []error
	for _, major := range []int{13, 12} {
		lib, err := Open("NVRTC", fmt.Sprintf("libnvrtc.so.%d", major), "CONTIG_LIBNVRTC")
		if err == nil {
			return lib, openBuiltins(lib.Path())
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// openBuiltins opens NVRTC's built-in functions of any version that lies beside it, or beside the file that its path is
// a link to. It fails where there are such files and none can be opened.
func openBuiltins(nvrtc string) error {
	folders := []string{filepath.Dir(nvrtc)}
	if file, err := filepath.EvalSymlinks(nvrtc); err == nil && filepath.Dir(file) != folders[0] {
		folders = append(folders, filepath.Dir(file))
	}
	var failed []error
	opened := false
	for _, folder := range folders {
		files, _ := os.ReadDir(folder) // a folder that cannot be listed has none
		for _, f := range files {
			if strings.HasPrefix(f.Name(), "libnvrtc-builtins.so.") {
				_, err := open("NVRTC's built-in functions", filepath.Join(folder, f.Name()))
				opened, failed = opened || err == nil, append(failed, err)
			}
		}
	}
	if opened {
		return nil
	}
	return errors.Join(failed...)
}
