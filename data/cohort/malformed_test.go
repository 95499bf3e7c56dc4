package cohort

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"contig-gpu/data"
)

// A flaw is one thing wrong with a world, the number it must give and words its error must hold.
type flaw struct {
	what  string
	code  int
	has   string
	spoil func(w world)
}

func swap(name, old, with string) func(w world) {
	return func(w world) { w.replace(name, old, with) }
}

func put(name, text string) func(w world) { return func(w world) { w.put(name, text) } }

func remove(name string) func(w world) {
	return func(w world) { os.Remove(filepath.Join(w.dir, name)) }
}

// each changes every occurrence by a pattern.
func each(name, pattern, with string) func(w world) {
	return func(w world) {
		w.put(name, regexp.MustCompile(pattern).ReplaceAllString(w.get(name), with))
	}
}

func manifestFlaws() []flaw {
	const m = "images.tsv"
	return []flaw{
		{"no manifest", 104, "no such file", remove(m)},
		{"no column", 101, `called "personid"`, swap(m, "person_id\t", "personid\t")},
		{"no header", 101, "header", each(m, `^.*\n`, "")},
		{"swapped", 101, "swapped", swap(m, "person_id\timage", "image\tperson_id")},
		{"empty id", 102, "empty", swap(m, person(3)+"\timg/3L", "\timg/3L")},
		{"float id", 102, ".0", swap(m, person(3)+"\t", person(3)+".0\t")},
		{"scientific id", 102, "scientific", swap(m, person(3)+"\t", "1.000003e+06\t")},
		{"space in id", 102, "space", swap(m, person(3)+"\t", "10000 03\t")},
		{"zero id", 121, "", swap(m, person(3)+"\t", "0\t")},
		{"same image", 101, "same person", swap(m, "img/3R", "img/3L")},
		{"two persons", 101, "two persons", swap(m, "img/3R", "img/4L")},
		{"image missing", 101, "1 of 24", remove("img/3R.jpg")},
		{"images missing", 101, "24 of 24", swap(m, "img/", "gone/")},
		{"no image", 101, "empty", swap(m, "img/3R.jpg", "")},
		{"eye", 109, "OS", swap(m, "\tL\t", "\tboth\t")},
		{"split", 109, "validation", swap(m, "visit", "split")},
		{"ragged", 106, "3", swap(m, "img/3R.jpg\tR\t0", "img/3R.jpg\tR")},
		{"empty", 105, "", put(m, "")},
		{"header only", 105, "", put(m, "person_id\timage\n")},
		{"utf-16", 103, "UTF-16", put(m, "\xff\xfep\x00")},
		{"binary", 103, "NUL", put(m, "person_id\timage\na\x00\tb\n")},
		{"duplicate column", 108, "two columns", swap(m, "visit", "eye")},
		{"person in two splits", 601, "", func(w world) {
			w.replace(m, "visit", "split")
			each(m, `L\t0`, "L\ttrain")(w)
			each(m, `R\t0`, "R\ttest")(w)
		}},
		{"group in two splits", 601, "group", func(w world) {
			each(m, `(?m)\t0$`, "\ttrain\tG")(w)
			w.replace(m, "visit", "split\tgroup")
			w.replace(m, "img/3L.jpg\tL\ttrain", "img/3L.jpg\tL\ttest")
			w.replace(m, "img/3R.jpg\tR\ttrain", "img/3R.jpg\tR\ttest")
		}},
		{"empty split", 602, "validation", func(w world) {
			w.replace(m, "visit", "split")
			each(m, `(?m)\t0$`, "\ttrain")(w)
		}},
	}
}

func configFlaws() []flaw {
	const d = "data.toml"
	return []flaw{
		{"no data.toml", 104, "", remove(d)},
		{"syntax", 112, "data.toml:3", swap(d, `select = {every = 2,`, `select = {every = ,`)},
		{"unknown key", 113, `did you mean "sscore"`, swap(d, "[pgs]\n", "[pgs]\nsscor = 1\n")},
		{"misspelt source", 113, `the key "table"`, swap(d, `table = "labs`, `tabel = "labs`)},
		{"unknown section", 113, "[split]", swap(d, "[split]", "[spilt]")},
		{"unknown section with line", 113, "data.toml:12", swap(d, "[split]", "[spilt]")},
		{"top-level key", 113, "", func(w world) { w.put(d, "sed = 1\n"+tomlText) }},
		{"unknown select", 114, "evry", swap(d, "every", "evry")},
		{"kind", 114, "data.toml:16: split.seed", swap(d, "seed = 3", `seed = "three"`)},
		{"section twice", 112, "twice", func(w world) { w.put(d, tomlText+"[split]\nseed = 4\n") }},
		{"negative seed", 114, "", swap(d, "seed = 3", `seed = -3`)},
		{"fractions", 114, "add up", swap(d, "train = 0.5", "train = 0.6")},
		{"word", 114, "2pq", swap(d, "select", "standardize = \"3pq\"\nselect")},
		{"two sources", 114, "two sources", swap(d, "sscore =", "table = \"labs.tsv\"\nsscore =")},
		{"name", 114, "name", swap(d, "[pgs]", "[\"p.gs\"]")},
		{"name all", 114, "name", swap(d, "[pgs]", "[all]")},
		{"same name", 114, "two sections", swap(d, "[table.labs]", "[table.pgs]")},
		{"no genetics", 115, "", put(d, "[split]\nseed = 1\n")},
		{"empty glob", 116, "pgs", swap(d, "pgs/*.", "pgs/*.none.")},
		{"utf-16", 103, "UTF-16", put(d, "\xff\xfe[\x00")},
		{"empty", 105, "", put(d, "")},
		{"keep nobody", 117, "keep", func(w world) { w.put("k", "nobody\n"); w.put(d, "[ids]\nkeep = \"k\"\n"+tomlText) }},
		{"no list", 104, "", func(w world) { w.put(d, "[ids]\nremove = \"k\"\n"+tomlText) }},
		{"ragged map", 106, "", func(w world) { w.put("k", "a b c\n"); w.put(d, "[ids]\nmap = \"k\"\n"+tomlText) }},
		{"extract nothing", 210, "rs1_0", func(w world) {
			w.put("k", "nothing\n")
			w.replace(d, `select = {every = 2, restart = "file"}`, `extract = "k"`)
		}},
		{"maf too high", 210, "maf", swap(d, "select", "max_missing = 0.0\nmaf = 0.5\nselect")},
		{"no carriers", 402, "", swap(d, `"labs.tsv"`, "\"labs.tsv\"\nmin_carriers = 100")},
	}
}

