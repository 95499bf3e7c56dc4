package bgen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A .bgi is an SQLite database of two tables. What is read of it is this much of "Database File Format" (sqlite.org): tables, with rows by number or by key.

// Kinds of pages of a tree.
const (
	innerKeys = 2
	innerRows = 5
	leafKeys  = 10
	leafRows  = 13
)

const (
	sqliteMagic  = "SQLite format 3\x00"
	sqliteHeader = 100
	deepest      = 24 // levels of a tree of 2^32 pages
)

var errSQLite = errors.New("the database is damaged")

// A database is open to be read.
type database struct {
	f        io.ReaderAt
	pageSize int
	usable   int // bytes of a page
	pages    int
	visited  int // pages of the tree being read
}

func openDatabase(f io.ReaderAt, size int64) (*database, error) {
	head := make([]byte, sqliteHeader)
	if _, err := f.ReadAt(head, 0); err != nil || string(head[:16]) != sqliteMagic {
		return nil, fmt.Errorf("%w: it is no SQLite database", errSQLite)
	}
	d := &database{f: f, pageSize: int(binary.BigEndian.Uint16(head[16:]))}
	if d.pageSize == 1 {
		d.pageSize = 1 << 16
	}
	d.usable = d.pageSize - int(head[20])
	const least = 480 // usable bytes
	if d.pageSize < 512 || d.pageSize&(d.pageSize-1) != 0 || d.usable < least {
		return nil, errSQLite
	}
	d.pages = int(size / int64(d.pageSize))
	return d, nil
}

func (d *database) page(n int) ([]byte, error) {
	if d.visited++; n < 1 || n > d.pages || d.visited > 2*d.pages+1 {
		return nil, errSQLite
	}
	b := make([]byte, d.pageSize)
	if _, err := d.f.ReadAt(b, int64(n-1)*int64(d.pageSize)); err != nil {
		return nil, err
	}
	return b, nil
}

// rows visits the rows of the table whose first page is root.
func (d *database) rows(root int, visit func(values []any) error) error {
	d.visited = 0
	return d.tree(root, 0, visit)
}

func (d *database) tree(n, depth int, visit func(values []any) error) error {
	b, err := d.page(n)
	if err != nil {
		return err
	}
	at := 0
	if n == 1 {
		at = sqliteHeader
	}
	kind, cells := b[at], int(binary.BigEndian.Uint16(b[at+3:]))
	head := 8
	if kind == innerKeys || kind == innerRows {
		head = 12
	} else if kind != leafKeys && kind != leafRows {
		return errSQLite
	}
	if at+head+2*cells > len(b) || depth > deepest {
		return errSQLite
	}
	for k := range cells {
		cell := int(binary.BigEndian.Uint16(b[at+head+2*k:]))
		if cell+4 > len(b) {
			return errSQLite
		}
		if err := d.cell(b[cell:], kind, depth, visit); err != nil {
			return err
		}
	}
	if head == 12 {
		return d.tree(int(binary.BigEndian.Uint32(b[at+8:])), depth+1, visit)
	}
	return nil
}

// cell visits what a cell holds: the tree below it, and the row in it.
func (d *database) cell(c []byte, kind byte, depth int, visit func(values []any) error) error {
	if kind == innerKeys || kind == innerRows {
		if err := d.tree(int(binary.BigEndian.Uint32(c)), depth+1, visit); err != nil || kind == innerRows {
			return err
		}
		c = c[4:]
	}
	size, n := sqliteInt(c)
	if n == 0 {
		return errSQLite
	}
	c = c[n:]
	most := (d.usable-12)*64/255 - 23
	if kind == leafRows {
		_, n := sqliteInt(c) // the row's number
		c, most = c[n:], d.usable-35
	}
	body, err := d.payload(c, int(size), most)
	if err != nil {
		return err
	}
	values, err := record(body)
	if err != nil {
		return err
	}
	return visit(values)
}

// payload returns a row, which goes on in other pages where it is longer than most.
func (d *database) payload(c []byte, size, most int) ([]byte, error) {
	const longest = 1 << 20 // of a row of names and numbers
	if size < 0 || size > longest {
		return nil, errSQLite
	}
	if size <= most {
		if size > len(c) {
			return nil, errSQLite
		}
		return c[:size], nil
	}
	least := (d.usable-12)*32/255 - 23
	local := least + (size-least)%(d.usable-4)
	if local > most {
		local = least
	}
	if local+4 > len(c) {
		return nil, errSQLite
	}
	out := bytes.Clone(c[:local])
	next := int(binary.BigEndian.Uint32(c[local:]))
	for len(out) < size {
		b, err := d.page(next)
		if err != nil {
			return nil, err
		}
		out = append(out, b[4:4+min(size-len(out), d.usable-4)]...)
		next = int(binary.BigEndian.Uint32(b))
	}
	return out, nil
}

