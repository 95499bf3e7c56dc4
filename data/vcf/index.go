package vcf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// An index (.tbi or .csi) says where in a BGZF file the lines of a part of a chromosome begin. Formats: "The Tabix index file format" and "Coordinate Sorted Index".

// The geometry of a .tbi: its smallest bins have 2^14 bases, and there are 5 levels above them.
const (
	tabixShift = 14
	tabixDepth = 5
)

var errIndex = errors.New("the index is damaged")

// A stretch is where in the file lines of an interval may be.
type stretch struct {
	genotype.Interval
	from, to uint64 // virtual places, as BGZF has them
}

// openIndex opens the index that lies beside a file; nil: there is none.
func openIndex(path string) (*os.File, string, error) {
	for _, end := range []string{".csi", ".tbi"} {
		h, err := input.Open(path+end, input.NoLimit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, "", table.Unreadable(path+end, err)
		}
		return h, path + end, nil
	}
	return nil, "", nil
}

// stretches returns where the lines of intervals may be, in the order of the file, by the index beside it. ok is false where there is none.
func (f *file) stretches(regions []genotype.Interval) (out []stretch, ok bool, err error) {
	h, path, err := openIndex(f.about.Path)
	if err != nil || h == nil {
		return nil, false, err
	}
	defer h.Close()
	x := &indexReader{file: f, shift: tabixShift, depth: tabixDepth}
	s, err := newSource(h)
	if err == nil {
		x.t = &text{s: s}
		out, err = x.read(regions)
	}
	if err != nil {
		return nil, false, f.badIndex(path, err)
	}
	slices.SortFunc(out, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.From, b.From)) })
	f.about.Notes = append(f.about.Notes, fmt.Sprintf("%s: variants of the regions alone are listed, by %s.", filepath.Base(f.about.Path), filepath.Base(path)))
	return out, true, nil
}

func (f *file) badIndex(path string, err error) error {
	p := f.bad(0, "the index cannot be read", "an index of this file", "")
	p.File, p.Err, p.Cause, p.Fix = path, err, "the index is damaged, or of another file or an earlier one", "make it again: bcftools index -f "+filepath.Base(f.about.Path)
	return p
}

// An indexReader reads an index from the front.
type indexReader struct {
	file         *file
	t            *text
	csi          bool
	shift, depth int
	err          error
}

func (x *indexReader) bytes(n int) []byte {
	if x.err == nil {
		var b []byte
		if b, x.err = x.t.bytes(n); x.err == nil {
			return b
		}
		if x.err == io.EOF {
			x.err = errIndex
		}
	}
	return make([]byte, min(n, 8))
}

func (x *indexReader) u32() uint32 { return binary.LittleEndian.Uint32(x.bytes(4)) }

func (x *indexReader) u64() uint64 { return binary.LittleEndian.Uint64(x.bytes(8)) }

// count reads how many things follow.
func (x *indexReader) count() int {
	n := x.u32()
	if n > math.MaxInt32 && x.err == nil {
		x.err = errIndex
	}
	return int(n)
}

func (x *indexReader) skip(n int64) {
	if x.err == nil {
		x.err = x.t.skip(n)
	}
}

func (x *indexReader) read(regions []genotype.Interval) ([]stretch, error) {
	names, references := x.head()
	if x.err != nil {
		return nil, x.err
	}
	var out []stretch
	for k := 0; k < references && x.err == nil; k++ {
		name := ""
		if k < len(names) {
			name = genome.Chromosome(names[k])
		}
		var own []stretch
		for _, r := range regions {
			if name != "" && r.Chromosome == name {
				own = append(own, stretch{Interval: r, from: math.MaxUint64})
			}
		}
		x.reference(own)
		for _, s := range own {
			if s.from < s.to {
				out = append(out, s)
			}
		}
	}
	return out, x.err
}

