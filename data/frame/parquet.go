package frame

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

const parquetFix = "write it again, flat and without nested columns (pandas: df.to_parquet(OUT, index=False)), or as text"

// A column of a Parquet file that is read.
type parquetColumn struct {
	name string
	kind parquet.Kind
	at   int // among the leaves
}

// readParquet reads a table of numbers with a column person_id or IID, and perhaps FID, in any place; an index that pandas stored under no name is taken where there is neither.
func readParquet(path string, s table.Selection) (w *table.Wide, err error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer func() { // the library panics at some of what is damaged
		if r := recover(); r != nil {
			w, err = nil, damaged(path, "the Parquet file cannot be read", fmt.Sprint(r), parquetFix)
		}
	}()
	if err := checkFooter(path, f, st.Size()); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, st.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, damaged(path, "the Parquet file cannot be read", err.Error(), parquetFix)
	}
	if err := plausible(path, file, st.Size()); err != nil {
		return nil, err
	}
	if err := checkPages(path, f, st.Size(), file); err != nil {
		return nil, err
	}
	ids, values, err := parquetColumns(path, file, s)
	if err != nil {
		return nil, err
	}
	return parquetRows(path, file, ids, values, s)
}

// mostPacked is how many times its size a page of a file may have unpacked: zstd and gzip of zeros come to about a thousand.
const mostPacked = 2000

// plausible refuses files whose own sizes cannot be.
func plausible(path string, file *parquet.File, size int64) error {
	meta := file.Metadata()
	for _, g := range meta.RowGroups {
		for _, c := range g.Columns {
			m := c.MetaData
			switch m.Codec {
			case format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd:
			default: // the library's LZ4 takes ever more memory where data are damaged
				return damaged(path, "the Parquet file is packed by a codec that is not read", m.Codec.String(), "write it with snappy, gzip, brotli or zstd, as pandas does by default")
			}
			if m.Type == format.Boolean && !slices.Contains(m.Encoding, format.Plain) { // the library misreads runs that are no multiple of eight
				return damaged(path, "the Parquet file has true and false in runs (RLE), which are not read", fmt.Sprintf("column %q", strings.Join(m.PathInSchema, ".")), "write it with data pages of version 1, as pandas does by default, or the column as whole numbers")
			}
			if m.TotalCompressedSize < 0 || m.TotalCompressedSize > size || m.TotalUncompressedSize < 0 || m.TotalUncompressedSize > mostPacked*(m.TotalCompressedSize+1) || m.NumValues < 0 || m.NumValues != g.NumRows {
				return damaged(path, "the Parquet file says what cannot be", fmt.Sprintf("a column of %d values in %d bytes, %d unpacked, of a group of %d rows", m.NumValues, m.TotalCompressedSize, m.TotalUncompressedSize, g.NumRows), parquetFix)
			}
		}
	}
	return nil
}

func parquetColumns(path string, file *parquet.File, s table.Selection) (ids, values []parquetColumn, err error) {
	named := map[string]parquetColumn{}
	var all []parquetColumn
	var names []string
	for i, c := range file.Root().Columns() {
		if s.Column != nil && !s.Column(c.Name()) && !isID(c.Name()) {
			if !c.Leaf() {
				return nil, nil, damaged(path, fmt.Sprintf("the column %q has parts", c.Name()), "a nested column", parquetFix)
			}
			continue
		}
		if !c.Leaf() || c.Repeated() {
			return nil, nil, damaged(path, fmt.Sprintf("the column %q is a list or has parts", c.Name()), "a nested column", parquetFix)
		}
		if t := c.Type().LogicalType(); t != nil && !plainType(t.Value) {
			return nil, nil, &data.Problem{Code: 107, File: path, What: fmt.Sprintf("column %q does not hold numbers", c.Name()), Expected: "whole numbers, floating point numbers or true and false", Found: t.String(),
				Cause: "a date, time or decimal", Fix: "write it as a number, such as days since a fixed day, or leave the column out"}
		}
		k := parquetColumn{c.Name(), c.Type().Kind(), i}
		named[k.name], all, names = k, append(all, k), append(names, k.name)
	}
	if err := table.Columns(path, 0, names); err != nil {
		return nil, nil, err
	}
	used := map[string]bool{}
	take := func(name string) {
		if c, ok := named[name]; ok {
			ids, used[name] = append(ids, c), true
		}
	}
	for _, name := range idNames() {
		if _, ok := named[name]; ok {
			if name == "IID" {
				take("FID")
			}
			take(name)
			break
		}
	}
	if len(ids) == 0 {
		return nil, nil, &data.Problem{Code: 108, File: path, What: "the table has no column of ids", Expected: "a column person_id or IID", Found: fmt.Sprintf("%.200s", strings.Join(names, " ")),
			Cause: "an index that was not written", Fix: "name the column of ids person_id"}
	}
	for _, c := range all {
		if !used[c.name] && c.name != pandasIndex {
			values = append(values, c)
		}
	}
	if len(values) == 0 && s.Column != nil {
		_, err := s.Chosen(path, 0, nil)
		return nil, nil, err
	}
	if len(values) == 0 {
		return nil, nil, &data.Problem{Code: 401, File: path, What: "the table has ids and no features", Expected: "one column a feature beside the id", Found: strings.Join(names, " ")}
	}
	return ids, values, nil
}

