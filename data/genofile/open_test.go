package genofile

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFind: files are told by content, whatever they are called; a prefix means the first format that is there, or the one that is asked for.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	linkedBed(t, filepath.Join(dir, "g"), rand.New(rand.NewPCG(1, 1)), 5, 3)
	vcf := "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n1\t5\trs1\tA\tG\t.\t.\t.\tGT\t0/1\n"
	for name, text := range map[string]string{"g.vcf": vcf, "v.vcf": vcf, "odd.txt": vcf, "h.fam": "x", "page.vcf": "<!doctype html>", "notes.txt": "hello\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, word, want string }{
		{"g", "", "PLINK 1 .bed"}, {"g", "vcf", "VCF"}, {"g.vcf", "", "VCF"}, {"v", "auto", "VCF"}, {"odd.txt", "", "VCF"}, {"g.bed", "", "PLINK 1 .bed"},
		{"nothing", "", "E104"}, {"nothing.bgen", "", "E104"}, {"h", "", "h.fam"}, {"", "", "folder"}, {"page.vcf", "", "HTML"}, {"notes.txt", "", "E208"}, {"notes.txt", "bgen", "E206"}, {"g.fam", "", "E208"},
	} {
		set, err := Open([]string{filepath.Join(dir, c.path)}, Options{Format: c.word})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			about, _ := set.Files()
			got = about[0].Format
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s as %q: %s, want %s", c.path, c.word, got, c.want)
		}
	}
	set, err := Open([]string{filepath.Join(dir, "g")}, Options{})
	if err != nil || !slices.ContainsFunc(set.Notes, func(n string) bool { return strings.Contains(n, "of the 2 files") }) {
		t.Error(set, err)
	}
}
