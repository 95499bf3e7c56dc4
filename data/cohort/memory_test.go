package cohort

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu/gputest/turn"

	"github.com/klauspost/compress/zstd"
)

// A burden is a table of carriers, of which every so-many-th person is in the cohort.
type burden struct {
	persons, genes, every int
}

const (
	bodies     = 97 // different rows
	cohortPath = "CONTIG_TEST_COHORT"
)

func (b burden) id(i int) string { return fmt.Sprintf("%07d", 1000000+i) }

func (b burden) carries(person, gene int) bool { return (person%bodies*gene+gene/7)%31 == 5 }

// write writes the table; what is wrong with w shows when it is closed.
func (b burden) write(w io.Writer) {
	var rows [bodies]string
	for i := range rows {
		var row strings.Builder
		for g := range b.genes {
			row.WriteByte('\t')
			row.WriteByte("01"[bit(b.carries(i, g))])
		}
		rows[i] = row.String()
	}
	out := bufio.NewWriterSize(w, 1<<20)
	out.WriteString("person_id")
	for g := range b.genes {
		fmt.Fprintf(out, "\tENSG%d", g)
	}
	for i := range b.persons {
		out.WriteByte('\n')
		out.WriteString(b.id(i))
		out.WriteString(rows[i%bodies])
	}
	out.WriteByte('\n')
	out.Flush()
}

func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}

// digest is of the rows that a cohort of the table should have.
func (b burden) digest() string {
	h := fnv.New64a()
	for i := 0; i < b.persons; i += b.every {
		for g := range b.genes {
			h.Write([]byte{byte(bit(b.carries(i, g)))})
		}
	}
	return fmt.Sprintf("%x", h.Sum64())
}

