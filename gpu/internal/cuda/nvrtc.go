//go:build linux && cgo

package cuda

/*
#include "table.h"
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
)

// A compiler is the opened NVRTC library.
type compiler struct {
	version string // "13.0"
	path    string
}

// compilerTable guards the process's one table of NVRTC functions, which lives in C.
var compilerTable struct {
	sync.Mutex
	nvrtc *compiler
}

func loadNVRTC() (*compiler, error) {
	compilerTable.Lock()
	defer compilerTable.Unlock()
	if compilerTable.nvrtc != nil {
		return compilerTable.nvrtc, nil
	}
	n, err := openNVRTC()
	if err == nil {
		compilerTable.nvrtc = n
	}
	return n, err
}

func openNVRTC() (*compiler, error) {
	lib, err := dl.OpenNVRTC()
	if err != nil {
		return nil, err
	}
	name := func(i int) *C.char { return C.contig_nvrtc_name(C.int(i)) }
	set := func(i int, p unsafe.Pointer) { C.contig_nvrtc_set(C.int(i), p) }
	if err := fill(lib, name, set); err != nil {
		return nil, err
	}
	var major, minor C.int
	if err := checkNVRTC("nvrtcVersion", C.contig_nvrtcVersion(&major, &minor)); err != nil {
		return nil, err
	}
	return &compiler{version: fmt.Sprintf("%d.%d", major, minor), path: lib.Path()}, nil
}

func checkNVRTC(call string, code C.nvrtcResult) error {
	if code == C.NVRTC_SUCCESS {
		return nil
	}
	return fmt.Errorf("%s: %s (%d)", call, C.GoString(C.contig_nvrtcGetErrorString(code)), int(code))
}

// CompileNVRTC compiles the entry files into one cubin for GPUs of compute capability arch, 90 for 9.0, as one
// translation unit that includes them in their order. sources are all files by the names that they are included by;
// nothing is read from disk. log is what the compiler said, which is in the error too.
//
// A cubin is kept in the user cache folder contig-gpu/nvrtc, under a hash of sources, options and compiler; from there
// it is loaded next time, with an empty log. A damaged file is compiled anew and replaced; when none can be written, log says so.
func CompileNVRTC(sources map[string][]byte, entry []string, arch int) (cubin []byte, log string, err error) {
	for _, name := range entry {
		if _, ok := sources[name]; !ok {
			return nil, "", fmt.Errorf("NVRTC: no source is named %s", name)
		}
	}
	n, err := loadNVRTC()
	if err != nil {
		return nil, "", fmt.Errorf("NVRTC: %w", err)
	}
	c := n.compilation(sources, entry, arch)
	folder, err := cacheFolder()
	path := filepath.Join(folder, c.key()+".cubin")
	if err == nil {
		if cubin, err := readCached(path); err == nil {
			return cubin, "", nil
		}
	}
	if cubin, log, err = n.compile(c); err != nil {
		return nil, log, fmt.Errorf("NVRTC %s (%s), compute capability %d.%d: %w", n.version, n.path, arch/10, arch%10, err)
	}
	if folder != "" {
		err = writeCached(path, cubin)
	}
	if err != nil {
		log += fmt.Sprintf("\nthe compiled kernels were not kept: %v", err)
	}
	return cubin, log, nil
}

func (n *compiler) compilation(sources map[string][]byte, entry []string, arch int) compilation {
	var unit strings.Builder
	for _, name := range entry {
		fmt.Fprintf(&unit, "#include %q\n", name)
	}
	compiler := fmt.Sprintf("NVRTC %s %s", n.version, n.path)
	if s, err := os.Stat(n.path); err == nil { // tells builds of one version apart
		compiler += fmt.Sprintf(" %d %d", s.Size(), s.ModTime().UnixNano())
	}
	return compilation{
		compiler: compiler,
		options:  []string{fmt.Sprintf("--gpu-architecture=sm_%d", arch), "--std=c++17"},
		unit:     unit.String(),
		sources:  sources,
	}
}

// compile runs the compiler.
func (n *compiler) compile(c compilation) (cubin []byte, log string, err error) {
	names := slices.Sorted(maps.Keys(c.sources))
	var texts []string
	for _, name := range names {
		texts = append(texts, string(c.sources[name]))
	}
	var a arena
	defer a.free()
	var prog C.nvrtcProgram
	err = checkNVRTC("nvrtcCreateProgram", C.contig_nvrtcCreateProgram(&prog, a.text(c.unit), a.text("unit.cu"),
		C.int(len(names)), a.texts(texts), a.texts(names)))
	if err != nil {
		return nil, "", err
	}
	defer C.contig_nvrtcDestroyProgram(&prog)
	code := C.contig_nvrtcCompileProgram(prog, C.int(len(c.options)), a.texts(c.options))
	log = programLog(prog)
	if err := checkNVRTC("nvrtcCompileProgram "+strings.Join(c.options, " "), code); err != nil {
		return nil, log, fmt.Errorf("%w\n%s%s", err, log, supported())
	}
	cubin, err = programCubin(prog)
	return cubin, log, err
}

func programLog(prog C.nvrtcProgram) string {
	var size C.size_t
	if C.contig_nvrtcGetProgramLogSize(prog, &size) != C.NVRTC_SUCCESS || size < 2 {
		return ""
	}
	log := (*C.char)(C.calloc(size+1, 1))
	defer C.free(unsafe.Pointer(log))
	if C.contig_nvrtcGetProgramLog(prog, log) != C.NVRTC_SUCCESS {
		return ""
	}
	return strings.TrimSpace(C.GoString(log))
}

func programCubin(prog C.nvrtcProgram) ([]byte, error) {
	var size C.size_t
	if err := checkNVRTC("nvrtcGetCUBINSize", C.contig_nvrtcGetCUBINSize(prog, &size)); err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, errors.New("nvrtcGetCUBINSize: there is no machine code")
	}
	cubin := make([]byte, size)
	err := checkNVRTC("nvrtcGetCUBIN", C.contig_nvrtcGetCUBIN(prog, (*C.char)(unsafe.Pointer(&cubin[0]))))
	return cubin, err
}

// supported says which GPUs the compiler makes code for, the likely cause when it refuses an architecture.
func supported() string {
	var count C.int
	if C.contig_nvrtcGetNumSupportedArchs(&count) != C.NVRTC_SUCCESS || count <= 0 {
		return ""
	}
	archs := make([]C.int, count)
	if C.contig_nvrtcGetSupportedArchs(&archs[0]) != C.NVRTC_SUCCESS {
		return ""
	}
	return fmt.Sprintf("\nthis compiler makes code for %v", archs)
}

// An arena is C memory for texts that is freed together.
type arena struct{ blocks []unsafe.Pointer }

func (a *arena) text(s string) *C.char {
	p := C.CString(s)
	a.blocks = append(a.blocks, unsafe.Pointer(p))
	return p
}

// texts makes an array of C texts in C memory, since C may not be handed Go memory that holds pointers.
func (a *arena) texts(s []string) **C.char {
	p := C.calloc(C.size_t(len(s)+1), C.size_t(unsafe.Sizeof(uintptr(0))))
	a.blocks = append(a.blocks, p)
	array := unsafe.Slice((**C.char)(p), len(s))
	for i := range array {
		array[i] = a.text(s[i])
	}
	return (**C.char)(p)
}

func (a *arena) free() {
	for _, p := range a.blocks {
		C.free(p)
	}
}