func sourceFlaws() []flaw {
	s := "pgs/PGS1.sscore"
	const ids = `1000(\d\d\d)`
	return []flaw{
		{"truncated .bed", 201, "expected 3+20*3=63, found 62: .bim has 20, .fam 12", func(w world) { w.put("geno/c1.bed", w.get("geno/c1.bed")[:62]) }},
		{"short .fam", 202, "too few", func(w world) { each("geno/c1.fam", `F11 .*\n`, "")(w) }},
		{"no .bim", 104, "", remove("geno/c2.bim")},
		{"other .fam", 204, "c2.fam:4", swap("geno/c2.fam", person(3), "other")},
		{"duplicate .fam", 120, "", swap("geno/c1.fam", "F3 "+person(3), "F4 "+person(4))},
		{"IID in two families", 120, "fid_iid", func(w world) {
			w.replace("geno/c1.fam", person(3), person(4))
			w.replace("geno/c2.fam", person(3), person(4))
		}},
		{"ragged table", 106, "labs.tsv:5", swap("labs.tsv", person(3)+"\t0\tNA", person(3)+"\t0")},
		{"text in a table", 107, "labs.tsv:5", swap("labs.tsv", person(3)+"\t0\tNA", person(3)+"\t0\thigh")},
		{"inf in scores", 107, "PGS1.sscore:5", swap(s, person(3)+"\t3", person(3)+"\tinf")},
		{"other column", 302, "SUM", swap(s, "S_AVG", "S_SUM")},
		{"empty scores", 105, "", put(s, "")},
		{"other study", 110, "8 characters", each(s, ids, "20000$1")},
		{"doubled ids", 110, "doubled", each(s, ids, "1000${1}_1000$1")},
		{"zeros", 110, "leading zeros", each(s, ids, "001000$1")},
		{"negative ids", 110, "negative", each(s, ids, "-$1")},
		{"FID", 110, "FIDs", func(w world) {
			each(s, `F(\d+)\t(\d+)`, "$2\tF$1")(w)
		}},
		{"FID_IID", 110, `match = "fid_iid"`, each("images.tsv", `(?m)^(1000(0\d|00)(\d))`, "F${3}_$1")},
		{"genotypes by their format", 113, `did you mean the key "files"?`, put("data.toml", "[snps]\nvcf = \"x.vcf.gz\"\n")},
		{"few in training", 603, "[pgs]", func(w world) { each(s, `(?m)^F([1-9]|1\d)\t.*\n`, "")(w) }},
	}
}

func TestMalformed(t *testing.T) {
	base := newWorld(t)
	if err := failure(base); err != nil {
		t.Fatal(err)
	}
	for _, f := range append(append(manifestFlaws(), configFlaws()...), sourceFlaws()...) {
		t.Run(strings.ReplaceAll(f.what, " ", "-"), func(t *testing.T) {
			w := newWorld(t)
			f.spoil(w)
			err := failure(w)
			var p *data.Problem
			if !errors.As(err, &p) {
				t.Fatalf("got %v, want E%d", err, f.code)
			}
			if p.Code != f.code || !strings.Contains(err.Error(), f.has) || p.Fix == "" || p.File == "" {
				t.Errorf("want E%d with %q:\n%v", f.code, f.has, err)
			}
		})
	}
}

func failure(w world) error {
	_, err := Open(w.options())
	return err
}

// TestAccepted spoils every text file in ways that must not matter.
func TestAccepted(t *testing.T) {
	plain := newWorld(t).open()
	for what, change := range map[string]func(string) string{
		"byte order mark": func(s string) string { return "\ufeff" + s },
		"CRLF":            func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"no last newline": func(s string) string { return strings.TrimSuffix(s, "\n") },
	} {
		w := newWorld(t)
		for _, name := range []string{"images.tsv", "data.toml", "labs.tsv", "pgs/PGS1.sscore", "geno/c1.fam", "geno/c1.bim", "geno/c2.fam", "geno/c2.bim"} {
			w.put(name, change(w.get(name)))
		}
		c, err := Open(w.options())
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if c.Hash != plain.Hash {
			t.Errorf("%s changes the cohort", what)
		}
		if !strings.Contains(strings.Join(c.Notes, "\n"), "accepted") {
			t.Errorf("%s is not noted", what)
		}
	}
}
