package kernels

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// cubin returns an ELF file with a kernel k of the given bytes of arguments: what checkEntries looks at of a real one.
func cubin(argBytes uint16) []byte {
	const header, section = 64, 64
	info := binary.LittleEndian.AppendUint16([]byte{formatSized, 0x0a, 4, 0, 1, 2, 3, 4, 3, cbankParamSize}, argBytes)
	names := "\x00.strtab\x00.symtab\x00.nv.info.k\x00k\x00"
	symbol := make([]byte, 24) // the first is no symbol
	entry := make([]byte, 24)
	binary.LittleEndian.PutUint32(entry, uint32(strings.Index(names, "\x00k\x00")+1))
	entry[4], entry[5] = 0x12, entrySymbol // a global function
	symbols := append(symbol, entry...)

	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	at := header + len(names) + len(symbols) + len(info)
	for _, v := range []any{uint16(2), uint16(190), uint32(1), uint64(0), uint64(0), uint64(at), uint32(0), uint16(header), uint16(0), uint16(0),
		uint16(section), uint16(4), uint16(1)} {
		binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString(names)
	b.Write(symbols)
	b.Write(info)
	head := func(name string, kind uint32, off, size int, link uint32, entsize int) {
		for _, v := range []any{uint32(strings.Index(names, name)), kind, uint64(0), uint64(0), uint64(off), uint64(size), link, uint32(1), uint64(1), uint64(entsize)} {
			binary.Write(&b, binary.LittleEndian, v)
		}
	}
	head("", 0, 0, 0, 0, 0)
	head(".strtab", 3, header, len(names), 0, 0)
	head(".symtab", 2, header+len(names), len(symbols), 1, 24)
	head(".nv.info.k", 1, header+len(names)+len(symbols), len(info), 0, 0)
	return b.Bytes()
}

func TestEntriesAreHeldToTheTable(t *testing.T) {
	for _, c := range []struct {
		table []EntryPoint
		want  string
	}{
		{[]EntryPoint{{Name: "k", ArgBytes: 12}}, ""},
		{[]EntryPoint{{Name: "k", ArgBytes: 16}}, "takes 12 bytes of arguments, args.go has 16"},
		{[]EntryPoint{{Name: "k", ArgBytes: 12}, {Name: "l"}}, "l is not in the compiled code"},
		{nil, "args.go has it not"},
	} {
		err := checkEntries(cubin(12), c.table)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("table %v: error %v, want %q", c.table, err, c.want)
		}
	}
}
