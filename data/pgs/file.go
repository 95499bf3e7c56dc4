package pgs

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data/genome"
	"contig-gpu/data/table"
)

// Positions of a harmonised file: which are used.
const (
	Harmonised = "harmonised" // hm_chr and hm_pos, where the file has them
	Author     = "author"     // chr_name and chr_position
)

// A File is a scoring file being read: one score, or several whose weights stand beside each other.
//
//	for f.Next() { use(f.Row(), f.Weights()) }
//	if err := f.Err(); err != nil { ... }
type File struct {
	Path      string
	Names     []string          // of the scores
	Head      map[string]string // what the lines #key=value say
	Positions string            // Harmonised or Author
	lines     *table.Lines
	split     table.Splitter
	at        layout
	columns   int
	fields    []string
	pending   bool // the current line is an entry that was not handed out
	row       Row
	weights   []float64
	words     map[string]string // alleles and chromosomes, once each
	err       error
}

// mostHead is how many lines #key=value are kept.
const mostHead = 1000

// Open reads the head of a scoring file. positions is Harmonised or Author. What is no scoring file is E310.
func Open(path, positions string) (*File, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Head: map[string]string{}, lines: l, words: map[string]string{}}
	if err := f.begin(positions); err != nil {
		l.Close()
		return nil, err
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.lines.Close() }

func (f *File) begin(positions string) error {
	for f.lines.Next() {
		text := f.lines.Text()
		if !strings.HasPrefix(text, "#") {
			return f.header(text, positions)
		}
		if key, value, ok := strings.Cut(strings.TrimLeft(text, "#"), "="); ok && len(f.Head) < mostHead {
			f.Head[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
			continue
		}
		if l, ok := named(strings.Fields(text), positions); ok && l.id+l.chrom > -2 { // a header that begins with #, as plink2 writes them
			return f.header(strings.TrimPrefix(text, "#"), positions)
		}
	}
	if err := f.lines.Err(); err != nil {
		return err
	}
	return table.Empty(f.Path, "the scoring file has no entries")
}

// header takes the first line that is no comment.
func (f *File) header(text, positions string) error {
	f.split = table.SplitterFor(f.Path, text)
	f.fields = f.split.Split(text, nil)
	f.columns = len(f.fields)
	var ok, header bool
	if f.at, ok = named(f.fields, positions); ok {
		header = true
		if err := table.Columns(f.Path, f.lines.Line(), f.fields); err != nil {
			return err
		}
	} else if f.at, header, ok = plain(f.fields); !ok {
		return notUnderstood(f.Path, f.lines.Line(), text)
	}
	if f.at.id < 0 && (f.at.chrom < 0 || f.at.pos < 0) {
		return notUnderstood(f.Path, f.lines.Line(), text)
	}
	f.pending = !header
	f.Positions = f.at.positions
	f.Names = f.titles()
	f.weights = make([]float64, max(1, len(f.at.weights)))
	return nil
}

// titles names the scores: a score that is alone in its file by pgs_id or else by the file up to its first dot, several by their columns. Points
// become underscores, since a .sscore is named up to its first.
func (f *File) titles() []string {
	if len(f.at.weights) > 1 {
		out := make([]string, len(f.at.weights))
		for i := range out {
			out[i] = fmt.Sprintf("%s_%d", stem(f.Path), i+1)
			if f.at.names != nil {
				out[i] = strings.ReplaceAll(f.at.names[i], ".", "_")
			}
		}
		return out
	}
	if id := f.Head["pgs_id"]; id != "" && strings.ContainsAny(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") && !strings.ContainsAny(id, " \t/\\") {
		return []string{strings.ReplaceAll(id, ".", "_")}
	}
	return []string{stem(f.Path)}
}

// rename gives a score that is named by its file the name that a column accession says, as files of pgscatalog-format have it.
func (f *File) rename() {
	if f.Head["pgs_id"] == "" && len(f.Names) == 1 && f.at.accession >= 0 {
		if name := f.field(f.at.accession); !blank(name) && !strings.ContainsAny(name, " /\\") {
			f.Names = []string{strings.ReplaceAll(name, ".", "_")}
		}
	}
	f.at.accession = -1
}

func stem(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// Build returns the genome build that the positions are of, Unknown where the file does not say.
func (f *File) Build() genome.Build {
	key := "genome_build"
	if f.Positions == Harmonised {
		key = "hmpos_build"
	}
	return buildOf(f.Head[key])
}

func buildOf(name string) genome.Build {
	switch strings.ToLower(name) {
	case "grch37", "hg19", "b37", "37", "hg37":
		return genome.GRCh37
	case "grch38", "hg38", "b38", "38":
		return genome.GRCh38
	}
	return genome.Unknown
}

// Err returns what ended Next early.
func (f *File) Err() error {
	if f.err != nil {
		return f.err
	}
	return f.lines.Err()
}

// Row returns the current entry; the next call of Next overwrites it.
func (f *File) Row() *Row { return &f.row }

// Weights returns the current entry's weights, one for each score.
func (f *File) Weights() []float64 { return f.weights }

// Next goes to the next entry. A row that cannot be is E106, E107 or E311 and ends the reading.
func (f *File) Next() bool {
	for f.err == nil {
		if !f.pending {
			if !f.lines.Next() {
				return false
			}
			if strings.HasPrefix(f.lines.Text(), "##") {
				continue
			}
			f.fields = f.split.Split(f.lines.Text(), f.fields)
		}
		f.pending = false
		if len(f.fields) != f.columns && !f.trailing() {
			f.err = f.ragged(len(f.fields))
			return false
		}
		f.rename()
		f.err = f.parse()
		return f.err == nil
	}
	return false
}

// trailing fills up a row whose last fields are empty and were left out with their tabs, as some editors do.
func (f *File) trailing() bool {
	if f.split.String() == "white space" || len(f.fields) > f.columns || len(f.fields) <= f.last() {
		return false
	}
	for len(f.fields) < f.columns {
		f.fields = append(f.fields, "")
	}
	return true
}

// last is the last column that a row must have.
func (f *File) last() int {
	most := max(f.at.effect, f.at.id, f.at.chrom, f.at.pos)
	for _, w := range f.at.weights {
		most = max(most, w)
	}
	return most
}

func (f *File) field(i int) string {
	if i < 0 {
		return ""
	}
	return f.fields[i]
}

func (f *File) yes(i int) bool {
	v := f.field(i)
	return strings.EqualFold(v, "true") || v == "1"
}

// word keeps one copy of a text that comes again and again.
func (f *File) word(s string) string {
	if w, ok := f.words[s]; ok {
		return w
	}
	w := strings.Clone(s)
	if len(f.words) < 1<<16 {
		f.words[w] = w
	}
	return w
}

// place reads where the row's variant lies; both are empty or neither is.
func (f *File) place() error {
	f.row.Chrom, f.row.Pos = "", 0
	chrom, pos := f.field(f.at.chrom), f.field(f.at.pos)
	if blank(chrom) || blank(pos) {
		return nil
	}
	n, err := strconv.Atoi(pos)
	if err != nil || n < 0 || n > 1<<31-1 {
		return f.badRow("a position is no whole number", "base pairs from 1", fmt.Sprintf("%.40q", pos), "a number as a spreadsheet or R writes it, or columns out of order", "write positions as whole numbers")
	}
	if n > 0 {
		f.row.Chrom, f.row.Pos = f.word(genome.Chromosome(chrom)), n
	}
	return nil
}
