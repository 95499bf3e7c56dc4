package frame

import (
	"contig-gpu/data/table"
)

// readText reads a table of text.
func readText(path string, s table.Selection) (*table.Wide, error) { return table.ReadWide(path, s) }
