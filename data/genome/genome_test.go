package genome

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
)

func TestChromosome(t *testing.T) {
	for name, want := range map[string]string{"chr6": "6", "06": "6", "CHR22": "22", "23": "X", "chrX": "X", "x": "X", "chrM": "MT", "26": "MT", "24": "Y", "25": "XY", "chr6_alt": "6_alt", "GL000192.1": "GL000192.1", "0": "0",
		"CHR0": "0", "CHRXY": "XY", "xy": "XY"} {
		if got := Chromosome(name); got != want {
			t.Errorf("Chromosome(%q) is %q, want %q", name, got, want)
		}
	}
	if !(Order("2") < Order("10") && Order("22") < Order("X") && Order("MT") < Order("6_alt")) {
		t.Error("the order is not that of the numbers")
	}
}

// TestDetect: the lengths of chromosome 1 differ by 294,199 base pairs, in which only one build has positions; chromosome 3 is longer in the other.
func TestDetect(t *testing.T) {
	at := func(c string, p int) data.Place { return data.Place{Chromosome: c, Position: p} }
	for _, c := range []struct {
		places []data.Place
		want   Build
	}{
		{[]data.Place{at("chr1", 249000000), at("2", 5)}, GRCh37},
		{[]data.Place{at("3", 198200000)}, GRCh38},
		{[]data.Place{at("1", 249250621)}, GRCh37}, {[]data.Place{at("1", 249250622)}, Unknown}, // the last base is one of its chromosome
		{[]data.Place{at("1", 249000000), at("3", 198200000)}, Unknown},
		{[]data.Place{at("1", 1000)}, Unknown}, {[]data.Place{at("1", 1<<30)}, Unknown}, {[]data.Place{at("scaffold", 1<<30)}, Unknown}, {nil, Unknown},
	} {
		if got := Detect(c.places); got != c.want {
			t.Errorf("%v: %s, want %s", c.places, got, c.want)
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadGenes: the same three genes in every form.
func TestReadGenes(t *testing.T) {
	want := []Gene{{"AAA", "1", 101, 200}, {"BBB", "X", 1, 50}, {"CCC", "2", 7, 7}}
	for name, text := range map[string]string{
		"genes.bed": "track name=x\nchr1\t100\t200\tAAA\nchrX\t0\t50\tBBB\nchr2\t6\t7\tCCC\n",
		"genes.gtf": "#!genome-build GRCh38\n1\thavana\tgene\t101\t200\t.\t+\t.\tgene_id \"G1\"; gene_name \"AAA\"; x \"y z\";\n" +
			"1\thavana\texon\t101\t150\t.\t+\t.\tgene_id \"G1\";\nX\thavana\tgene\t1\t50\t.\t+\t.\tgene_id \"BBB\";\n2\th\tgene\t7\t7\t.\t-\t.\tgene_id \"G3\"; gene_name \"CCC\"\n",
		"genes.tsv": "gene\tchrom\tstart\tend\nAAA\tchr1\t101\t200\nBBB\t23\t1\t50\nCCC\t02\t7\t7\n",
		"head.tsv":  "# of a browser\n#gene\tchrom\tstart\tend\nAAA\tchr1\t101\t200\nBBB\t23\t1\t50\nCCC\t02\t7\t7\n",
		"chrom.tsv": "#Chrom\tStart\tEnd\tGene\nchr1\t101\t200\tAAA\n23\t1\t50\tBBB\n2\t7\t7\tCCC\n",
		"chr.tsv":   "#chrom\tstart\tend\tgene\nchr1\t101\t200\tAAA\n23\t1\t50\tBBB\n2\t7\t7\tCCC\n",
		"rest.bed":  "browser position chr1\ntrack name=x\nchr1\t100\t200\tAAA\t0\t+\nchrX\t0\t50\tBBB\t0\t-\nchr2\t6\t7\tCCC\t0\t+\n",
		"genes.csv": "chromosome,start,end,symbol,more\n1,101,200,AAA,x\nX,1,50,BBB,x\n2,7,7,CCC,x\n",
		"genes.txt": "gene chrom start end\r\nAAA 1 101 200\r\nBBB chrX 1 50\r\nCCC 2 7 7\r\n",
	} {
		got, err := ReadGenes(write(t, name, text))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestBadTables(t *testing.T) {
	for _, c := range []struct {
		name, text string
		code, line int
	}{
		{"g.bed", "chr1\t100\t200\n", 906, 1}, {"g.tsv", "gene\tstart\tend\nA\t1\t2\n", 906, 1}, {"g.tsv", "gene\tchrom\tstart\tend\nA\t1\t9\t2\n", 906, 2},
		{"g.tsv", "gene\tchrom\tstart\tend\n", 906, 0}, {"g.bed", "chr1\t1\t2\tA\nchr1\tx\t2\tB\n", 906, 2}, {"g.gtf", "1\th\texon\t1\t2\t.\t+\t.\tgene_id \"A\"\n", 906, 0},
		{"g.tsv", "gene\tchrom\tstart\tend\nA\t1\t2\n", 906, 2}, {"g.tsv", "", 105, 0},
		{"g.bed", "chr1\t1\t2\tA\nchr1\t1\t2\n", 906, 2}, {"g.gtf", "1\th\tgene\t1\t2\t.\t+\t.\tgene_id \"A\"\n1\th\tgene\t1\t2\n", 906, 2},
		{"g.tsv", "gene\tchrom\tstart\tend\n\t1\t1\t2\n", 906, 2}, {"g.tsv", "gene\tchrom\tstart\tend\nA\t\t1\t2\n", 906, 2}, {"g.tsv", "gene\tchrom\tstart\tend\nA\t1\t0\t2\n", 906, 2},
	} {
		_, err := ReadGenes(write(t, c.name, c.text))
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Line != c.line {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	for _, text := range []string{"PGS1\n", "PGS1\tHeight\nPGS1\tBMI\n", "\tx\n"} {
		_, err := ReadNames(write(t, "n.tsv", text))
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != 907 {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got, err := ReadNames(write(t, "n.tsv", "feature\ttrait\nPGS1\tHeight at 20\nPGS2\tHeight at 20\n")); err != nil || got["PGS2"] != "Height at 20" || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestNumericNames: a BED whose names and scores are numbers is no GTF.
func TestNumericNames(t *testing.T) {
	got, err := ReadGenes(write(t, "g.bed", "chr1\t100\t200\t7\t0\t+\n"))
	if err != nil || !slices.Equal(got, []Gene{{"7", "1", 101, 200}}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWithin(t *testing.T) {
	genes := []Gene{{"LONG", "1", 100, 1000}, {"IN", "1", 300, 400}, {"NEXT", "1", 900, 1100}, {"TWIN", "1", 900, 950}, {"Y", "2", 5, 6}}
	for at, want := range map[int]string{99: "", 100: "LONG", 299: "LONG", 300: "IN", 400: "IN", 401: "LONG", 899: "LONG", 900: "TWIN", 951: "NEXT", 1000: "NEXT", 1100: "NEXT", 1101: ""} {
		if got := Within(genes, []data.Place{{Chromosome: "chr1", Position: at}}); got[0] != want {
			t.Errorf("position %d lies in %q, want %q", at, got[0], want)
		}
	}
	if got := Within(genes, []data.Place{{Chromosome: "02", Position: 6}, {Chromosome: "3", Position: 6}, {}}); !slices.Equal(got, []string{"Y", "", ""}) {
		t.Errorf("%q", got)
	}
}
