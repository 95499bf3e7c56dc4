package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/burden"

	"github.com/klauspost/compress/zstd"
)

// personColumn is what the first column of a table of burdens is called.
const personColumn = "person_id"

// burdenTable reports whether r begins as a table of burdens does, plain or compressed.
func burdenTable(r io.Reader) bool {
	b := bufio.NewReader(r)
	head, err := b.Peek(4)
	if err != nil {
		return false
	}
	var text io.Reader = b
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		if text, err = gzip.NewReader(b); err != nil {
			return false
		}
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return false
		}
		defer z.Close()
		text = z
	}
	return begins(text, personColumn+"\t")
}

// reportHead begins a report of burdens.
const reportHead = "burden\tgene\tmask\taaf\tvariants\tcarriers\n"

func burdenReport(r io.Reader) bool { return begins(r, reportHead) }

func begins(r io.Reader, want string) bool {
	got := make([]byte, len(want))
	_, err := io.ReadFull(r, got)
	return err == nil && string(got) == want
}

// columnsOf returns what writes a line each column.
func columnsOf(b *burden.Burdens) func(io.Writer) error {
	return func(w io.Writer) error {
		out := bufio.NewWriter(w)
		out.WriteString(reportHead)
		for _, c := range b.Columns {
			out.WriteString(strings.Join([]string{data.Plain(c.Name), data.Plain(c.Set), data.Plain(c.Mask), c.Limit, strconv.Itoa(c.Variants), strconv.Itoa(c.Carriers)}, "\t") + "\n")
		}
		return out.Flush()
	}
}

// writeBurdens writes the table, compressed as its name says.
func writeBurdens(ctx context.Context, path string, b *burden.Burdens) error {
	return writePrivate(path, func(w io.Writer) error {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".gz":
			z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
			if err != nil {
				return err
			}
			if err := burdenRows(ctx, z, b); err != nil {
				return err
			}
			return z.Close()
		case ".zst":
			z, err := zstd.NewWriter(w)
			if err != nil {
				return err
			}
			if err := burdenRows(ctx, z, b); err != nil {
				z.Close()
				return err
			}
			return z.Close()
		}
		return burdenRows(ctx, w, b)
	})
}

func burdenRows(ctx context.Context, w io.Writer, b *burden.Burdens) error {
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(personColumn)
	for _, c := range b.Columns {
		out.WriteString("\t" + data.Plain(c.Name))
	}
	var line []byte
	err := b.Rows(func(i int, values []float32) error {
		line = append(append(line[:0], '\n'), b.Persons[i].IID...)
		for _, v := range values {
			line = append(line, '\t')
			switch {
			case v == 0:
				line = append(line, '0')
			case v != v:
				line = append(line, "NA"...)
			default:
				line = strconv.AppendFloat(line, float64(v), 'g', -1, 32)
			}
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		_, err := out.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	out.WriteByte('\n')
	return out.Flush()
}
