package main

import (
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// Sizes of what is held in memory of a Parquet file while it is written: values of a row group, bytes of a page.
const (
	parquetValues = 1 << 22
	parquetPage   = 1 << 16
)

// An orderedGroup is a parquet.Group whose columns keep their order: those of a Group stand in the order of their names, 10 before 2.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

// Fields returns the columns in their order.
func (g orderedGroup) Fields() []parquet.Field { return g.fields }

// orderedColumns returns a schema of these columns: texts, and behind them width of float32.
func orderedColumns(texts []string, name string, width int) *parquet.Schema {
	group := parquet.Group{}
	order := map[string]int{}
	add := func(column string, n parquet.Node) {
		group[column], order[column] = parquet.Encoded(n, &parquet.Plain), len(order)
	}
	for _, t := range texts {
		add(t, parquet.String())
	}
	for i := range width {
		add(name+"."+strconv.Itoa(i), parquet.Leaf(parquet.FloatType))
	}
	g := orderedGroup{group, make([]parquet.Field, len(order))}
	for _, f := range group.Fields() {
		g.fields[order[f.Name()]] = f
	}
	return parquet.NewSchema(name, g)
}

// writeParquet writes a matrix with the keys of its rows, the table that writeTSV writes, as Parquet; absent is NaN.
func writeParquet(path string, head []string, keys [][]string, m matrix) error {
	return writePrivate(path, func(w io.Writer) error {
		to := parquet.NewWriter(w, orderedColumns(head, m.name, m.width), parquet.CreatedBy("contig-gpu", version, ""), parquet.Compression(&parquet.Snappy),
			parquet.PageBufferSize(parquetPage), parquet.MaxRowsPerRowGroup(int64(max(1, parquetValues/max(1, m.width)))), parquet.DataPageVersion(1))
		row := make(parquet.Row, len(head)+m.width)
		for i, values := range m.rows {
			for k, key := range keys[i] {
				row[k] = parquet.ByteArrayValue([]byte(key)).Level(0, 0, k)
			}
			for k, v := range values {
				row[len(head)+k] = parquet.FloatValue(v).Level(0, 0, len(head)+k)
			}
			if _, err := to.WriteRows([]parquet.Row{row}); err != nil {
				return err
			}
		}
		return to.Close()
	})
}
