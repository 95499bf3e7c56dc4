// Command build compiles the kernels for devices, without one.
//
//	build          the image of package kernels, by nvcc: machine code for Ampere, Hopper and Blackwell, and PTX
//	build -check   only whether they compile: by clang, and by nvcc where it is installed
//	build -table   what each kernel takes of a multiprocessor, into docs/gpu/kernels.md
//
// Warnings are errors, and so are registers spilt to memory and local arrays. The entry points of what nvcc makes, and the
// bytes of their arguments, are held to the generated table. nvcc is that of $CONTIG_NVCC, of the wheels that
// scripts/cuda_wheels.sh installs, of $CUDA_HOME, or on PATH; clang is $CONTIG_CLANG or clang-16 on PATH.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/kernels"
)

// imageName is the image's file, beside its manifest.
const imageName = "contig.fatbin"

func main() {
	out := flag.String("o", "kernels/image", "folder to write the image to")
	check := flag.Bool("check", false, "compile, and write nothing")
	table := flag.String("table", "", "file to write the table of resources to")
	flag.Parse()
	var err error
	switch {
	case *check:
		err = checkAll()
	case *table != "":
		err = writeTable(*table)
	default:
		err = buildImage(*out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels/build:", err)
		os.Exit(1)
	}
}

// checkAll compiles by clang, and by nvcc if there is one.
func checkAll() error {
	clang, err := findClang()
	if err != nil {
		return err
	}
	dir, err := writeSources()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := clang.compile(dir); err != nil {
		return err
	}
	fmt.Printf("clang: %d kernels compile for sm %v\n", len(kernels.EntryPoints()), clangArchs())
	nvcc, err := findNVCC()
	if errors.Is(err, errNoCompiler) {
		fmt.Println("nvcc: not checked:", err)
		return nil
	}
	if err == nil {
		_, err = nvcc.image(dir)
	}
	return err
}

// buildImage writes the image and its manifest.
func buildImage(folder string) error {
	nvcc, err := findNVCC()
	if err != nil {
		return err
	}
	dir, err := writeSources()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	image, err := nvcc.image(dir)
	if err != nil {
		return err
	}
	m := kernels.Manifest{Sources: kernels.Hash(), Compiler: nvcc.version(), File: imageName, Cubins: imageArchs(), PTX: ptxArch}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	// The manifest last: without it there is no image.
	err = errors.Join(os.WriteFile(filepath.Join(folder, imageName), image, 0o666),
		os.WriteFile(filepath.Join(folder, "manifest.json"), append(text, '\n'), 0o666))
	if err == nil {
		fmt.Printf("%s: %d bytes, by %s\n", filepath.Join(folder, imageName), len(image), m.Compiler)
	}
	return err
}

// unitName is the translation unit that includes all kernels.
const unitName = "unit.cu"

// writeSources writes the sources and the translation unit to a new folder.
func writeSources() (string, error) {
	dir, err := os.MkdirTemp("", "contig-kernels")
	if err != nil {
		return "", err
	}
	files := kernels.Sources()
	files[unitName] = kernels.Unit()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			return "", err
		}
	}
	return dir, nil
}
