package bgen

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// fromIndex lists the variants by a .bgi, as bgenix writes it, where there is one. false: there is none, or it does not say all that is needed. One of another file is E206.
func (l *lister) fromIndex(path string) (bool, error) {
	f, err := input.Open(path, input.NoLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, table.Unreadable(path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return false, table.Unreadable(path, err)
	}
	d, err := openDatabase(f, st.Size())
	if err == nil {
		err = l.sameFile(d, path)
	}
	var found []variant
	ok := true
	if err == nil {
		found, ok, err = l.indexed(d)
	}
	var p *data.Problem
	switch {
	case errors.As(err, &p):
		return false, err
	case err != nil:
		return false, l.staleIndex(path, "the index cannot be read: "+err.Error(), "an index that bgenix wrote", "")
	case !ok:
		return false, nil
	case len(found) != l.f.head.variants:
		return false, l.staleIndex(path, "the index lists another number of variants than the BGEN holds", fmt.Sprint(l.f.head.variants), fmt.Sprint(len(found)))
	}
	l.f.about.VariantsPath = path
	l.f.about.Notes = append(l.f.about.Notes, fmt.Sprintf("%s: variants are listed by %s.", filepath.Base(l.r.path), filepath.Base(path)))
	for _, v := range found {
		if err := l.take(v); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (l *lister) staleIndex(path, what, expected, found string) *data.Problem {
	return &data.Problem{Code: code, File: path, What: what, Expected: expected, Found: found, Cause: "the BGEN was written anew since, or the index is of another file or damaged", Fix: "remove it, or make it again: bgenix -g " + filepath.Base(l.r.path) + " -index -clobber"}
}

// sameFile holds what the index says of its file against the BGEN.
func (l *lister) sameFile(d *database, path string) error {
	root, at, err := d.table("Metadata", "file_size", "first_1000_bytes")
	if err != nil || root == 0 {
		return err
	}
	return d.rows(root, func(v []any) error {
		if size, ok := column(v, at[0]).(int64); ok && size != l.r.size {
			return l.staleIndex(path, "the index belongs to another BGEN: the file has another size", fmt.Sprintf("%d bytes", size), fmt.Sprintf("%d bytes", l.r.size))
		}
		begin, ok := column(v, at[1]).([]byte)
		if !ok || int64(len(begin)) > l.r.size {
			return nil
		}
		b, err := l.r.bytes(0, len(begin))
		if err == nil && !bytes.Equal(b, begin) {
			err = l.staleIndex(path, "the index belongs to another BGEN: the file begins otherwise", "the first bytes of the BGEN", "others")
		}
		return err
	})
}

func column(v []any, at int) any {
	if at < 0 || at >= len(v) {
		return nil
	}
	return v[at]
}

// indexed returns the variants of the index in the order of the file. ok is false where one has no id or chromosome, which only the file can make up for.
func (l *lister) indexed(d *database) (found []variant, ok bool, err error) {
	root, at, err := d.table("Variant", "chromosome", "position", "rsid", "number_of_alleles", "allele1", "allele2", "file_start_position", "size_in_bytes")
	if err != nil {
		return nil, false, err
	}
	if root == 0 || slices.Contains(at, -1) {
		return nil, false, fmt.Errorf("%w: it has no table of variants", errSQLite)
	}
	ok = true
	err = d.rows(root, func(row []any) error {
		var v variant
		v.chrom, _ = column(row, at[0]).(string)
		v.pos, _ = column(row, at[1]).(int64)
		v.rsid, _ = column(row, at[2]).(string)
		v.count, _ = column(row, at[3]).(int64)
		v.alleles[0], _ = column(row, at[4]).(string)
		v.alleles[1], _ = column(row, at[5]).(string)
		start, _ := column(row, at[6]).(int64)
		size, _ := column(row, at[7]).(int64)
		if start < l.f.head.first || size < leastVariant || size > 1<<31 || start > l.r.size-size {
			return fmt.Errorf("%w: a variant lies outside of the file", errSQLite)
		}
		if len(found) >= l.f.head.variants {
			return fmt.Errorf("%w: it lists too many variants", errSQLite)
		}
		ok = ok && v.rsid != "" && v.rsid != "." && v.chrom != "" && v.chrom != "NA"
		v.span = span{at: start, bytes: uint32(size), whole: true}
		found = append(found, v)
		return nil
	})
	slices.SortFunc(found, func(a, b variant) int { return cmp.Compare(a.span.at, b.span.at) })
	for k := range found {
		found[k].span.number = int32(k + 1)
	}
	return found, ok, err
}

// errStale is of a .bgi that does not fit.
var errStale = errors.New("the .bgi lists another variant there; remove it, or make it again")

// genotypesOf cuts what stands before the genotypes off the bytes of a whole variant.
func genotypesOf(b []byte, rsid string) ([]byte, error) {
	for k := range 3 {
		n, rest, ok := length(b, 2)
		if !ok || len(rest) < n {
			return nil, errStale
		}
		if k == 1 && string(rest[:n]) != rsid {
			return nil, errStale
		}
		b = rest[n:]
	}
	if len(b) < 6 {
		return nil, errStale
	}
	alleles := int(b[4]) | int(b[5])<<8
	b = b[6:]
	for range alleles {
		n, rest, ok := length(b, 4)
		if !ok || len(rest) < n {
			return nil, errStale
		}
		b = rest[n:]
	}
	n, rest, ok := length(b, 4)
	if !ok || len(rest) != n {
		return nil, errStale
	}
	return rest, nil
}

// length reads a little-endian length of so many bytes.
func length(b []byte, width int) (n int, rest []byte, ok bool) {
	if len(b) < width {
		return 0, nil, false
	}
	for k := range width {
		n |= int(b[k]) << (8 * k)
	}
	return n, b[width:], true
}
