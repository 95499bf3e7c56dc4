// Command gen writes kernels/args.go: for every family of kernels a Go struct of its arguments, laid out as the
// driver takes them, the sizes that both sides have in common, and the table of all entry points. It reads the signatures in kernels/*.cu by a textual rule:
//
//   - Comments go; lines that end in a backslash are joined.
//   - Function-like macros that a file, or a .cuh it includes, defines outside any #if are expanded; a ## b becomes ab.
//   - Then every `extern "C" __global__ void [__launch_bounds__(...)] name(parameters)` that a body follows is a
//     kernel, and EXPORT_KERNEL(name) must follow somewhere.
//
// Every `constexpr int name = value;` at the beginning of a line, in *.cuh too, becomes a constant, so that no size is written twice.
//
// A kernel's name ends in _<type>; kernels that differ in the type only are a family and must have the same
// parameters but for what their pointers point to.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("o", "args.go", "file to write, in the folder of the kernels")
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	text, err := generate(dir)
	if err == nil {
		err = writeIfNew(filepath.Join(dir, *out), text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels/gen:", err)
		os.Exit(1)
	}
}

func writeIfNew(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return os.WriteFile(path, text, 0o666)
}

// generate returns args.go for the kernels in a folder.
func generate(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.cu"))
	if err != nil {
		return nil, err
	}
	var all []kernel
	for _, f := range files {
		ks, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(f), err)
		}
		all = append(all, ks...)
	}
	fs, err := families(all)
	if err != nil {
		return nil, err
	}
	sizes, err := allSizes(dir)
	if err != nil {
		return nil, err
	}
	return write(fs, sizes)
}
