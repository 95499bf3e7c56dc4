package bgen

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genotype"

	"github.com/klauspost/compress/zstd"
)

// An entry is a variant of a BGEN to be made.
type entry struct {
	id, rsid, chrom string
	pos             uint32
	alleles         []string
	data            []byte
}

// makeBGEN makes a BGEN.
func makeBGEN(pack uint32, persons int, ids []string, entries ...entry) []byte {
	le := binary.LittleEndian
	var block []byte
	if ids != nil {
		for _, id := range ids {
			block = append(le.AppendUint16(block, uint16(len(id))), id...)
		}
		block = append(le.AppendUint32(le.AppendUint32(nil, uint32(len(block)+8)), uint32(len(ids))), block...)
	}
	flags := pack | 2<<2
	if ids != nil {
		flags |= 1 << 31
	}
	b := le.AppendUint32(nil, uint32(leastHeader+len(block)))
	for _, v := range []uint32{leastHeader, uint32(len(entries)), uint32(persons)} {
		b = le.AppendUint32(b, v)
	}
	b = append(le.AppendUint32(append(b, "bgen"...), flags), block...)
	for _, e := range entries {
		for _, s := range []string{e.id, e.rsid, e.chrom} {
			b = append(le.AppendUint16(b, uint16(len(s))), s...)
		}
		b = le.AppendUint16(le.AppendUint32(b, e.pos), uint16(len(e.alleles)))
		for _, a := range e.alleles {
			b = append(le.AppendUint32(b, uint32(len(a))), a...)
		}
		packed := e.data
		switch pack {
		case packedZlib:
			var z bytes.Buffer
			w := zlib.NewWriter(&z)
			w.Write(e.data)
			w.Close()
			packed = z.Bytes()
		case packedZstd:
			w, _ := zstd.NewWriter(nil)
			packed = w.EncodeAll(e.data, nil)
		}
		n := uint32(len(packed))
		if pack != packedNot {
			b = le.AppendUint32(b, n+4)
			n = uint32(len(e.data))
		}
		b = append(le.AppendUint32(b, n), packed...)
	}
	return b
}

// probabilities makes the data of a variant: of each person two stored values, or a missing one.
func probabilities(phased bool, width uint, values [][2]uint64, missing []bool) []byte {
	b := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint32(nil, uint32(len(values))), 2)
	b = append(b, 2, 2)
	for _, m := range missing {
		if m {
			b = append(b, 0x82)
		} else {
			b = append(b, 2)
		}
	}
	mode := byte(0)
	if phased {
		mode = 1
	}
	b = append(b, mode, byte(width))
	bits := make([]byte, (2*len(values)*int(width)+7)/8)
	at := 0
	for _, v := range values {
		for _, x := range v {
			for k := range width {
				bits[at/8] |= byte(x>>k&1) << (at % 8)
				at++
			}
		}
	}
	return append(b, bits...)
}

