package vcf

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns the copies of every person at every variant, in steps of so many variants.
func read(path string, step int) ([][]float64, genotype.File, error) {
	f, err := Open(path, Options{})
	if err != nil {
		return nil, nil, err
	}
	var some []int
	for i := 0; i < len(f.Variants()); i += step {
		some = append(some, i)
	}
	var out [][]float64
	err = f.Each(context.Background(), some, func(_ int, hard []byte, dosage []float32) error {
		row := make([]float64, len(f.Persons()))
		for i := range row {
			switch {
			case hard == nil:
				row[i] = float64(dosage[i])
			case hard[i] == genotype.Missing:
				row[i] = math.NaN()
			default:
				row[i] = float64(hard[i])
			}
		}
		out = append(out, row)
		return nil
	})
	return out, f, err
}

const head = "##fileformat=VCFv4.3\n##FILTER=<ID=PASS,Description=\"x\">\n##contig=<ID=1>\n##contig=<ID=chrX>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##FORMAT=<ID=DS,Number=A,Type=Float,Description=\"x\">\n" +
	"##FORMAT=<ID=HDS,Number=.,Type=Float,Description=\"x\">\n##FORMAT=<ID=GP,Number=G,Type=Float,Description=\"x\">\n##FORMAT=<ID=AD,Number=.,Type=Integer,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\td\n"

// rows are variants with their genotypes, and what they are.
func rows() []struct{ text, want string } {
	line := func(format string, fields ...string) string {
		return "1\t5\trs1\tA\tG\t.\tPASS\t.\t" + format + "\t" + strings.Join(fields, "\t") + "\n"
	}
	return []struct{ text, want string }{
		{line("GT", "0/0", "0/1", "1|1", "./."), "[0 1 2 NaN]"}, {line("GT", "0", "1", ".", ".|."), "[0 2 NaN NaN]"}, {line("GT:DS", "0/0:0.25", "0/1:.", "1|1:2", "./.:1.5"), "[0.25 1 2 1.5]"},
		{line("DS:GT", "0:0/1", "2:0/1", "1:0/0", ".:./."), "[0 2 1 NaN]"}, {line("GT:GP", "0/0:0.5,0.25,0.25", "0/1:0,1,0", "./.:.", "./.:.,.,."), "[0.75 1 NaN NaN]"},
		{line("GT:HDS", "0|0:0.25,0.5", "1|1:1,1", "0/1", "./.:."), "[0.75 2 1 NaN]"}, {line("AD:GT", "3,4:0/1", "1,1:1/1", "0,0:./.", "1,2:0/0"), "[1 2 NaN 0]"},
		{line("GT:AD:DS", "0/0", "0/1:1,2", "1/1:1,2:0.5", "./.:.:."), "[0 1 0.5 NaN]"},
	}
}

// TestFields reads calls and dosages as they are written, in text, in BGZF, in gzip and in BCF; and every second variant alone.
func TestFields(t *testing.T) {
	var text strings.Builder
	text.WriteString(head)
	for _, r := range rows() {
		text.WriteString(r.text)
	}
	plain := []byte(text.String())
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(plain)
	w.Close()
	files := map[string][]byte{"x.vcf": plain, "crlf.vcf": bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")), "cut.vcf": bytes.TrimSuffix(plain, []byte("\n")), "x.vcf.gz": bgzip(plain, 1000), "y.vcf.gz": bgzip(plain, 37), "z.vcf.gz": z.Bytes()}
	if path, err := exec.LookPath("bcftools"); err == nil {
		b, err := exec.Command(path, "view", "-O", "b", write(t, "x.vcf", plain)).Output()
		if err != nil {
			t.Fatal(err)
		}
		files["x.bcf"] = b
	}
	for name, b := range files {
		for step := 1; step <= 2; step++ {
			got, f, err := read(write(t, name, b), step)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for k, row := range got {
				if want := rows()[k*step]; fmt.Sprint(row) != want.want {
					t.Errorf("%s: %q is %v, want %s", name, want.text, row, want.want)
				}
			}
			if v := f.Variants()[0]; v.Chrom != "1" || v.Pos != 5 || v.ID != "rs1" || v.Ref != "A" || v.Alt != "G" || f.Persons()[3].IID != "d" {
				t.Errorf("%s: %+v %+v", name, v, f.Persons())
			}
		}
	}
}

// bgzip compresses text in blocks of so many bytes.
func bgzip(text []byte, block int) []byte {
	var out []byte
	for len(text) >= 0 {
		n := min(block, len(text))
		var z bytes.Buffer
		w, _ := flate.NewWriter(&z, 6)
		w.Write(text[:n])
		w.Close()
		b := []byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0}
		b = binary.LittleEndian.AppendUint16(b, uint16(leastBlock+z.Len()-1))
		b = append(b, z.Bytes()...)
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(text[:n]))
		out = append(out, binary.LittleEndian.AppendUint32(b, uint32(n))...)
		if text = text[n:]; n == 0 {
			break
		}
	}
	return out
}

