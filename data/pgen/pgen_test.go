package pgen

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

// A rec is a record of a .pgen to be made.
type rec struct {
	kind byte
	body []byte
}

// standard makes a .pgen whose records have types of a byte and lengths of two.
func standard(mode byte, persons int, recs ...rec) []byte {
	le := binary.LittleEndian
	b := append([]byte(magic), mode)
	b = le.AppendUint32(b, uint32(len(recs)))
	b = le.AppendUint32(b, uint32(persons))
	b = append(b, 4|1|2<<6)
	start := len(b) + 8 + 3*len(recs)
	b = le.AppendUint64(b, uint64(start))
	for _, r := range recs {
		b = append(b, r.kind)
	}
	for _, r := range recs {
		b = le.AppendUint16(b, uint16(len(r.body)))
	}
	for _, r := range recs {
		b = append(b, r.body...)
	}
	return b
}

// fixed makes a .pgen of rows of one width.
func fixed(mode byte, variants, persons int, rows ...[]byte) []byte {
	le := binary.LittleEndian
	b := append([]byte(magic), mode)
	b = le.AppendUint32(b, uint32(variants))
	b = append(le.AppendUint32(b, uint32(persons)), 2<<6)
	for _, r := range rows {
		b = append(b, r...)
	}
	return b
}

