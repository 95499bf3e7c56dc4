package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"contig-gpu/data"
)

// What a file may make of memory, however little of it there is on disk.
const (
	mostLine   = 64 << 20      // bytes of a line without its end: a row of 2.5 million features of 25 characters each
	mostText   = data.MostTOML // bytes of a file that is kept as text
	mostWindow = 128 << 20     // bytes that zstd looks back: what its command accepts, unless it is told otherwise
)

var errTooLong = errors.New("too long a line")

// read returns the next line with its end, or io.EOF with what there is without. It gives up, with errTooLong and what it
// has read, once a line is longer than mostLine.
func (l *Lines) read() (string, error) {
	piece, err := l.r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return string(piece), err
	}
	l.long = append(l.long[:0], piece...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(l.long) > mostLine {
			return string(l.long), errTooLong
		}
		piece, err = l.r.ReadSlice('\n')
		l.long = append(l.long, piece...)
	}
	if len(bytes.TrimSuffix(l.long, []byte("\n"))) > mostLine {
		return string(l.long), errTooLong
	}
	return string(l.long), err
}

// tooLong is the problem of a line that begins as given and does not end (E119), or of what it shows: it is no text.
func (l *Lines) tooLong(begin string) error {
	l.n++
	l.at = l.n
	end := len(begin)
	for k := 1; k < utf8.UTFMax && k <= end; k++ { // a character that was cut in two is none that is not UTF-8
		if utf8.RuneStart(begin[end-k]) {
			end -= k
			break
		}
	}
	if l.clean(begin[:end]); l.err != nil {
		return l.err
	}
	p := &data.Problem{Code: 119, File: l.path, Line: l.n, What: fmt.Sprintf("the line is longer than %d MiB", mostLine>>20),
		Expected: "lines, one a person or entry", Found: fmt.Sprintf("%d bytes without a line end, beginning %.20q", len(begin), begin),
		Cause: "a file that is no table, or one written without line ends", Fix: "write the file again, a line for each person or entry"}
	if l.packed {
		p.Cause += ", or a compressed file that was made to fill memory"
	}
	return p
}

// ReadText returns a whole text file with LF line ends and no byte order mark, and what was unusual about it. One of more than 1 MiB
// is E119.
func ReadText(path string) (string, []string, error) {
	l, err := Open(path)
	if err != nil {
		return "", nil, err
	}
	defer l.Close()
	var b strings.Builder
	at := 1
	for l.Next() {
		blank := l.Line() - at // lines that Next left out
		if b.Len()+blank+len(l.Text()) >= mostText {
			return "", nil, &data.Problem{Code: 119, File: path, Line: l.Line(), What: fmt.Sprintf("the file is longer than %d MiB", mostText>>20),
				Cause: "another file under this name", Fix: "name the file that was meant"}
		}
		b.WriteString(strings.Repeat("\n", blank))
		b.WriteString(l.Text())
		b.WriteByte('\n')
		at = l.Line() + 1
	}
	return b.String(), l.Notes(), l.Err()
}