// plainType says whether values are what their bytes are: no dates, times or decimals.
func plainType(t format.LogicalTypeValue) bool {
	switch t.(type) {
	case *format.DecimalType, *format.TimestampType, *format.DateType, *format.TimeType:
		return false
	}
	return true
}

// idNames are what a column of ids may be called, the first that is there is one.
func idNames() []string { return []string{"person_id", "IID", "eid", pandasIndex} }

// pandasIndex is what pandas calls an index without a name.
const pandasIndex = "__index_level_0__"

func isID(name string) bool { return name == "FID" || slices.Contains(idNames(), name) }

// rowsAtOnce is how many rows are asked for at a time.
const rowsAtOnce = 64

func parquetRows(path string, file *parquet.File, ids, values []parquetColumn, s table.Selection) (*table.Wide, error) {
	names := make([]string, len(values))
	for j, c := range values {
		names[j] = c.name
	}
	b := table.NewBuilder(path, names, names, s)
	p := &parquetReader{path: path, b: b, ids: ids, values: values, who: make([]string, len(ids)), row: make([]float64, len(values)), faults: s.Faults}
	for _, g := range file.RowGroups() {
		if err := p.group(g); err != nil {
			return nil, err
		}
	}
	return b.Finish(nil)
}

type parquetReader struct {
	path        string
	b           *table.Builder
	ids, values []parquetColumn
	who         []string
	row         []float64
	line        int
	faults      *data.Faults
}

func (p *parquetReader) group(g parquet.RowGroup) error {
	rows := g.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, rowsAtOnce)
	for {
		n, err := rows.ReadRows(buf)
		for _, r := range buf[:n] {
			p.line++
			if err := p.add(r); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return damaged(p.path, "the Parquet file cannot be read", err.Error(), parquetFix)
		case n == 0:
			return damaged(p.path, "the Parquet file ends too early", fmt.Sprintf("%d rows", p.line), parquetFix)
		}
	}
}

func (p *parquetReader) add(r parquet.Row) error {
	for k, c := range p.ids {
		p.who[k] = idText(r[c.at])
	}
	for j, c := range p.values {
		v, ok := numberOf(r[c.at])
		if !ok {
			if err := p.faults.Take(table.NotNumber(p.path, p.line, c.name, r[c.at].String())); err != nil {
				return err
			}
		}
		p.row[j] = v
	}
	return p.b.AddValues(p.line, p.who, p.row)
}

// idText returns an id as text. A floating point number keeps its point, by which it is refused.
func idText(v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.ByteArray || v.Kind() == parquet.FixedLenByteArray:
		return string(v.ByteArray())
	case v.Kind() == parquet.Double || v.Kind() == parquet.Float:
		text := strconv.FormatFloat(floatOf(v), 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	case v.Kind() == parquet.Int32:
		return strconv.FormatInt(int64(v.Int32()), 10)
	case v.Kind() == parquet.Int64:
		return strconv.FormatInt(v.Int64(), 10)
	}
	return v.String()
}

func floatOf(v parquet.Value) float64 {
	if v.Kind() == parquet.Float {
		return float64(v.Float())
	}
	return v.Double()
}

// numberOf returns a value as a number, NaN where it is missing; ok is false for what is none.
func numberOf(v parquet.Value) (float64, bool) {
	if v.IsNull() {
		return math.NaN(), true
	}
	switch v.Kind() {
	case parquet.Boolean:
		if v.Boolean() {
			return 1, true
		}
		return 0, true
	case parquet.Int32:
		return float64(v.Int32()), true
	case parquet.Int64:
		return float64(v.Int64()), true
	case parquet.Float, parquet.Double:
		return floatOf(v), true
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return table.Number(strings.TrimSpace(string(v.ByteArray())))
	}
	return math.NaN(), false
}
