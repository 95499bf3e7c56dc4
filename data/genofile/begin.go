package genofile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// begin returns the first bytes of a file, unpacked where gzip packed them.
func begin(path string) ([]byte, error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer f.Close()
	head := make([]byte, data.FormatBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, table.Unreadable(path, err)
	}
	head = head[:n]
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return head, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, table.Unreadable(path, err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return head, nil // which no format begins with
	}
	plain := make([]byte, data.FormatBytes)
	n, _ = io.ReadFull(z, plain)
	return plain[:n], nil
}
