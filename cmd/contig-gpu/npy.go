package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/folder"
)

// private is the mode of files that hold ids or individual values.
const private = 0o600

// privateFolder is the mode of their folders.
const privateFolder = 0o700

// writeNPY writes rows of equal length as a NumPy array of float32, format 1.0
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
func writeNPY(path string, width int, rows [][]float32) error {
	return writePrivate(path, func(w io.Writer) error {
		return writeRows(w, npyHead(len(rows), width), rows)
	})
}

// npyHead is what stands before the values of a matrix.
func npyHead(rows, width int) string { return npyHeadOf(rows, width) }

// npyHeadOf is what stands before the values of an array.
func npyHeadOf(dims ...int) string {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(dims)), ", "), "[]"))
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n" // the data begin at a multiple of 64
	return string(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))) + head
}

func writeRows(w io.Writer, head string, rows [][]float32) error {
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	for _, r := range rows {
		b := make([]byte, 0, 4*len(r))
		for _, v := range r {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// writeTSV writes one line per row: its keys, then its values; NA stands for NaN.
func writeTSV(path string, head []string, keys [][]string, m matrix) error {
	lines := make([][]string, 1, len(m.rows)+1)
	lines[0] = append(lines[0], head...)
	for i := range m.width {
		lines[0] = append(lines[0], m.name+"."+strconv.Itoa(i))
	}
	for i, row := range m.rows {
		line := append([]string(nil), keys[i]...)
		for _, v := range row {
			line = append(line, number(v))
		}
		lines = append(lines, line)
	}
	return writeLines(path, lines)
}

// writeLines writes one line of tab-separated words each.
func writeLines(path string, lines [][]string) error {
	return writePrivate(path, func(w io.Writer) error { return writeFields(w, lines) })
}

// writeFields writes tables: cells with tabs between them, which a cell cannot hold, nor another control character: those are written as Go escapes
// them. Ids are written as they are, also where a spreadsheet would take one for a formula (=1+1): others are to find them again.
func writeFields(w io.Writer, lines [][]string) error {
	for _, l := range lines {
		for i, cell := range l {
			l[i] = strings.ReplaceAll(data.Plain(cell), "\n", `\n`)
		}
		if _, err := io.WriteString(w, strings.Join(l, "\t")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func number(v float32) string {
	if v != v {
		return "NA"
	}
	return strconv.FormatFloat(float64(v), 'g', -1, 32)
}

func writePrivate(path string, write func(io.Writer) error) error {
	return folder.WriteFile(path, private, write)
}
