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
)

// argBytes returns the bytes of a kernel's arguments.
func argBytes(f *elf.File, kernel string) (int, error) {
	s := f.Section(".nv.info." + kernel)
	if s == nil {
		return 0, errors.New("it has no section of its properties")
	}
	b, err := s.Data()
	if err != nil {
		return 0, err
	}
	for len(b) >= 4 {
		format, attr, value := b[0], b[1], int(binary.LittleEndian.Uint16(b[2:]))
		if attr == cbankParamSize {
			return value, nil
		}
		b = b[4:]
		if format == formatSized {
			b = b[min(value, len(b)):]
		}
	}
	return 0, errors.New("its properties lack the bytes of its arguments")
}