// TestAlleles: a variant with more than two alleles is one for each alternative allele, of which the others count as REF; one with none but REF has an allele that nobody has.
func TestAlleles(t *testing.T) {
	many := strings.Repeat("C,", genotype.MostAlts) + "C"
	text := head + "1\t5\trs1\tA\tG,T,AC\t.\t.\t.\tGT\t0/2\t0/1\t3|2\t.\n\n1\t6\t.\tA\t.\t.\t.\t.\tGT\t0/0\t0/0\t./.\t0/0\nchrX\t7\trs3\tA\tC\t.\t.\t.\tGT\t0/1\t1\t0\t./.\n" +
		"2\t8\t.\tA\t" + many + "\t.\t.\t.\tGT\t0/0\t0/0\t0/0\t0/0\n2\t9\tds\tA\tG,T\t.\t.\t.\tGT:DS\t0/2:0,0.75\t0/1:1,0\t1/2:.\t2:.\n2\t10\tgp\tA\tG,T\t.\t.\t.\tGT:GP\t.:0.25,0.25,0,0.5,0,0\t.:0,0,0,0,0.5,0.5\t0/0:.\t.:0,0.5,0.5\n"
	want := "[[0 1 0 NaN] [1 0 1 NaN] [0 0 1 NaN] [0 0 NaN 0] [1 2 0 NaN] [0 1 1 0] [0.75 0 1 2] [0.25 0.5 0 1] [0.5 1.5 0 1]]"
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"x.vcf": []byte(text), "x.vcf.gz": bgzip([]byte(text), 70), "y.vcf.gz": z.Bytes()} {
		got, f, err := read(write(t, name, b), 1)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v", name, got, err)
			continue
		}
		v := f.Variants()
		if v[3].Alt != genotype.Unseen || v[4].Chrom != "chrX" || v[4].Line != 14 || v[2].FullName() != "rs1:1:5:A:AC" || v[2].Line != 11 {
			t.Errorf("%s: %+v", name, v)
		}
		if notes := fmt.Sprint(f.About().Notes); !strings.Contains(notes, "3 variants with more than two alleles are read as one for each") || !strings.Contains(notes, "W217") {
			t.Error(notes)
		}
	}
}