func write(t testing.TB, b []byte, sample string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.bgen")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if sample != "" {
		if err := os.WriteFile(strings.TrimSuffix(path, ".bgen")+".sample", []byte(sample), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func read(path string, o Options) ([][]float64, error) {
	f, err := Open(path, o)
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

// TestBits reads probabilities of every width, phased or not, in every compression, by what they were drawn as.
func TestBits(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 206))
	for width := uint(1); width <= mostBits; width++ {
		for _, phased := range []bool{false, true} {
			n := 1 + g.IntN(40)
			top := uint64(1)<<width - 1
			values, missing, want, ids := make([][2]uint64, n), make([]bool, n), make([]float64, n), make([]string, n)
			for i := range values {
				ids[i], missing[i] = fmt.Sprint("P", i), g.IntN(5) == 0
				a := g.Uint64N(top + 1)
				b := g.Uint64N(top + 1)
				if !phased {
					b = g.Uint64N(top - a + 1)
				}
				values[i] = [2]uint64{a, b}
				want[i] = (2*float64(top) - 2*float64(a) - float64(b)) / float64(top)
				if phased {
					want[i] = (2*float64(top) - float64(a) - float64(b)) / float64(top)
				}
				if missing[i] {
					want[i] = math.NaN()
				}
			}
			e := entry{"v", "rs1", "1", 5, []string{"A", "G"}, probabilities(phased, width, values, missing)}
			for pack := uint32(packedNot); pack <= packedZstd; pack++ {
				path := write(t, makeBGEN(pack, n, ids, e), "")
				for _, last := range []bool{false, true} {
					got, err := read(path, Options{RefLast: last})
					if err != nil {
						t.Fatalf("%d bits, phased %v, compression %d: %v", width, phased, pack, err)
					}
					for i, w := range want {
						if last {
							w = 2 - w
						}
						if math.IsNaN(w) != math.IsNaN(got[0][i]) || math.Abs(w-got[0][i]) > 0.5001/genotype.Unit {
							t.Fatalf("%d bits, phased %v, compression %d, ref last %v: %v, want %v", width, phased, pack, last, got[0][i], w)
						}
					}
				}
			}
		}
	}
}

func two(values ...[2]uint64) []byte {
	return probabilities(false, 8, values, make([]bool, len(values)))
}

// TestSamples: ids come from the file, from a .sample of the old form or the new, and must agree.
func TestSamples(t *testing.T) {
	e := entry{"v", "", "", 5, []string{"A", "G"}, two([2]uint64{255, 0}, [2]uint64{0, 255})}
	e.id = "22:5_A_G"
	ids := []string{"b", "d"}
	const old, modern = "ID_1 ID_2 missing sex\n0 0 0 D\na b 0 1\nc d 0 2\n", "ID_1\n0\nb\nd\n"
	for _, c := range []struct {
		ids    []string
		sample string
		want   string // persons, or the error
	}{
		{ids, "", "[{ b 0 true} { d 0 true}]"}, {nil, old, "[{a b 1 true} {c d 2 true}]"}, {nil, modern, "[{ b 0 true} { d 0 true}]"}, {ids, old, "[{a b 1 true} {c d 2 true}]"},
		{[]string{"(anonymous_sample_1)", "(anonymous_sample_2)"}, old, "[{a b 1 true} {c d 2 true}]"}, {nil, "", "no .sample"}, {[]string{"b", "x"}, old, "different persons"},
		{nil, strings.Replace(old, "c d 0 2\n", "", 1), "another number of persons"}, {nil, "a b 0\nc d 0\n", "names its columns"}, {nil, "ID_1 ID_2 missing\na b 0\nc d 0\n", "types"},
		{nil, strings.Replace(old, "c d", "a b", 1), "E120"}, {nil, strings.Replace(old, "c d 0 2", "c", 1), "too few fields"}, {ids[:1], "", "another number of persons"},
	} {
		f, err := Open(write(t, makeBGEN(packedZlib, 2, c.ids, e), c.sample), Options{})
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(f.Persons())
			if v := f.Variants()[0]; v.Chrom != "22" || v.ID != e.id || v.Ref != "A" || v.Alt != "G" {
				t.Errorf("%+v", v)
			}
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%q %q: %s, want %s", c.ids, c.sample, got, c.want)
		}
	}
}

