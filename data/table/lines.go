package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"contig-gpu/data"
	"contig-gpu/data/input"

	"github.com/klauspost/compress/zstd"
)

// codeLong is the number of files and lines that are too long.
const codeLong = 119

const lineBuffer = 1 << 16

// Lines yields the lines of a text file that are not blank, the ends of lines taken off. A line has at most 64 MiB: a longer one is
// E119. It owns the open file until Close.
//
//	for l.Next() { use(l.Text()) }
//	if err := l.Err(); err != nil { ... }
type Lines struct {
	path    string
	file    *os.File
	zstd    *zstd.Decoder // nil where the file is not of its kind
	packed  bool
	r       *bufio.Reader
	long    []byte // of a line that is longer than the buffer
	text    string
	n       int // lines read
	at      int // line of text: where it goes on over several, the first
	records *records
	err     error
	bom     bool
	crlf    bool
	partial bool // the last line has no newline
	faults  *data.Faults
}

// Open opens a text file, plain or compressed by gzip or zstd, by its content. UTF-16 and other binary content is E103, a file
// that cannot be opened E104, one without a byte E105.
func Open(path string) (*Lines, error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	l := &Lines{path: path, file: f, r: bufio.NewReaderSize(f, lineBuffer)}
	if err := l.start(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Unreadable is the problem of a file that the system will not open or read (E104).
func Unreadable(path string, err error) *data.Problem {
	p := &data.Problem{Code: 104, File: path, What: "the file cannot be read", Err: err,
		Fix: "check the path and its permissions; relative paths are relative to the file that names them"}
	if errors.Is(err, fs.ErrNotExist) {
		p.What, p.Err = "there is no such file", nil
		p.Found = nearby(path)
	}
	var refused *input.Refused
	switch {
	case errors.As(err, &refused) && refused.Long:
		p.Code, p.What, p.Err, p.Found, p.Cause, p.Fix = codeLong, refused.What, nil, fmt.Sprintf("%d bytes", refused.Bytes), "another file under this name", "name the file that was meant"
	case errors.As(err, &refused):
		p.What, p.Err, p.Found, p.Fix = refused.What, nil, strings.TrimPrefix(refused.What, "this is "), "name a file; what a program writes into a pipe must be a file first"
	case errors.Is(err, syscall.EISDIR):
		p.What, p.Err, p.Found, p.Fix = "this is a folder", nil, "a folder", "name a file"
	}
	return p
}

// nearby names what lies in the folder of a missing file, or that the folder is missing too.
func nearby(path string) string {
	dir := filepath.Dir(path)
	list, err := os.ReadDir(dir)
	if err != nil {
		return "the folder " + dir + " is not there either"
	}
	var names []string
	for _, e := range list {
		if len(names) == 5 {
			names = append(names, "...")
			break
		}
		names = append(names, e.Name())
	}
	if len(names) == 0 {
		return "an empty folder " + dir
	}
	return "in that folder: " + strings.Join(names, ", ")
}

func (l *Lines) start() error {
	head, err := l.r.Peek(data.FormatBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return Unreadable(l.path, err)
	}
	if err := l.unpack(head); err != nil {
		return l.unreadable(err)
	}
	if l.packed {
		if head, err = l.r.Peek(data.FormatBytes); err != nil && !errors.Is(err, io.EOF) {
			return l.unreadable(err)
		}
	}
	switch {
	case len(head) == 0:
		return Empty(l.path, "the file is empty")
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return notText(l.path, 1, "a UTF-16 byte order mark", "saved by Excel or PowerShell as \"Unicode text\"", "UTF-16")
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		l.bom = true
		_, err = l.r.Discard(3)
		return err
	}
	if f, ok := data.FormatOf(head); ok {
		return &data.Problem{Code: 125, File: l.path, What: "the file is " + f.Name, Expected: "UTF-8 text, plain or compressed by gzip or zstd",
			Found: fmt.Sprintf("a file that begins %.12q", head), Cause: "another file, or another format, under this name", Fix: f.Fix}
	}
	return nil
}

// unpack reads on through gzip or zstd where the first bytes say so.
func (l *Lines) unpack(head []byte) error {
	var z io.Reader
	var err error
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err = gzip.NewReader(l.r)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		l.zstd, err = zstd.NewReader(l.r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(mostWindow))
		z = l.zstd
	default:
		return nil
	}
	l.packed = true
	if err == nil {
		l.r = bufio.NewReaderSize(z, lineBuffer)
	}
	return err
}

// unreadable is Unreadable, of a file that is open.
func (l *Lines) unreadable(err error) error {
	p := Unreadable(l.path, err)
	if l.packed {
		p.What, p.Cause, p.Fix = "the compressed file cannot be unpacked", "it was copied or written in part, or is damaged", "copy or write the file again"
	}
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		p.Expected = fmt.Sprintf("a window of at most %d MiB", mostWindow>>20)
		p.Cause, p.Fix = "it was compressed with zstd --long, or is damaged", "compress it without --long, or copy the file again"
	}
	return p
}