// head reads what stands before the chromosomes, and returns their names.
func (x *indexReader) head() (names []string, references int) {
	const (
		settings = 24 // format and columns of a tabix index
		deepest  = 10
	)
	switch string(x.bytes(4)) {
	case "TBI\x01":
		references = x.count()
		x.skip(settings)
		names = x.names(x.count())
	case "CSI\x01":
		x.csi, x.shift, x.depth = true, x.count(), x.count()
		aux := x.count()
		if aux > settings+4 {
			x.skip(settings)
			names = x.names(x.count())
			x.skip(int64(aux - settings - 4 - namesBytes(names)))
		} else {
			x.skip(int64(aux))
			names = x.file.head.contigs.list()
		}
		references = x.count()
	default:
		if x.err == nil {
			x.err = errIndex
		}
	}
	if x.err == nil && (x.depth > deepest || x.shift > 30 || x.depth < 1 || x.shift < 1) {
		x.err = errIndex
	}
	return names, references
}

func (x *indexReader) names(n int) []string {
	var out []string
	for _, b := range bytes.Split(bytes.TrimSuffix(x.bytes(n), []byte{0}), []byte{0}) {
		out = append(out, string(b))
	}
	return out
}

func namesBytes(names []string) int {
	n := 0
	for _, name := range names {
		n += len(name) + 1
	}
	return n
}

// list returns the words of a dictionary by their numbers.
func (d dictionary) list() []string {
	var out []string
	for n, word := range d {
		for len(out) <= n && n < 1<<20 {
			out = append(out, "")
		}
		if n < len(out) {
			out[n] = word
		}
	}
	return out
}

// reference reads the bins of a chromosome, and widens the stretches by the chunks of those that overlap them.
func (x *indexReader) reference(own []stretch) {
	bins := x.count()
	for k := 0; k < bins && x.err == nil; k++ {
		bin := x.u32()
		if x.csi {
			x.u64() // where the bin's first line is
		}
		lo, hi, ok := x.span(uint64(bin))
		chunks := x.count()
		for c := 0; c < chunks && x.err == nil; c++ {
			from, to := x.u64(), x.u64()
			for i := range own {
				if s := &own[i]; ok && s.From <= hi && s.To >= lo {
					s.from, s.to = min(s.from, from), max(s.to, to)
				}
			}
		}
	}
	if x.csi {
		return
	}
	windows := x.count()
	for k := 0; k < windows && x.err == nil; k++ {
		at := x.u64()
		for i := range own { // no line that reaches the window is before this
			if s := &own[i]; max(s.From-1, 0)>>tabixShift == k && s.from < at {
				s.from = at
			}
		}
	}
}

// span returns the first and last position of a bin, from 1; ok is false for those that hold none, such as that of counts.
func (x *indexReader) span(bin uint64) (lo, hi int, ok bool) {
	first := uint64(0)
	for level := range x.depth + 1 {
		n := uint64(1) << (3 * level)
		if bin < first+n {
			width := x.shift + 3*(x.depth-level)
			return int((bin-first)<<width) + 1, int((bin - first + 1) << width), true
		}
		first += n
	}
	return 0, 0, false
}

// listStretches lists the variants of stretches.
func (f *file) listStretches(t *text, stretches []stretch) error {
	for _, s := range stretches {
		if err := t.seek(place(s.from>>16<<placeBits | s.from&0xffff)); err != nil {
			return f.badIndex(f.about.Path, err)
		}
		for {
			at := t.at()
			if uint64(at)>>placeBits<<16|uint64(at)&(1<<placeBits-1) >= s.to {
				break
			}
			v, alleles, err := f.nextSite(t, 0)
			if err == io.EOF {
				break
			}
			if err != nil {
				return f.badIndex(f.about.Path, err)
			}
			v.Line = 0 // which an index does not tell
			here := alleles > 0 && genome.Chromosome(v.Chrom) == s.Chromosome
			if here && v.Pos > s.To {
				break
			}
			if here && v.Pos >= s.From {
				f.add(v, alleles, at)
			}
		}
	}
	return nil
}