// write writes a fileset and returns the path of its .pgen.
func write(t testing.TB, pgen []byte, pvar, psam string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pgen")
	for end, b := range map[string][]byte{".pgen": pgen, ".pvar": []byte(pvar), ".psam": []byte(psam)} {
		if err := os.WriteFile(strings.TrimSuffix(path, ".pgen")+end, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func pvarOf(variants int) string {
	var b strings.Builder
	b.WriteString("##x\n#CHROM\tPOS\tID\tREF\tALT\n")
	for v := range variants {
		fmt.Fprintf(&b, "1\t%d\trs%d\tA\tG\n", 100+v, v)
	}
	return b.String()
}

func psamOf(persons int) string {
	var b strings.Builder
	b.WriteString("#IID\tSEX\n")
	for i := range persons {
		fmt.Fprintf(&b, "P%d\t%d\n", i, i%3)
	}
	return b.String()
}

// read returns the copies of every person at every variant.
func read(path string) ([][]float64, error) {
	f, err := Open(path, nil)
	if err != nil {
		return nil, err
	}
	all := make([]int, len(f.Variants()))
	for i := range all {
		all[i] = i
	}
	var out [][]float64
	err = f.Each(context.Background(), all, func(_ int, hard []byte, dosage []float32) error {
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
	return out, err
}

// TestModes reads rows of one width, and records in each of their types, of five persons.
func TestModes(t *testing.T) {
	hard := []byte{0b11100100, 0b01} // 0 1 2 . 1
	dose := func(v ...uint16) []byte {
		var b []byte
		for _, d := range v {
			b = binary.LittleEndian.AppendUint16(b, d)
		}
		return b
	}
	all := dose(0, 16384, 8192, 65535, 32768)
	join := func(parts ...[]byte) []byte {
		var b []byte
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	for what, c := range map[string]struct {
		pgen []byte
		want string
	}{
		"plink 1":          {join([]byte("\x6c\x1b\x01"), []byte{0b11100100, 0b10}), "[[2 NaN 1 0 1]]"},
		"hard":             {fixed(2, 2, 5, hard, []byte{0, 0}), "[[0 1 2 NaN 1] [0 0 0 0 0]]"},
		"dosage":           {fixed(3, 1, 5, hard, all), "[[0 1 0.5 NaN 2]]"},
		"phased dosage":    {fixed(4, 1, 5, hard, all, make([]byte, 10)), "[[0 1 0.5 NaN 2]]"},
		"raw":              {standard(0x10, 5, rec{0, hard}), "[[0 1 2 NaN 1]]"},
		"extended":         {standard(0x11, 5, rec{0, hard}), "[[0 1 2 NaN 1]]"},
		"two codes":        {standard(0x10, 5, rec{1, []byte{1<<2 | 2, 0b01001, 1, 2, 0b10}}), "[[NaN 1 2 NaN 1]]"},
		"same and turned":  {standard(0x10, 5, rec{0, hard}, rec{2, []byte{0}}, rec{3, []byte{1, 4, 0}}), "[[0 1 2 NaN 1] [0 1 2 NaN 1] [2 1 0 NaN 2]]"},
		"nearly all alike": {standard(0x10, 5, rec{4, []byte{2, 1, 0b1101, 2}}, rec{6, []byte{0}}, rec{7, []byte{1, 0, 0}}), "[[0 1 0 NaN 0] [2 2 2 2 2] [0 NaN NaN NaN NaN]]"},
		"some dosages":     {standard(0x10, 5, rec{0x20, join(hard, []byte{2, 0, 3}, dose(1, 16385))}), "[[6.103515625e-05 1 2 1.00006103515625 1]]"},
		"dosage bits":      {standard(0x10, 5, rec{0x60, join(hard, []byte{0b10010}, dose(40, 8192))}), "[[0 0.00244140625 2 NaN 0.5]]"},
		"all dosages":      {standard(0x10, 5, rec{0x40, join(hard, all)}), "[[0 1 0.5 NaN 2]]"},
		"phase":            {standard(0x10, 5, rec{0x70, join(hard, []byte{0b010}, []byte{0b10000}, dose(8192))}), "[[0 1 2 NaN 0.5]]"},
		"phase of some":    {standard(0x10, 5, rec{0x70, join(hard, []byte{0b011, 1}, []byte{0b10000}, dose(8192))}), "[[0 1 2 NaN 0.5]]"},
		"whole dosages":    {standard(0x10, 5, rec{0x40, join(hard, dose(0, 16384, 32768, 65535, 0))}), "[[0 1 2 NaN 0]]"},
	} {
		rows := strings.Count(c.want, "[") - 1
		got, err := read(write(t, c.pgen, pvarOf(rows), psamOf(5)))
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v, want %s", what, got, err, c.want)
		}
	}
}

// TestRefused: what is wrong is a Problem that says what.
func TestRefused(t *testing.T) {
	hard := []byte{0b11100100, 0b01}
	good := standard(0x10, 5, rec{0, hard}, rec{2, []byte{0}})
	head := func(mode byte) []byte { return append(append([]byte(magic), mode), good[3:]...) }
	for what, c := range map[string]struct {
		pgen       []byte
		pvar, psam string
		says       string
	}{
		"empty":            {nil, pvarOf(2), psamOf(5), "E205"},
		"other bytes":      {[]byte("PK\x03\x04 and more"), pvarOf(2), psamOf(5), "not a .pgen"},
		"cut header":       {good[:10], pvarOf(2), psamOf(5), "ends within its header"},
		"index elsewhere":  {head(0x20), pvarOf(2), psamOf(5), "--make-pgen"},
		"unknown mode":     {head(0x77), pvarOf(2), psamOf(5), "not known"},
		"variants":         {good, pvarOf(3), psamOf(5), "3 variants, 5 persons"},
		"persons":          {good, pvarOf(2), psamOf(4), "2 variants, 4 persons"},
		"cut":              {good[:len(good)-1], pvarOf(2), psamOf(5), "shorter"},
		"size":             {fixed(2, 2, 5, hard), pvarOf(2), psamOf(5), "another size"},
		"no base":          {standard(0x10, 5, rec{2, []byte{0}}), pvarOf(1), psamOf(5), "differs from one"},
		"type 5":           {standard(0x10, 5, rec{5, hard}), pvarOf(1), psamOf(5), "type"},
		"alleles":          {standard(0x10, 5, rec{8, hard}), pvarOf(1), psamOf(5), "more than two alleles"},
		"no such person":   {standard(0x10, 5, rec{4, []byte{1, 7, 0}}), pvarOf(1), psamOf(5), "not there"},
		"too many persons": {standard(0x10, 5, rec{4, []byte{200, 1, 0}}), pvarOf(1), psamOf(5), "not there"},
		"short record":     {standard(0x10, 5, rec{0x40, hard}), pvarOf(1), psamOf(5), "too early"},
		"position":         {good, strings.Replace(pvarOf(2), "101", "1e2", 1), psamOf(5), "x.pvar:4"},
		"columns":          {good, strings.Replace(pvarOf(2), "REF\tALT", "REF", 1), psamOf(5), "lacks columns"},
		"short line":       {good, strings.Replace(pvarOf(2), "rs1\tA\tG", "rs1", 1), psamOf(5), "too few fields"},
		"twice":            {good, pvarOf(2), strings.Replace(psamOf(5), "P1", "P0", 1), "E120"},
		"zero":             {good, pvarOf(2), strings.Replace(psamOf(5), "P1", "0", 1), "E121"},
		"no ids":           {good, pvarOf(2), "#FID\tSEX\nF\t1\n", "no column IID"},
	} {
		_, err := read(write(t, c.pgen, c.pvar, c.psam))
		var p *data.Problem
		if !errors.As(err, &p) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
}

// TestAlleles: variants with more than two alleles are one for each alternative allele; those with dosages are left out, and others keep their places.
func TestAlleles(t *testing.T) {
	body := func(code byte) []byte { return []byte{code * 0b01010101, code} }
	pvar := strings.Replace(strings.Replace(pvarOf(4), "rs1\tA\tG", "rs1\tA\tG,T", 1), "rs2\tA\tG", "rs2\tA\tG,C", 1)
	patched := append(body(2), 0x1f, 2, 1, 3, 0b10) // of persons 1 and 4: G and T, T and T
	path := write(t, standard(0x10, 5, rec{0, body(1)}, rec{8, patched}, rec{0x40, append(body(2), make([]byte, 10)...)}, rec{0, body(2)}), pvar, psamOf(5))
	got, err := read(path)
	if err != nil || fmt.Sprint(got) != "[[1 1 1 1 1] [2 1 2 2 0] [0 1 0 0 2] [2 2 2 2 2]]" {
		t.Error(got, err)
	}
	f, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := f.Variants(); v[1].ID != "rs1" || v[1].Alt != "G" || v[2].Alt != "T" || v[3].ID != "rs3" {
		t.Errorf("%+v", v)
	}
	if notes := strings.Join(f.About().Notes, " "); !strings.Contains(notes, "1 variants with more than two alleles are read as one") || !strings.Contains(notes, "W217") {
		t.Error(notes)
	}
}

// TestBounded: headers that claim far more than there is fail before memory is taken for it.
func TestBounded(t *testing.T) {
	huge := standard(0x10, 5, rec{0, []byte{0, 0}})
	binary.LittleEndian.PutUint32(huge[3:], math.MaxUint32)
	binary.LittleEndian.PutUint32(huge[7:], math.MaxUint32)
	path := write(t, huge, pvarOf(1), psamOf(5))
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Open(path, nil); err == nil {
		t.Error("opened")
	}
	if _, err := readIndex(f, int64(len(huge)), path, math.MaxUint32, math.MaxUint32); err == nil {
		t.Error("read")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

// FuzzOpen reads anything as a fileset: a Problem, or genotypes of every person.
func FuzzOpen(f *testing.F) {
	hard := []byte{0b11100100, 0b01}
	f.Add(standard(0x10, 5, rec{0, hard}, rec{2, []byte{1, 4, 0}}, rec{0x70, append(hard, 0b011, 1, 0b10000, 0, 32)}), []byte(pvarOf(3)), []byte(psamOf(5)))
	f.Add(standard(0x10, 5, rec{1, []byte{1<<2 | 2, 0b01001, 1, 2, 0b10}}, rec{4, []byte{2, 1, 0b1101, 2}}), []byte(pvarOf(2)), []byte(psamOf(5)))
	f.Add(fixed(3, 1, 5, hard, make([]byte, 10)), []byte("1 rs1 0 5 A G\n"), []byte("F P 0 0 1 -9\n"))
	f.Fuzz(func(t *testing.T, pgen, pvar, psam []byte) {
		path := write(t, pgen, string(pvar), string(psam))
		_, err := read(path)
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
		all := &data.Faults{}
		if _, second := Open(path, all); second != nil && !errors.As(second, &p) {
			t.Fatal(second)
		}
	})
}
