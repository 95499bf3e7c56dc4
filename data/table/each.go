package table

import "fmt"

// Each reads a table that has a header. header gets the names of the columns, row the fields of each line behind it, as many as there are names; both may look at l for what else there is, and keep no
// field without a copy. what names the table in errors: one without a header or a row is E105, a line of another width E106, names that are no names E108.
func Each(path, what string, header, row func(l *Lines, fields []string) error) error {
	l, err := OpenTable(path)
	if err != nil {
		return err
	}
	defer l.Close()
	if !l.Next() {
		if err := l.Err(); err != nil {
			return err
		}
		return Empty(path, fmt.Sprintf("%s no header", what))
	}
	names := l.Fields(nil)
	if err := Columns(path, l.Line(), names); err != nil {
		return err
	}
	if err := header(l, names); err != nil {
		return err
	}
	var fields []string
	rows := 0
	for ; l.Next(); rows++ {
		if fields = l.Fields(fields); len(fields) != len(names) {
			return l.Ragged(len(names), fields)
		}
		if err := row(l, fields); err != nil {
			return err
		}
	}
	if err := l.Err(); err != nil {
		return err
	}
	if rows == 0 {
		return Empty(path, fmt.Sprintf("%s a header and no rows", what))
	}
	return nil
}