// TestRefused: what is wrong is E207 and says what, and where.
func TestRefused(t *testing.T) {
	row := "1\t5\trs1\tA\tG\t.\tPASS\t.\tGT:DS\t0/0:0\t0/1:1\t1/1:2\t./.:.\n"
	change := func(old, with string) []byte { return []byte(head + row + strings.Replace(row, old, with, 1)) }
	for what, c := range map[string]struct {
		b    []byte
		says string
	}{
		"empty": {nil, "E207"}, "no vcf": {[]byte("CHROM POS\n1 2\n"), "not a VCF"}, "workbook": {[]byte("PK\x03\x04xl/x"), "workbook"}, "no columns": {[]byte("##fileformat=VCFv4.3\n"), "ends without"},
		"sites only": {[]byte("##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"), "no genotypes"}, "header": {[]byte("##x\n#y\n"), "neither"}, "twice": {[]byte(strings.Replace(head, "b\tc", "b\tb", 1) + row), "E120"},
		"half call": {change("0/1:1", "./1:."), "half call"}, "half the other way": {change("0/1:1", "1|.:."), `"1|.", of person 2`}, "allele": {change("0/1:1", "0/2:."), "does not have"}, "alleles": {change("\tG\t.\tPASS\t.\tGT:DS\t0/0:0", "\tG,T\t.\tPASS\t.\tGT:DS\t0/3:."), "does not have"}, "one dosage of two": {change("\tG\t", "\tG,T\t"), "one for each alternative allele"}, "halves": {change("\tG\t.\tPASS\t.\tGT:DS\t0/0:0", "\tG,T\t.\tPASS\t.\tGT:HDS\t0/0:0,0.5"), "one for each alternative allele"},
		"triploid": {change("0/1:1", "0/0/1:."), "more than two alleles"}, "dosage": {change("0/1:1", "0/1:2.5"), "no number from 0 to 2"}, "no number": {change("0/1:1", "0/1:x"), "no number"},
		"position": {change("\t5\t", "\t5.0\t"), "x.vcf:12"}, "columns": {change("\t./.:.", ""), "other columns"}, "more columns": {change("\t./.:.", "\t./.:.\t0/0"), "other columns"}, "short": {change("\tA\tG\t.\tPASS\t.\tGT:DS\t0/0:0\t0/1:1\t1/1:2\t./.:.", ""), "too few columns"},
		"cut bgzf": {bgzip([]byte(head+row), 100)[:300], "E207"}, "damaged bgzf": {damage(bgzip([]byte(head+row), 100), 250), "damaged"}, "wrong sum": {damage(bgzip([]byte(head+row), 10000), -34), "damaged"}, "no variants": {[]byte(head), "E105"},
	} {
		_, _, err := read(write(t, "x.vcf", c.b), 1)
		var p *data.Problem
		if !errors.As(err, &p) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
}

// damage turns a bit of a byte, counted from the end where at is negative.
func damage(b []byte, at int) []byte {
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	return b
}

// bcf makes a BCF of a header and records.
func bcf(text string, records ...[]byte) []byte {
	b := append([]byte(bcfMagic), 2)
	b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text)+1)), text...)
	b = append(b, 0)
	for _, r := range records {
		b = append(b, r...)
	}
	return bgzip(b, 500)
}

// aRecord is one of four persons with calls.
func aRecord() []byte {
	le := binary.LittleEndian
	shared := make([]byte, sharedHead)
	le.PutUint32(shared[4:], 4)
	le.PutUint32(shared[16:], 2<<16)
	le.PutUint32(shared[20:], 1<<24|4)
	shared = append(shared, 3<<4|typeText, 'r', 's', '1', 1<<4|typeText, 'A', 1<<4|typeText, 'G', 0)
	own := []byte{1<<4 | typeInt8, 1, 2<<4 | typeInt8, 2, 2, 2, 4, 4, 4, 0, 0}
	b := le.AppendUint32(le.AppendUint32(nil, uint32(len(shared))), uint32(len(own)))
	return append(append(b, shared...), own...)
}

// TestBounded: lengths that claim far more than there is fail before memory is taken for them.
func TestBounded(t *testing.T) {
	whole := aRecord()
	if got, _, err := read(write(t, "x.bcf", bcf(head, whole)), 1); err != nil || fmt.Sprint(got) != "[[0 1 2 NaN]]" {
		t.Fatal(got, err)
	}
	var before, after runtime.MemStats
	for at := range whole {
		for _, with := range []byte{0, 0x7f, 0xf3, 0xff} {
			b := bytes.Clone(whole)
			for k := at; k < min(at+4, len(b)); k++ {
				b[k] = with
			}
			path := write(t, "x.bcf", bcf(head, b))
			runtime.ReadMemStats(&before)
			_, _, err := read(path, 1)
			runtime.ReadMemStats(&after)
			var p *data.Problem
			if err != nil && !errors.As(err, &p) {
				t.Errorf("at %d: %v", at, err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("at %d: %d bytes were taken", at, n)
			}
		}
	}
}

// FuzzOpen reads anything as a VCF or BCF: a Problem, or genotypes.
func FuzzOpen(f *testing.F) {
	text := head
	for _, r := range rows() {
		text += r.text
	}
	f.Add([]byte(text), false)
	f.Add([]byte(text), true)
	f.Add(bcf(head, aRecord()), false)
	f.Add(append(append([]byte(bcfMagic), 2, byte(len(head)&0xff), byte(len(head)>>8), 0, 0), append([]byte(head), aRecord()...)...), true)
	f.Fuzz(func(t *testing.T, b []byte, pack bool) {
		if pack {
			b = bgzip(b, 1000)
		}
		_, _, err := read(write(t, "x", b), 1)
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
	})
}
