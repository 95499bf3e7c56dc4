package bgen

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// makeIndex has python write the .bgi of a BGEN: argv is the file, its index, what follows the columns, the size of pages, and a name that a variant is to have.
const makeIndex = `
import sqlite3, struct, sys
path, out, tail, page, name = sys.argv[1:]
b = open(path, "rb").read()
db = sqlite3.connect(out)
db.execute("PRAGMA page_size = " + page)
db.execute("CREATE TABLE Metadata (filename TEXT NOT NULL, file_size INT NOT NULL, last_write_time INT NOT NULL, first_1000_bytes BLOB NOT NULL, index_creation_time INT NOT NULL)")
db.execute("INSERT INTO Metadata VALUES (?,?,?,?,?)", (path, len(b), 1, b[:1000], 2))
db.execute("""CREATE TABLE Variant (
  chromosome TEXT NOT NULL, position INT NOT NULL, rsid TEXT NOT NULL, number_of_alleles INT NOT NULL, allele1 TEXT NOT NULL, allele2 TEXT NULL,
  file_start_position INT NOT NULL, size_in_bytes INT NOT NULL, PRIMARY KEY (chromosome, position, rsid, allele1, allele2, file_start_position )
)""" + tail)
at = struct.unpack_from("<I", b)[0] + 4
def text(kind, at):
    n = struct.unpack_from(kind, b, at)[0]
    at += struct.calcsize(kind)
    return b[at:at+n].decode(), at + n
while at < len(b):
    start = at
    _, at = text("<H", at); rsid, at = text("<H", at); chrom, at = text("<H", at)
    pos, k = struct.unpack_from("<IH", b, at); at += 6
    alleles = []
    for _ in range(k):
        a, at = text("<I", at); alleles.append(a)
    at += 4 + struct.unpack_from("<I", b, at)[0]
    db.execute("INSERT INTO Variant VALUES (?,?,?,?,?,?,?,?)", (chrom, pos, name or rsid, k, alleles[0], alleles[1], start, at - start))
db.commit()
`

func indexed(t *testing.T, path, tail string, page int, name string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to write SQLite: apt-get install python3")
	}
	os.Remove(path + ".bgi")
	if out, err := exec.Command(python, "-c", makeIndex, path, path+".bgi", tail, fmt.Sprint(page), name).CombinedOutput(); err != nil {
		t.Skipf("python3 cannot write SQLite: install a python3 with its module sqlite3: %v %s", err, out)
	}
}

// manyVariants makes a BGEN of two persons whose variants are not in the order of their positions, and whose alleles are long at times.
func manyVariants(n int) []byte {
	g := rand.New(rand.NewPCG(5, 6))
	entries := make([]entry, n)
	for k := range entries {
		alleles := []string{"A", strings.Repeat("ACGT", g.IntN(4)*g.IntN(400)) + "G"}
		if g.IntN(20) == 0 {
			alleles = append(alleles, "T")
		}
		entries[k] = entry{"v", fmt.Sprint("rs", k), fmt.Sprintf("%02d", 1+g.IntN(22)), uint32(g.IntN(1 << 30)), alleles, two([2]uint64{uint64(g.IntN(128)), uint64(g.IntN(128))}, [2]uint64{0, 255})}
	}
	return makeBGEN(packedZlib, 2, []string{"a", "b"}, entries...)
}

// TestIndex: a .bgi lists what a pass over the file lists, in tables of both kinds and pages of all sizes.
func TestIndex(t *testing.T) {
	path := write(t, manyVariants(700), "")
	plain, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := read(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []int{512, 4096, 65536} {
		for _, tail := range []string{"WITHOUT ROWID", ""} {
			indexed(t, path, tail, page, "")
			f, err := Open(path, Options{})
			if err != nil {
				t.Fatalf("pages of %d, %q: %v", page, tail, err)
			}
			if notes := fmt.Sprint(f.About().Notes); !strings.Contains(notes, "listed by x.bgen.bgi") || !strings.Contains(notes, "W217") {
				t.Fatal(notes)
			}
			if !slices.Equal(f.Variants(), plain.Variants()) {
				t.Fatalf("pages of %d, %q: other variants", page, tail)
			}
			if got, err := read(path, Options{}); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("pages of %d, %q: other genotypes, %v", page, tail, err)
			}
		}
	}
}

// TestStale: a .bgi of another file is E206, and one that lacks ids is not used.
func TestStale(t *testing.T) {
	b := manyVariants(30)
	path := write(t, b, "")
	put := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	indexed(t, path, "", 4096, "")
	turned := slices.Clone(b)
	turned[40] ^= 1
	for what, c := range map[string]struct {
		b    []byte
		says string
	}{"longer": {append(slices.Clone(b), 0), "another size"}, "other bytes": {turned, "begins otherwise"}} {
		put(c.b)
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "E206") {
			t.Errorf("%s: %v", what, err)
		}
	}
	put(b)
	indexed(t, path, "", 4096, "other")
	if _, err := read(path, Options{}); err == nil || !strings.Contains(err.Error(), "lists another variant") {
		t.Error(err)
	}
	indexed(t, path, "", 4096, ".")
	f, err := Open(path, Options{})
	if err != nil || f.Variants()[1].ID == "." {
		t.Error(err)
	}
	if err := os.WriteFile(path+".bgi", []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Error(err)
	}
}

// FuzzIndex reads anything as a .bgi: never more than pages that are there.
func FuzzIndex(f *testing.F) {
	b := make([]byte, 1024)
	copy(b, sqliteMagic)
	b[16], b[100], b[104] = 2, leafRows, 1
	copy(b[108:], "\x01\x00")
	copy(b[256:], "\x22\x01\x06\x17\x19\x19\x01\x5ftableVariantVariant\x02CREATE TABLE Variant (rsid TEXT)")
	f.Add(b)
	path := write(f, manyVariants(3), "")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path+".bgi", b, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path, Options{})
		if err == nil && len(file.Variants()) > 3 {
			t.Fatal("more variants than there are")
		}
	})
}
