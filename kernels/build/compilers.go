package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"contig-gpu/kernels"
)

// errNoCompiler is returned when a compiler is not installed.
var errNoCompiler = errors.New("the compiler is not installed")

// imageArchs are the architectures of the image's machine code; drivers make code for later ones of its PTX.
func imageArchs() []int { return []int{80, 90, 100} }

const ptxArch = 100

// A nvcc is the vendor's compiler: the folder that holds nvcc and fatbinary.
type nvcc string

func findNVCC() (nvcc, error) {
	cache, _ := os.UserCacheDir() // "" where there is no home
	var places []string
	for _, p := range []string{os.Getenv("CONTIG_NVCC"), within(os.Getenv("CONTIG_WHEELS"), "nvidia/cu13/bin/nvcc"),
		within(cache, "contig-gpu/wheels/nvidia/cu13/bin/nvcc"), within(os.Getenv("CUDA_HOME"), "bin/nvcc")} {
		if p != "" {
			places = append(places, p)
		}
	}
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return nvcc(filepath.Dir(p)), nil
		}
	}
	if p, err := exec.LookPath("nvcc"); err == nil {
		return nvcc(filepath.Dir(p)), nil
	}
	return "", fmt.Errorf("%w: no nvcc at %s, nor on PATH; scripts/cuda_wheels.sh compile installs it", errNoCompiler, strings.Join(places, ", "))
}

func within(folder, path string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, path)
}

// image compiles the unit in dir for all architectures and returns the fat binary.
func (n nvcc) image(dir string) ([]byte, error) {
	args := []string{"--create=" + filepath.Join(dir, imageName), "-64", "--compress-all"}
	for _, arch := range imageArchs() {
		c, err := n.cubin(dir, arch)
		if err != nil {
			return nil, fmt.Errorf("sm_%d: %w", arch, err)
		}
		args = append(args, fmt.Sprintf("--image3=kind=elf,sm=%d,file=%s", arch, c.path))
	}
	ptx := filepath.Join(dir, "unit.ptx")
	if _, err := run(dir, string(n)+"/nvcc", append(nvccFlags(), "-ptx", fmt.Sprintf("-arch=compute_%d", ptxArch), "-o", ptx, unitName)...); err != nil {
		return nil, err
	}
	args = append(args, fmt.Sprintf("--image3=kind=ptx,sm=%d,file=%s", ptxArch, ptx))
	if _, err := run(dir, string(n)+"/fatbinary", args...); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, imageName))
}

// A cubin is the unit's machine code for one architecture.
type cubin struct {
	path string
	used map[string]resource // by kernel
}

// cubin compiles the unit for one architecture and checks what came out.
func (n nvcc) cubin(dir string, arch int) (cubin, error) {
	c := cubin{path: filepath.Join(dir, fmt.Sprintf("unit.%d.cubin", arch))}
	text, err := run(dir, string(n)+"/nvcc", append(nvccFlags(), "-cubin", fmt.Sprintf("-arch=sm_%d", arch), "-Xptxas", "-v", "-o", c.path, unitName)...)
	if err != nil {
		return c, err
	}
	used, err := parseUsage(text)
	if err != nil {
		return c, err
	}
	binary, err := os.ReadFile(c.path)
	if err == nil {
		err = kernels.CheckCubin(binary)
	}
	if err != nil {
		return c, err
	}
	bounds, err := kernels.LaunchBounds(binary)
	if err != nil {
		return c, err
	}
	c.used, err = resourcesOf(used, bounds)
	most := 0
	for _, u := range used {
		most = max(most, u.registers)
	}
	fmt.Printf("nvcc: %d kernels compile for sm_%d, with %d registers at most\n", len(used), arch, most)
	return c, err
}

// disassemble returns the machine code of a cubin's kernels.
func (n nvcc) disassemble(c cubin) (map[string]*code, error) {
	path := string(n) + "/nvdisasm"
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: no %s; scripts/cuda_wheels.sh compile installs it", errNoCompiler, path)
	}
	text, err := run("", path, "-c", c.path)
	if err != nil {
		return nil, err
	}
	return parseSASS(text)
}

func nvccFlags() []string {
	return []string{"-std=c++17", "-O3", "-Werror", "all-warnings", "-Wno-deprecated-gpu-targets"}
}

func (n nvcc) version() string {
	text, err := run("", string(n)+"/nvcc", "--version")
	if err != nil {
		return err.Error()
	}
	_, release, _ := strings.Cut(text, "release ")
	release, _, _ = strings.Cut(release, "\n")
	return "nvcc " + release
}

// A clang is the path of clang.
type clang string

// clangArchs are the architectures that clang 16 knows among ours.
func clangArchs() []int { return []int{80, 90} }

func findClang() (clang, error) {
	name := os.Getenv("CONTIG_CLANG")
	if name == "" {
		name = "clang-16"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w; apt-get install clang-16 installs it", errNoCompiler, err)
	}
	return clang(path), nil
}

// compile compiles the unit in dir to PTX, which nobody keeps. It needs no CUDA toolkit.
func (c clang) compile(dir string) error {
	for _, arch := range clangArchs() {
		_, err := run(dir, string(c), "-x", "cuda", "-std=c++17", "--cuda-device-only", "-nocudainc", "-nocudalib", fmt.Sprintf("--cuda-gpu-arch=sm_%d", arch),
			"-Xclang", "-target-feature", "-Xclang", "+ptx78", "-O3", "-Wall", "-Wextra", "-Werror", "-S", "-o", os.DevNull, unitName)
		if err != nil {
			return fmt.Errorf("sm_%d: %w", arch, err)
		}
	}
	return nil
}

// run returns what a program printed; an error holds it too.
func run(dir, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Dir = dir
	text, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, text)
	}
	return string(text), nil
}
