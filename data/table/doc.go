// Package table reads the text files that people give: lines that may end in CRLF, begin with a byte order
// mark or be gzipped, and wide tables with one row a person and one column a feature.
//
// A Selection says whose rows of a table are kept. They are narrowed while the file is read, so that a table may be many
// times larger than memory.
//
// Everything that is wrong with a file comes back as a *data.Problem that names the line.
package table
