// Package kernels is the place of the CUDA kernels: their sources, the Go structs of their arguments, and, where
// `make kernels` has built it, the compiled image. It is a leaf without cgo that imports the standard library only.
//
// A kernel family such as add_forward has a kernel for each element type, add_forward_f32, _bf16 and _f16, and one
// struct, AddForward, whose memory is what a launch passes to the driver.
package kernels

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:generate go run ./gen -o args.go .

//go:embed *.cu *.cuh
var sources embed.FS

// An EntryPoint is a kernel.
type EntryPoint struct {
	Name     string // as it is found in an image
	ArgBytes int    // of its packed arguments, without what a struct may have behind the last
	ArgSizes string // the bytes of each argument, in order, a digit each: "8" or "4"
}

// ArgOffsets returns where each argument lies in the struct: at the next multiple of its size.
func (e EntryPoint) ArgOffsets() []int {
	var offsets []int
	at := 0
	for _, c := range e.ArgSizes {
		size := int(c - '0')
		at = (at + size - 1) / size * size
		offsets = append(offsets, at)
		at += size
	}
	return offsets
}

// EntryPoints returns all kernels, sorted by name.
func EntryPoints() []EntryPoint { return entryPoints() }

// Names returns the names of all kernels, sorted.
func Names() []string {
	var names []string
	for _, e := range entryPoints() {
		names = append(names, e.Name)
	}
	return names
}

// Sources returns the source files by name: *.cu, and the *.cuh that they include.
func Sources() map[string][]byte {
	files := map[string][]byte{}
	for _, name := range fileNames() {
		text, err := sources.ReadFile(name)
		if err != nil {
			panic(err) // the name is the file system's own
		}
		files[name] = text
	}
	return files
}

func fileNames() []string {
	entries, err := fs.ReadDir(sources, ".")
	if err != nil {
		panic(err) // an embedded folder can be read
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// Units returns the names of the *.cu among Sources, sorted. They are compiled in this order as one translation unit.
func Units() []string {
	var names []string
	for _, name := range fileNames() {
		if strings.HasSuffix(name, ".cu") {
			names = append(names, name)
		}
	}
	return names
}

// Unit returns the text of that translation unit: it includes every file of Units.
func Unit() []byte {
	var b strings.Builder
	for _, name := range Units() {
		fmt.Fprintf(&b, "#include %q\n", name)
	}
	return []byte(b.String())
}

// Hash returns a hash of all sources, in hexadecimal: what an image is known by.
func Hash() string {
	h := sha256.New()
	files := Sources()
	for _, name := range fileNames() {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
