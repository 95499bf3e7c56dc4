// Package table reads the text files that people give: lines that may end in CRLF, begin with a byte order
// mark or be gzipped, and wide tables with one row a person and one column a feature.
//
// Everything that is wrong with a file comes back as a *data.Problem that names the line.
package table