// loadHere opens the cohort in dir and tells of it: the digest of its rows, their bytes and the memory that it took.
func loadHere(t *testing.T, dir string) {
	c, err := Open(Options{Manifest: filepath.Join(dir, "images.tsv"), DataTOML: filepath.Join(dir, "data.toml")})
	if err != nil {
		t.Fatal(err)
	}
	h := fnv.New64a()
	row := make([]float32, c.Tables[0].Stats().Width())
	for p := range c.Persons {
		if !c.Tables[0].Row(p, row) {
			t.Fatalf("person %d is without", p)
		}
		for _, v := range row {
			h.Write([]byte{byte(v)})
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(l, "VmHWM:") {
			fmt.Printf("%x %d %s\n", h.Sum64(), c.TableBytes(), l)
		}
	}
}

// load writes a cohort whose table is packed, and opens it in a process of its own.
func (b burden) load(t *testing.T, pack func(io.Writer) io.WriteCloser) (digest string, tableBytes, peak int) {
	dir := t.TempDir()
	var images strings.Builder
	images.WriteString("person_id\timage\n")
	for i := 0; i < b.persons; i += b.every {
		name := fmt.Sprintf("%d.jpg", i)
		fmt.Fprintf(&images, "%s\t%s\n", b.id(i), name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"images.tsv": images.String(), "data.toml": "[burden]\ntable = \"burden\"\nstandardize = \"none\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := os.Create(filepath.Join(dir, "burden"))
	if err != nil {
		t.Fatal(err)
	}
	z := pack(w)
	b.write(z)
	if err := errors.Join(z.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWideTableMemory$")
	cmd.Env = append(os.Environ(), cohortPath+"="+dir)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if _, scanned := fmt.Sscanf(out.String(), "%s %d VmHWM: %d kB", &digest, &tableBytes, &peak); err != nil || scanned != nil {
		t.Fatalf("%v, %v\n%s", err, scanned, out.String())
	}
	return digest, tableBytes, peak << 10
}

type unpacked struct{ io.Writer }

func (unpacked) Close() error { return nil }

// TestWideTableMemory: of a biobank's carriers, a cohort of a hundredth takes little more memory than its own bits. With
// CONTIG_LONG it is the whole of 500,000 persons and 18,574 genes, else a tenth of both.
func TestWideTableMemory(t *testing.T) {
	if dir := os.Getenv(cohortPath); dir != "" {
		loadHere(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("the race detector takes memory of its own")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system does not tell how much memory a process took")
	}
	b, most := burden{50_000, 1857, 100}, 64<<20
	packs := map[string]func(io.Writer) io.WriteCloser{
		"plain": func(w io.Writer) io.WriteCloser { return unpacked{w} },
		"gzip":  func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed); return z },
		"zstd": func(w io.Writer) io.WriteCloser {
			z, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
			return z
		},
	}
	if turn.Whole(t) {
		b, most = burden{500_000, 18_574, 100}, 200e6
		delete(packs, "gzip")
		delete(packs, "plain")
	}
	want := b.digest()
	for name, pack := range packs {
		digest, bytes, peak := b.load(t, pack)
		t.Logf("%s: %d MiB, of which %d bytes are values", name, peak>>20, bytes)
		if digest != want {
			t.Errorf("%s: the rows have digest %s, want %s", name, digest, want)
		}
		if peak > most {
			t.Errorf("%s: %d bytes were taken, want at most %d", name, peak, most)
		}
		if packed := (b.persons / b.every) * ((b.genes + 7) / 8); bytes > packed+packed/4 {
			t.Errorf("%s: values take %d bytes, %d bits %d", name, bytes, b.genes, packed)
		}
	}
}

// TestMemory: all sources together must fit into what is free, and are told of when they are loaded.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	each := make([]int, len(c.Tables))
	for i, x := range c.Tables {
		each[i] = x.(interface{ Bytes() int }).Bytes()
	}
	// 20 variants of two bits, a score of 8, values of 2 and 8; a table says for each column what it takes.
	if each[0] != people*20/4 || each[1] != people+1 || each[2] != people*2+2 || c.TableBytes() != each[0]+each[1]+each[2] {
		t.Fatalf("%d bytes in all, %d", c.TableBytes(), each)
	}
	for _, s := range []struct {
		free int
		file string // that does not fit
	}{{each[0] - 1, "c1.fam"}, {each[0], "PGS1.sscore"}, {each[0] + each[1] - 1, "PGS1.sscore"}, {each[0] + each[1], "labs.tsv"}, {c.TableBytes() - 1, "labs.tsv"}, {c.TableBytes(), ""}, {0, ""}} {
		o := w.options()
		o.Memory = int64(s.free)
		_, err := Open(o)
		if s.file == "" {
			if err != nil {
				t.Errorf("%d bytes: %v", s.free, err)
			}
			continue
		}
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != 403 || filepath.Base(p.File) != s.file || p.Fix == "" {
			t.Errorf("%d bytes: %v, want E403 of %s", s.free, err, s.file)
		}
	}
}

// TestWantedThroughMap: who is wanted is decided by the ids of the manifest, after the map, the lists and the rule of [ids].
func TestWantedThroughMap(t *testing.T) {
	for _, match := range []string{"iid", "fid_iid"} {
		w := newWorld(t)
		var labs, bridge, keep strings.Builder
		labs.WriteString("FID\tIID\tx\ty\n")
		g := rand.New(rand.NewPCG(1, 1))
		for _, i := range g.Perm(3 * people) {
			fmt.Fprintf(&labs, "F%d\tother%d\t%d\t%g\n", i%4, i, i, float64(i)/4)
			from := fmt.Sprintf("other%d", i)
			if match == "fid_iid" {
				from = fmt.Sprintf("F%d_other%d", i%4, i)
			}
			if i < people {
				fmt.Fprintf(&bridge, "%s\t%s\n", from, person(i))
			}
			if i < people && i != 4 {
				fmt.Fprintln(&keep, person(i))
			}
		}
		w.put("labs.tsv", labs.String())
		w.put("bridge", bridge.String())
		w.put("keep", keep.String())
		w.put("data.toml", fmt.Sprintf("[ids]\nmatch = %q\nmap = \"bridge\"\nkeep = \"keep\"\n[labs]\ntable = \"labs.tsv\"\nstandardize = \"none\"\n", match))
		c := w.open()
		if len(c.Persons) != people-1 {
			t.Fatalf("%d persons", len(c.Persons))
		}
		row := make([]float32, 2)
		for p, q := range c.Persons {
			var i int
			fmt.Sscanf(q.ID, "10000%d", &i)
			if !c.Tables[0].Row(p, row) || row[0] != float32(i) || math.Abs(float64(row[1])-float64(i)/4) > 0 {
				t.Errorf("%s: %s has %v", match, q.ID, row)
			}
		}
	}
}