// TestRefused: what is wrong is E206 and says what, with the variant.
func TestRefused(t *testing.T) {
	ids := []string{"a", "b"}
	ok := entry{"v", "rs1", "1", 5, []string{"A", "G"}, two([2]uint64{255, 0}, [2]uint64{0, 255})}
	with := func(change func(b []byte) []byte) entry {
		e := ok
		e.data = change(bytes.Clone(ok.data))
		return e
	}
	whole := makeBGEN(packedZstd, 2, ids, ok)
	set := func(at int, v uint32) []byte {
		b := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	for what, c := range map[string]struct {
		b    []byte
		says string
	}{
		"empty": {nil, "E206"}, "short": {whole[:20], "ends within"}, "magic": {set(16, 7), "not a BGEN"}, "layout": {set(20, 1<<2), "layout 1"}, "compression": {set(20, 3|2<<2), "compressed"},
		"lengths": {set(4, 5), "lengths"}, "cut": {whole[:len(whole)-3], "ends within"}, "many variants": {set(8, math.MaxUint32), "too short"}, "many persons": {set(12, math.MaxUint32), "too short"},
		"haploid":   {makeBGEN(packedZlib, 2, ids, ok, with(func(b []byte) []byte { b[8] = 1; return b })), "variant 2 (rs1) cannot be decoded: persons who do not have two copies"},
		"persons":   {makeBGEN(packedZlib, 2, ids, with(func(b []byte) []byte { b[0] = 3; return b })), "another number of persons"},
		"alleles":   {makeBGEN(packedZlib, 2, ids, with(func(b []byte) []byte { b[4] = 3; return b })), "another number of alleles"},
		"bits":      {makeBGEN(packedZlib, 2, ids, with(func(b []byte) []byte { b[11] = 33; return b })), "32 bits"},
		"short row": {makeBGEN(packedZlib, 2, ids, with(func(b []byte) []byte { return b[:len(b)-1] })), "shorter"},
		"long row":  {makeBGEN(packedZlib, 2, ids, with(func(b []byte) []byte { return append(b, make([]byte, 1000)...) })), "longer"},
		"no place":  {makeBGEN(packedZlib, 2, ids, entry{"v", "rs1", "", 5, []string{"A", "G"}, ok.data}), "no chromosome"},
	} {
		_, err := read(write(t, c.b, ""), Options{})
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
	for chrom, b := range map[string][]byte{"7": makeBGEN(packedZlib, 2, ids, entry{"v", "rs1", "", 5, []string{"A", "G"}, ok.data}), "1": makeBGEN(packedZlib, 2, ids, ok)} { // what names one keeps it
		if f, err := Open(write(t, b, ""), Options{Chrom: "7"}); err != nil || f.Variants()[0].Chrom != chrom {
			t.Error(err)
		}
	}
	three := ok
	three.alleles = []string{"A", "G", "T"}
	f, err := Open(write(t, makeBGEN(packedZlib, 2, ids, three, ok), ""), Options{})
	if err != nil || len(f.Variants()) != 1 || !strings.Contains(fmt.Sprint(f.About().Notes), "W217") {
		t.Error(err)
	}
}

// TestBounded: headers that claim far more than there is fail before memory is taken for it.
func TestBounded(t *testing.T) {
	ids := []string{"a"}
	whole := makeBGEN(packedNot, 1, ids, entry{"v", "rs1", "1", 5, []string{"A", "G"}, two([2]uint64{1, 1})})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for at := 0; at+4 <= len(whole); at++ {
		b := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(b[at:], math.MaxUint32)
		_, err := read(write(t, b, ""), Options{})
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Errorf("at %d: %v", at, err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / uint64(len(whole)); n > 1<<20 {
		t.Errorf("%d bytes were taken for each", n)
	}
}

// FuzzOpen reads anything as a BGEN with its .sample: a Problem, or genotypes.
func FuzzOpen(f *testing.F) {
	e := entry{"v", "rs1", "1", 5, []string{"A", "G"}, two([2]uint64{255, 0}, [2]uint64{0, 255})}
	for pack := uint32(packedNot); pack <= packedZstd; pack++ {
		f.Add(makeBGEN(pack, 2, []string{"a", "b"}, e, e), []byte("ID_1 ID_2 missing\n0 0 0\na a 0\nb b 0\n"))
	}
	f.Fuzz(func(t *testing.T, b, sample []byte) {
		_, err := read(write(t, b, string(sample)), Options{})
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
	})
}
