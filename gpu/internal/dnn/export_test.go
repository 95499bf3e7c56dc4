//go:build linux && cgo

package dnn

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/driver"
)

// WorkspacesJSON writes what Workspaces reads.
func WorkspacesJSON(version string, gpus map[string][]Workspace) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "{\"library\": %q, \"rows\": {", version)
	for i, name := range GPUs() {
		fmt.Fprintf(&b, "%s\n %q: [", strings.Repeat(",", min(i, 1)), name)
		for j, w := range gpus[name] {
			row, err := json.Marshal(rowOf(w))
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%s\n  %s", strings.Repeat(",", min(j, 1)), row)
		}
		b.WriteString("]")
	}
	b.WriteString("}}\n")
	return []byte(b.String())
}

// Wheels returns the folder of the vendor's wheels, see wheels.
var Wheels = wheels

// TorchWheels returns the folder of the libraries that PyTorch brings, see torchWheels.
var TorchWheels = torchWheels

// RoundedScratch returns the scratch memory of a gradient that is rounded and then added.
func RoundedScratch(c driver.Conv, plan int) int {
	_, all := roundedScratch(c, plan)
	return all
}

// StubDriver compiles a libcuda.so.1 that has no driver and returns its folder.
func StubDriver(t *testing.T) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc to compile the stub of libcuda: apt-get install gcc")
	}
	dir := t.TempDir()
	out, err := exec.Command(gcc, "-Wall", "-Wextra", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "testdata/libcuda_stub.c", "-o", filepath.Join(dir, "libcuda.so.1")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
