package synth

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"contig-gpu/data/input"
)

// comment begins every image that this package draws. It is in the file itself, so that a drawing can be told from a
// participant's photograph whatever the names of files and what lists them.
const comment = "synthetic: drawn by contig-gpu"

// startOfImage is the marker that a JPEG begins with; a comment is the marker FF FE, its length with these two bytes, and
// text (ITU-T T.81, B.2.4.5).
const startOfImage = "\xff\xd8"

func head() []byte {
	b := binary.BigEndian.AppendUint16([]byte(startOfImage+"\xff\xfe"), uint16(2+len(comment)))
	return append(b, comment...)
}

// marked returns a JPEG with the comment in front.
func marked(jpeg []byte) []byte {
	return slices.Concat(head(), bytes.TrimPrefix(jpeg, []byte(startOfImage)))
}

// Drawn reports whether the file at path is an image that this package has drawn. What cannot be read is not.
func Drawn(path string) bool {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, len(head()))
	_, err = io.ReadFull(f, b)
	return err == nil && bytes.Equal(b, head())
}
