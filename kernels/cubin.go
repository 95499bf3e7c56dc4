package kernels

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// entrySymbol marks a symbol that can be launched (STO_CUDA_ENTRY).
const entrySymbol = 0x10

// CheckCubin holds compiled code to the table of entry points: it must have each kernel, no other, and each with the
// bytes of arguments that its Go struct has.
func CheckCubin(cubin []byte) error { return checkEntries(cubin, entryPoints()) }

// checkEntries holds a cubin's kernels, and the bytes of their arguments, to the generated table.
func checkEntries(cubin []byte, table []EntryPoint) error {
	f, err := elf.NewFile(bytes.NewReader(cubin))
	if err != nil {
		return err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Other&entrySymbol != 0 {
			found[s.Name] = true
		}
	}
	for _, e := range table {
		if !found[e.Name] {
			return fmt.Errorf("kernel %s is not in the compiled code", e.Name)
		}
		delete(found, e.Name)
		n, err := argBytes(f, e.Name)
		if err != nil {
			return fmt.Errorf("kernel %s: %w", e.Name, err)
		}
		if n != e.ArgBytes {
			return fmt.Errorf("kernel %s takes %d bytes of arguments, args.go has %d", e.Name, n, e.ArgBytes)
		}
	}
	for name := range found {
		return fmt.Errorf("kernel %s is compiled, but args.go has it not: EXPORT_KERNEL or go generate ./kernels is missing", name)
	}
	return nil
}

// Records of a cubin's .nv.info.<kernel> sections, as cuobjdump -elf prints them: a format, an attribute and 2 bytes, which
// are the value, or with the last format the length of what follows.
const (
	formatSized    = 4
	cbankParamSize = 0x19
	maxThreads     = 0x05 // three numbers of 4 bytes: a block's sides
)

// argBytes returns the bytes of a kernel's arguments.
func argBytes(f *elf.File, kernel string) (int, error) {
	p, err := properties(f, kernel)
	if err == nil && p.argBytes < 0 {
		err = errors.New("its properties lack the bytes of its arguments")
	}
	return p.argBytes, err
}

// property is what a cubin says of a kernel.
type property struct {
	argBytes int // -1: not said
	threads  int // of the largest block that it is compiled for; 0: not said
}

func properties(f *elf.File, kernel string) (property, error) {
	p := property{argBytes: -1}
	s := f.Section(".nv.info." + kernel)
	if s == nil {
		return p, errors.New("it has no section of its properties")
	}
	b, err := s.Data()
	if err != nil {
		return p, err
	}
	for len(b) >= 4 {
		format, attr, value := b[0], b[1], int(binary.LittleEndian.Uint16(b[2:]))
		b = b[4:]
		if attr == cbankParamSize {
			p.argBytes = value
		}
		if format != formatSized {
			continue
		}
		if attr == maxThreads && value >= 12 && len(b) >= 12 {
			p.threads = int(binary.LittleEndian.Uint32(b) * binary.LittleEndian.Uint32(b[4:]) * binary.LittleEndian.Uint32(b[8:]))
		}
		b = b[min(value, len(b)):]
	}
	return p, nil
}

// LaunchBounds returns the threads of the largest block that each kernel of a cubin is compiled for, 0 where its source names
// none.
func LaunchBounds(cubin []byte) (map[string]int, error) {
	f, err := elf.NewFile(bytes.NewReader(cubin))
	if err != nil {
		return nil, err
	}
	bounds := map[string]int{}
	for _, e := range entryPoints() {
		p, err := properties(f, e.Name)
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", e.Name, err)
		}
		bounds[e.Name] = p.threads
	}
	return bounds, nil
}