// Empty is the problem of a file with nothing in it, or nothing but a header (E105).
func Empty(path, what string) *data.Problem {
	return &data.Problem{Code: 105, File: path, What: what, Cause: "the program that wrote it failed, or the disk was full", Fix: "write the file again"}
}

// notText is the problem of bytes that are no UTF-8 (E103); from is what iconv calls them.
func notText(path string, line int, found, cause, from string) *data.Problem {
	return &data.Problem{Code: 103, File: path, Line: line, What: "the file is not UTF-8 text",
		Expected: "UTF-8 text", Found: found, Cause: cause, Fix: "save it as UTF-8 (iconv -f " + from + " -t UTF-8 IN > OUT)"}
}

// Next goes to the next line that is not blank, and reports whether there is one.
func (l *Lines) Next() bool {
	for l.line() {
		l.at = l.n
		if l.records != nil && !l.record() {
			continue
		}
		return l.err == nil
	}
	return false
}

// line reads up to the next line that is not blank.
func (l *Lines) line() bool {
	for l.physical() {
		if strings.TrimSpace(l.text) != "" {
			return true
		}
	}
	return false
}

// physical reads the next line, blank or not.
func (l *Lines) physical() bool {
	if l.err != nil {
		return false
	}
	line, err := l.read()
	if errors.Is(err, errTooLong) {
		l.err = l.tooLong(line)
		return false
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = l.unreadable(err)
		return false
	}
	if line == "" {
		return false
	}
	l.n++
	l.partial = err != nil
	l.clean(line)
	return l.err == nil
}

func (l *Lines) clean(line string) {
	line = strings.TrimSuffix(line, "\n")
	if strings.HasSuffix(line, "\r") {
		l.crlf = true
		line = line[:len(line)-1]
	}
	l.text = line
	switch {
	case strings.IndexByte(line, 0) >= 0:
		l.err = notText(l.path, l.n, "a NUL byte", "UTF-16 without a byte order mark, or a binary file", "UTF-16LE")
	case !utf8.ValidString(line):
		l.err = notText(l.path, l.n, "bytes that are not UTF-8", "an old encoding: Windows-1252, as Excel saves .csv, or Latin-1", "WINDOWS-1252")
	case strings.IndexByte(line, '\r') >= 0:
		p := notText(l.path, l.n, "a carriage return inside a line", "line ends of old Macs", "")
		p.Fix = "write the line ends anew (tr '\\r' '\\n' < IN > OUT)"
		l.err = p
	}
	if l.err != nil && l.faults.Collects() {
		l.err, l.text = l.faults.Take(l.err), "" // as a blank line: it is left out
	}
}

// Collect has lines that are no text (E103) taken by f and left out, where f is not nil.
func (l *Lines) Collect(f *data.Faults) { l.faults = f }

// Text returns the current line without its end.
func (l *Lines) Text() string { return l.text }

// Line returns the 1-based number of the current line, of the first of a row that goes on over several.
func (l *Lines) Line() int { return l.at }

// Path returns the name that the file was opened by.
func (l *Lines) Path() string { return l.path }

// Err returns what ended Next early, if anything did.
func (l *Lines) Err() error { return l.err }

// Notes tells what was unusual and accepted: a byte order mark, CRLF, a missing last newline.
func (l *Lines) Notes() []string {
	var notes []string
	for _, n := range []struct {
		is   bool
		what string
	}{{l.bom, "begins with a byte order mark"}, {l.crlf, "has CRLF line ends"}, {l.partial, "has no newline at its end"}} {
		if n.is {
			notes = append(notes, filepath.Base(l.path)+" "+n.what+" (accepted).")
		}
	}
	if l.records != nil && l.records.comments > 0 {
		notes = append(notes, fmt.Sprintf("%s begins with %d comment lines (left out).", filepath.Base(l.path), l.records.comments))
	}
	return notes
}

// Close closes the file.
func (l *Lines) Close() error {
	if l.zstd != nil {
		l.zstd.Close()
	}
	return l.file.Close()
}
