package cohort

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A throng is a cohort of many persons, with a table, a fileset and a list of persons to be removed.
type throng struct {
	manifest, source int // persons
	form             string
	list             int // ids
}

// write makes its files in dir, and an empty file for each image.
func (c throng) write(dir string) error {
	for _, d := range []string{"img", "geno"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for i := range c.manifest {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("img/%d.png", i)), nil, 0o600); err != nil {
			return err
		}
	}
	id := func(i int) string { return fmt.Sprintf(c.form, 1000000+7*i) }
	lines := func(name, head string, n int, line func(w *bufio.Writer, i int)) error {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		w.WriteString(head)
		for i := range n {
			line(w, i)
		}
		w.Flush()
		return f.Close()
	}
	for _, err := range []error{
		lines("images.tsv", "person_id\timage\n", c.manifest, func(w *bufio.Writer, i int) { fmt.Fprintf(w, "%s\timg/%d.png\n", id(i), i) }),
		lines("labs.tsv", "person_id\tx\ty\n", c.source, func(w *bufio.Writer, i int) { fmt.Fprintf(w, "%s\t%d\t%d\n", id(i+c.manifest/10), i%7, i%3) }),
		lines("geno/c1.fam", "", c.source, func(w *bufio.Writer, i int) {
			fmt.Fprintf(w, "%s %s 0 0 1 -9\n", id(i+c.manifest/10), id(i+c.manifest/10))
		}),
		lines("geno/c1.bim", "", 2, func(w *bufio.Writer, i int) { fmt.Fprintf(w, "1 rs%d 0 %d A G\n", i, i+1) }),
		lines("remove.txt", "", c.list, func(w *bufio.Writer, i int) { fmt.Fprintf(w, "%s\n", id(3*i)) }),
		os.WriteFile(filepath.Join(dir, "geno/c1.bed"), []byte("\x6c\x1b\x01"+strings.Repeat("\xb1", 2*((c.source+3)/4))), 0o600),
		os.WriteFile(filepath.Join(dir, "data.toml"), []byte("[labs]\ntable = \"labs.tsv\"\n[geno]\nfiles = \"geno/c1\"\n[ids]\nremove = \"remove.txt\"\n"), 0o600),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkOpen opens cohorts of 100,000 persons, a tenth of whom is in no source: a study of which all are imaged, a biobank of which a fifth is,
// and ids that have nothing in common with whole numbers.
func BenchmarkOpen(b *testing.B) {
	const persons = 100000
	for name, c := range map[string]throng{
		"study":   {persons, persons, "%d", 1000},
		"biobank": {persons, 5 * persons, "%d", 1000},
		"dotted":  {persons, persons, "1.2.826.0.1.%d+_X", 1000},
	} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			if err := c.write(dir); err != nil {
				b.Fatal(err)
			}
			o := Options{Manifest: filepath.Join(dir, "images.tsv"), DataTOML: filepath.Join(dir, "data.toml")}
			for b.Loop() {
				if _, err := Open(o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
