package table

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// A Sheet reads a long list of one row a line by all processors, where nothing about the file is unusual: ASCII, no double quotes, every line a row that
// ends in LF. Whoever uses it takes what Lines reads for everything else, so that what is accepted, noted and refused is said in one place.
type Sheet struct {
	// Head gets the lines before the first row, which begin with #. false, or nil: such a file is unusual.
	Head func(line string) bool
	// Room is called before Rows, with the number of rows that there are so far, and about so many as there will be.
	Room func(rows, about int)
	// Least is how many bytes a row has at least, its end included: in so little there is no more than so many rows.
	Least int
	// Rows gets lines, the first of which is a row (from 0) and a line (from 1), from several goroutines at a time. false: one of them is unusual.
	Rows func(text string, row, line int) bool
}

// How much is read at a time: as much as there is, within these.
const (
	sheetLeast  = 1 << 14
	sheetWindow = 1 << 20
)

// Read reads the file, and says whether it could: else nothing of what was read counts.
func (s *Sheet) Read(path string) bool {
	l, err := Open(path)
	if err != nil {
		return false
	}
	defer l.Close()
	if l.bom {
		return false
	}
	st, err := l.file.Stat()
	if err != nil {
		return false
	}
	size := min(sheetWindow, max(sheetLeast, int(min(sheetWindow, st.Size()))+1)) // a packed file is read in as small pieces as it is small
	buf, kept := make([]byte, size), 0                                            // bytes of a line that was cut
	head, row, line, seen := true, 0, 1, int64(0)
	for {
		n, err := io.ReadFull(l.r, buf[kept:])
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return false
		}
		all := buf[:kept+n]
		end := bytes.LastIndexByte(all, '\n') + 1
		if end == 0 {
			return err != nil && len(all) == 0 && row > 0
		}
		text := all[:end]
		if head {
			var lines int
			if text, lines = s.head(text); lines < 0 {
				return false
			}
			line += lines
			head = len(text) == 0
		}
		seen += int64(len(text))
		rows := bytes.Count(text, []byte("\n"))
		if rows*s.Least > len(text) {
			return false
		}
		s.Room(row+rows, max(row+rows, int(int64(row+rows)*max(st.Size(), seen)/max(seen, 1))))
		if !s.parts(text, row, line) {
			return false
		}
		row, line = row+rows, line+rows
		if kept = copy(buf, all[end:]); err != nil {
			return kept == 0 && row > 0
		}
	}
}

// head hands on the lines that begin with #, and returns what follows and how many they were; -1 where they are not wanted.
func (s *Sheet) head(text []byte) ([]byte, int) {
	n := 0
	for ; len(text) > 0 && text[0] == '#'; n++ {
		end := bytes.IndexByte(text, '\n')
		line := text[:end]
		if s.Head == nil || bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) || !s.Head(string(line)) {
			return nil, -1
		}
		text = text[end+1:]
	}
	return text, n
}

// parts cuts whole lines into a part for each processor.
func (s *Sheet) parts(text []byte, row, line int) bool {
	var wait sync.WaitGroup
	var bad atomic.Bool
	for left := runtime.GOMAXPROCS(0); len(text) > 0; left-- {
		end := len(text)
		if left > 1 {
			end = len(text) / left
			end += bytes.IndexByte(text[end:], '\n') + 1
		}
		part, first, at := text[:end], row, line
		wait.Go(func() {
			if !s.Rows(string(part), first, at) {
				bad.Store(true)
			}
		})
		n := bytes.Count(part, []byte("\n"))
		text, row, line = text[end:], row+n, line+n
	}
	wait.Wait()
	return !bad.Load()
}

// Cells cuts the first line of a text that Sheet hands out at blanks and tabs, as many cells as dst takes, and returns how many there are and what follows the
// line. ok is false where the line has none, or holds what is unusual.
func Cells(text string, dst []string) (n int, rest string, ok bool) {
	i := 0
	for {
		for text[i] == ' ' || text[i] == '\t' {
			i++
		}
		if text[i] == '\n' {
			return n, text[i+1:], n > 0
		}
		from := i
		for c := text[i]; c > ' ' && c <= '~' && c != '"'; c = text[i] {
			i++
		}
		if i == from || text[i] > ' ' || text[i] < ' ' && text[i] != '\t' && text[i] != '\n' {
			return n, "", false
		}
		if n < len(dst) {
			dst[n] = text[from:i]
			n++
		}
	}
}

// Whole reads digits, at most as many as a position has.
func Whole(cell string) (v int, ok bool) {
	const most = 10
	if cell == "" || len(cell) > most {
		return 0, false
	}
	for _, c := range []byte(cell) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = 10*v + int(c-'0')
	}
	return v, true
}

// A Store keeps copies of short texts, many in one piece of memory.
type Store struct{ b strings.Builder }

// storeBytes is the size of a piece.
const storeBytes = 1 << 14

// Keep returns a copy of text.
func (s *Store) Keep(text string) string {
	if s.b.Cap()-s.b.Len() < len(text) {
		s.b = strings.Builder{}
		s.b.Grow(max(storeBytes, len(text)))
	}
	from := s.b.Len()
	s.b.WriteString(text)
	return s.b.String()[from:]
}