// sqliteInt reads a big-endian number of seven bits a byte, and returns how many bytes it has, 0 where it ends too early.
func sqliteInt(b []byte) (v int64, n int) {
	const longest = 9
	for n < len(b) && n < longest {
		c := b[n]
		n++
		if n == longest {
			return v<<8 | int64(c), n
		}
		if v = v<<7 | int64(c&127); c < 128 {
			return v, n
		}
	}
	return 0, 0
}

// record returns the values of a row: int64, string, []byte or nil.
func record(b []byte) ([]any, error) {
	size, n := sqliteInt(b)
	if n == 0 || size < int64(n) || size > int64(len(b)) {
		return nil, errSQLite
	}
	kinds, body := b[n:size], b[size:]
	var out []any
	for len(kinds) > 0 {
		kind, n := sqliteInt(kinds)
		if n == 0 {
			return nil, errSQLite
		}
		kinds = kinds[n:]
		v, used, ok := value(kind, body)
		if !ok {
			return nil, errSQLite
		}
		out, body = append(out, v), body[used:]
	}
	return out, nil
}

// value reads one value of a kind and returns its bytes.
func value(kind int64, b []byte) (v any, used int, ok bool) {
	widths := [...]int{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}
	switch {
	case kind < 0 || kind == 10 || kind == 11:
		return nil, 0, false
	case kind < int64(len(widths)):
		used = widths[kind]
	default:
		if kind > int64(2*len(b)+13) {
			return nil, 0, false
		}
		used = int(kind-12) / 2
	}
	if used > len(b) {
		return nil, 0, false
	}
	switch {
	case kind == 0:
		return nil, 0, true
	case kind == 8 || kind == 9:
		return kind - 8, 0, true
	case kind <= 6:
		n := int64(int8(b[0]))
		for _, c := range b[1:used] {
			n = n<<8 | int64(c)
		}
		return n, used, true
	case kind == 7: // a float, of which there are none here
		return nil, used, true
	case kind%2 == 1:
		return string(b[:used]), used, true
	}
	return bytes.Clone(b[:used]), used, true
}

// table returns the first page of a table and the places of columns in its rows, -1 where it has none of that name. root is 0 where there is no such table.
func (d *database) table(name string, columns ...string) (root int, at []int, err error) {
	err = d.rows(1, func(v []any) error {
		const sqlColumn, fields = 4, 5
		if len(v) < fields || v[0] != "table" || v[1] != name {
			return nil
		}
		page, _ := v[3].(int64)
		sql, _ := v[sqlColumn].(string)
		root = int(page)
		order := columnOrder(sql)
		at = make([]int, len(columns))
		for i, c := range columns {
			at[i] = -1
			for k, o := range order {
				if strings.EqualFold(c, o) {
					at[i] = k
				}
			}
		}
		return nil
	})
	return root, at, err
}

// columnOrder returns the columns of a CREATE TABLE in the order of its rows: those of the key first where rows have no numbers.
func columnOrder(sql string) []string {
	_, body, ok := strings.Cut(sql, "(")
	end := strings.LastIndexByte(body, ')')
	if !ok || end < 0 {
		return nil
	}
	keyed := strings.Contains(strings.ToUpper(body[end:]), "WITHOUT ROWID")
	body = body[:end]
	var key, names []string
	if i := strings.Index(strings.ToUpper(body), "PRIMARY KEY"); i >= 0 {
		_, list, _ := strings.Cut(body[i:], "(")
		list, _, _ = strings.Cut(list, ")")
		for _, w := range strings.Split(list, ",") {
			key = append(key, strings.Trim(strings.TrimSpace(w), "\"`[]"))
		}
		body = body[:i]
	}
	for _, part := range strings.Split(body, ",") {
		if f := strings.Fields(part); len(f) > 0 {
			names = append(names, strings.Trim(f[0], "\"`[]"))
		}
	}
	if !keyed {
		return names
	}
	for _, n := range names {
		found := false
		for _, k := range key {
			found = found || strings.EqualFold(k, n)
		}
		if !found {
			key = append(key, n)
		}
	}
	return key
}
