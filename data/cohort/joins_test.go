package cohort

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// spelt gives some persons other ids in the manifest and in labs.tsv: manifest and source say how an id is written there.
func (w world) spelt(some []int, manifest, source func(id string) string) {
	for _, i := range some {
		w.replace("images.tsv", person(i)+"\t", manifest(person(i))+"\t")
		w.replace("labs.tsv", person(i)+"\t", source(person(i))+"\t")
	}
}

// TestPartialMismatchesAreTold: whatever changes some ids or all of them between two files, it is told how many and by what, of all as E110 and of some
// as W114.
func TestPartialMismatchesAreTold(t *testing.T) {
	same := func(id string) string { return id }
	form := func(f string) func(string) string {
		return func(id string) string { return strings.NewReplacer("ID", id, "ab", "aB").Replace(f) }
	}
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 3))
		for _, c := range []struct {
			what             string
			manifest, source func(string) string
		}{
			{"leading zeros", form("00ID"), same}, {"leading zeros", same, form("000ID")}, {"leading zeros", form("0ID"), form("00ID")},
			{"upper and lower case", form("XID"), form("xID")}, {"upper and lower case", form("Straße-ID"), form("strAße-ID")},
			{"doubled ids", same, form("ID_ID")}, {"doubled ids", form("ID_ID"), same},
			{"white space and invisible", same, form("\u200bID")}, {"white space and invisible", form("\ufeffID"), same}, {"white space and invisible", form("a\u00a0ID"), form("aID")},
			{"another Unicode form", form(norm.NFC.String("müller-ID")), form(norm.NFD.String("müller-ID"))}, {"another Unicode form", form("１２ID"), form("12ID")},
			{"without quotes", same, form("'ID'")}, {"zeros, case, quotes, white space and doubling", form("00AID"), form("00aID_00aID")},
		} {
			n := 1 + r.IntN(people-2)
			w := newWorld(t)
			w.put("data.toml", "[labs]\ntable = \"labs.tsv\"\n[table.others]\ntable = \"all.tsv\"\n[split]\ntrain = 1.0\n")
			w.put("all.tsv", w.get("labs.tsv"))
			some := r.Perm(people)[:n]
			w.spelt(some, c.manifest, c.source)
			for _, i := range some {
				w.replace("all.tsv", person(i)+"\t", c.manifest(person(i))+"\t")
			}
			got, err := Open(w.options())
			if err != nil {
				t.Errorf("%s: %d persons: %v", c.what, n, err)
				continue
			}
			notes := strings.Join(got.Notes, "\n")
			if want := fmt.Sprintf("W114: labs: %d persons of the manifest", n); !strings.Contains(notes, want) || !strings.Contains(notes, c.what) || strings.Count(notes, "W114") != 1 {
				t.Errorf("%s: %d persons:\n%s", c.what, n, notes)
			}
			noIDs(t, got)
			w = newWorld(t)
			w.spelt(r.Perm(people), c.manifest, c.source)
			if _, err := Open(w.options()); code(err) != 110 && code(err) != 102 || code(err) == 110 && w.onlyLabs() != 110 {
				t.Errorf("%s: all persons: %v", c.what, err)
			}
		}
	}
}

// onlyLabs opens the world without genotypes and scores, which know nobody by the ids of a manifest that was changed.
func (w world) onlyLabs() int {
	w.put("data.toml", "[labs]\ntable = \"labs.tsv\"\n")
	_, err := Open(w.options())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d of %d persons would be found", people, people)) {
		return 0
	}
	return code(err)
}

// TestOtherPersonsAreNotNear: ids that differ are nobody's, also where they look alike; and a person who is there already is not found once more.
func TestOtherPersonsAreNotNear(t *testing.T) {
	w := newWorld(t)
	w.put("labs.tsv", w.get("labs.tsv")+"0"+person(1)+"\t1\t1\n"+person(2)+"_"+person(2)+"\t1\t1\n100000\t1\t1\nx"+person(3)+"\t1\t1\n")
	if notes := strings.Join(w.open().Notes, "\n"); strings.Contains(notes, "W11") {
		t.Error(notes)
	}
	w = newWorld(t)
	w.replace("images.tsv", person(1)+"\t", "00"+person(2)+"\t") // labs.tsv has the person without zeros, who is another
	if notes := strings.Join(w.open().Notes, "\n"); strings.Contains(notes, "W11") {
		t.Error(notes)
	}
}

// TestFamiliesInJoins: what some persons' ids are, FIDs or pairs, is told like what all are; and persons whose FID and IID make the same text are two.
func TestFamiliesInJoins(t *testing.T) {
	w := newWorld(t)
	for _, i := range []int{2, 5} {
		w.replace("images.tsv", person(i)+"\t", fmt.Sprintf("F%d_%s\t", i, person(i)))
	}
	w.replace("images.tsv", person(7)+"\t", "F7\t")
	notes := strings.Join(w.open().Notes, "\n")
	for _, want := range []string{"W114: geno: 2 persons of the manifest are not in it by their ids, but would be as FID_IID", "W114: geno: 1 persons of the manifest are not in it by their ids, but would be by their FIDs"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
	w = newWorld(t)
	w.replace("data.toml", "[geno]", "[ids]\nmatch = \"fid_iid\"\n[geno]")
	for _, i := range []int{0, 1, 3, 4, 6} {
		w.replace("images.tsv", person(i)+"\t", fmt.Sprintf("F%d_%s\t", i, person(i)))
	}
	if notes := strings.Join(w.open().Notes, "\n"); !strings.Contains(notes, "W114: geno: 7 persons of the manifest are not in it by their ids, but would be by their IIDs alone") {
		t.Error(notes)
	}
}

// TestNoFamilyIsFamily0: by FID_IID, a person whom a fileset gives the FID 0 and one of whom a table knows no FID are the same,
// whether the manifest calls them 0_X or X.
func TestNoFamilyIsFamily0(t *testing.T) {
	w := newWorld(t)
	w.replace("data.toml", "[geno]", "[ids]\nmatch = \"fid_iid\"\n[geno]")
	for i := range people {
		id, family := person(i), fmt.Sprintf("F%d", i)
		switch i % 3 {
		case 0:
			w.replace("images.tsv", id+"\t", "0_"+id+"\t")
			family = "0"
		case 1:
			family = "0"
		default:
			w.replace("images.tsv", id+"\t", family+"_"+id+"\t")
		}
		for c := 1; c <= 2; c++ {
			w.replace(fmt.Sprintf("geno/c%d.fam", c), fmt.Sprintf("F%d %s ", i, id), family+" "+id+" ")
		}
	}
	got := w.open()
	for p := range got.Persons {
		if id := got.Persons[p].ID; !strings.HasPrefix(id, "F") {
			for _, table := range got.Tables {
				if name := table.Name(); (name == "geno" || name == "labs") && !table.Has(p) {
					t.Errorf("%s lacks %s", id, name)
				}
			}
		}
	}
}

// TestOnlyWhoJoinsMustBeUnique: rows of people who are not in the manifest may be alike after the map; rows of one person may not.
func TestOnlyWhoJoinsMustBeUnique(t *testing.T) {
	for twice, want := range map[string]int{"gone": 0, person(2): 120} {
		w := newWorld(t)
		w.put("labs.tsv", w.get("labs.tsv")+"Q1\t1\t1\nQ2\t1\t1\n")
		w.put("m.tsv", fmt.Sprintf("Q1\t%s\nQ2\t%s\n", twice, twice))
		w.put("data.toml", "[ids]\nmap = \"m.tsv\"\n"+tomlText)
		if _, err := Open(w.options()); code(err) != want {
			t.Errorf("both are %s: %v", twice, err)
		}
	}
}

// TestMaps: maps of all dialects lead to the same join, and people without a new id are in none.
func TestMaps(t *testing.T) {
	line := func(form string) string {
		out := ""
		for i := range people {
			to := person(i)
			if i == 4 || i == 9 {
				to = [...]string{"", "NA", "<NA>", "nan"}[i%2+len(form)%2*2]
			}
			out += strings.NewReplacer("FROM", fmt.Sprintf("9%06d", i), "TO", to, "N", fmt.Sprint(i+1)).Replace(form)
		}
		return out
	}
	for what, text := range map[string]string{
		"plain": line("FROM\tTO\n"), "header": "from\tto\n" + line("FROM\tTO\n"), "quotes": line("\"FROM\"\t\"TO\"\n"), "quoted header": "\"from\",\"to\"\n" + line("\"FROM\",\"TO\"\n"),
		"semicolons": "from;to\n" + line("FROM;TO\n"), "other way": "to,from\n" + line("TO,FROM\n"), "trailing comma": line("FROM,TO,\n"), "more columns": "date,from,x,to\n" + line("2024,FROM,N,TO\n"),
		"row names": "from to\n" + line("\"rN\" \"FROM\" \"TO\"\n"), "CRLF": "\ufefffrom\tto\r\n" + line("FROM\tTO\r\n"), "eids": "eid_old,eid_new\n" + line("FROM,TO\n"), "missing from": line("FROM,TO\n") + "NA,77\n,78\n",
		"floats": strings.ReplaceAll(line("FROM,TO.0\n"), ",.0", ","),
	} {
		w := newWorld(t)
		for i := range people {
			w.replace("labs.tsv", person(i)+"\t", fmt.Sprintf("9%06d\t", i))
		}
		w.put("m.tsv", strings.NewReplacer("NA.0", "NA", "<NA>.0", "", "nan.0", "nan").Replace(text))
		w.put("data.toml", "[ids]\nmap = \"m.tsv\"\n"+tomlText)
		c, err := Open(w.options())
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for p := range c.Persons {
			if c.Tables[2].Has(p) != (p != 4 && p != 9) {
				t.Errorf("%s: person %d: %t", what, p, c.Tables[2].Has(p))
			}
		}
		notes := strings.Join(c.Notes, "\n")
		if !strings.Contains(notes, "m.tsv: 10 ids mapped.") || !strings.Contains(notes, "2 people have no id") {
			t.Errorf("%s:\n%s", what, notes)
		}
	}
}

// TestMapsThatAreRefusedOrTold: a map that leads away, one that loses digits, and persons whom it leaves out.
func TestMapsThatAreRefusedOrTold(t *testing.T) {
	w := newWorld(t)
	w.put("data.toml", "[ids]\nmap = \"m.tsv\"\n"+tomlText)
	for text, want := range map[string]int{person(1) + "\tQ1\n": 124, "from,to\n" + person(1) + ",Q1\n": 124, "Q1\t1.0e+06\n": 102, "1.0e+06\t" + person(1) + "\n": 102, "Q1\n": 0, "Q1\t" + person(1) + "\nQ1\t" + person(2) + "\n": 120} {
		w.put("m.tsv", text)
		if _, err := Open(w.options()); code(err) != want {
			t.Errorf("%q: want E%d: %v", text, want, err)
		}
	}
	w.put("m.tsv", "Q1\t"+person(1)+"\nQ2\t"+person(2)+"\n")
	w.replace("labs.tsv", person(1)+"\t", "Q1\t")
	c := w.open()
	if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, "W116: labs: 11 persons are not in m.tsv") || strings.Count(notes, "W116") != 1 {
		t.Error(notes)
	}
}

// TestMissingWords: what says that a value is missing is nothing in every text column, and an error where there must be an id or image.
func TestMissingWords(t *testing.T) {
	for _, word := range []string{"NA", "nan", "None", "NULL", "<NA>", "#N/A", "n/a", ".", "-nan", " "} {
		w := newWorld(t)
		plain := strings.Replace(w.get("images.tsv"), "visit\n", "visit\tgroup\tsplit\n", 1)
		plain = strings.ReplaceAll(plain, "\t0\n", "\t\t\t\n")
		plain = strings.ReplaceAll(plain, "\tL\t", "\t\t")
		w.put("images.tsv", plain)
		a := w.open()
		spelt := strings.ReplaceAll(plain, "\t\t\t\t\n", "\t"+word+"\t\t\t\n")
		w.put("images.tsv", strings.ReplaceAll(spelt, "\t\t\t\n", strings.Repeat("\t"+word, 3)+"\n"))
		b := w.open()
		if a.Hash != b.Hash || b.Images[0].Eye != "" || b.Images[0].Visit != "" {
			t.Errorf("%q is not nothing: %+v", word, b.Images[0])
		}
		for at, want := range map[string]int{person(3) + "\timg/3L.jpg": 102, "img/3L.jpg": 101} {
			w := newWorld(t)
			w.replace("images.tsv", at, strings.Replace(word+"\timg/3L.jpg", "\timg/3L.jpg", map[int]string{101: "", 102: "\timg/3L.jpg"}[want], 1))
			if _, err := Open(w.options()); code(err) != want {
				t.Errorf("%q in the place of %q: %v", word, at, err)
			}
		}
	}
}

// TestOneImageOfTwo: one photograph is one person's, under whatever spelling or link.
func TestOneImageOfTwo(t *testing.T) {
	for what, c := range map[string]struct {
		name string // in the place of img/3L.jpg
		link func(to, at string) error
		own  bool // it is of the same person: 3R
		code int
	}{
		"spelling": {"./img/4L.jpg", nil, false, 101}, "longer": {"img/../img/4L.jpg", nil, false, 101}, "slashes": {"img//4L.jpg", nil, false, 101}, "backslash": {`img\4L.jpg`, nil, false, 101},
		"symbolic link": {"img/new.jpg", os.Symlink, false, 101}, "hard link": {"img/new.jpg", os.Link, false, 101}, "link of a folder": {"also/4L.jpg", nil, false, 101},
		"own spelling": {"./img/3R.jpg", nil, true, 101}, "own link": {"img/new.jpg", os.Symlink, true, 0},
	} {
		w := newWorld(t)
		to := "img/4L.jpg"
		if c.own {
			to = "img/3R.jpg"
		}
		if c.link != nil {
			if err := c.link(filepath.Join(w.dir, to), filepath.Join(w.dir, "img/new.jpg")); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("img", filepath.Join(w.dir, "also")); err != nil {
			t.Fatal(err)
		}
		w.replace("images.tsv", "img/3L.jpg", c.name)
		got, err := Open(w.options())
		has := map[bool]string{false: "two persons", true: "same person"}[c.own]
		if code(err) != c.code || err != nil && !strings.Contains(err.Error(), has) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && !strings.Contains(strings.Join(got.Notes, "\n"), "W118: images.tsv: 1 images") {
			t.Errorf("%s: nothing is told", what)
		}
	}
}

// TestImagesThatAreNotThere: the error says what is there instead.
func TestImagesThatAreNotThere(t *testing.T) {
	for what, c := range map[string]struct {
		name, has string
		spoil     func(dir string) error
	}{
		"link to nothing": {"img/x.jpg", "link to nothing", func(dir string) error { return os.Symlink("../.git/annex/x", dir+"/img/x.jpg") }},
		"other case":      {"img/3l.JPG", "3L.jpg", nil}, "other suffix": {"img/3L.jpeg", "there is 3L.jpg", nil}, "no suffix": {"img/3L", "there is 3L.jpg", nil},
		"other Unicode form": {"img/\u00e4.jpg", "Unicode", func(dir string) error { return os.WriteFile(dir+"/img/a\u0308.jpg", nil, 0o600) }},
		"drive":              {`C:\img\3L.jpg`, "no drive C:", nil}, "address": {"https://host/3L.jpg", "address", nil}, "home": {"~/3L.jpg", "in full", nil},
		"folder": {"img", "a folder", nil}, "backslashes": {`no\3L.jpg`, "no/3L.jpg", nil}, "without the folder": {"other/img/3L.jpg", "no file at", nil},
	} {
		w := newWorld(t)
		if c.spoil != nil {
			if err := c.spoil(w.dir); err != nil {
				t.Fatal(err)
			}
		}
		w.replace("images.tsv", "img/3L.jpg", c.name)
		if _, err := Open(w.options()); code(err) != 101 || !strings.Contains(err.Error(), c.has) || !strings.Contains(err.Error(), "1 of 24 images are not there") {
			t.Errorf("%s: %v", what, err)
		}
	}
	w := newWorld(t)
	o := w.options()
	o.ImageRoot = filepath.Join(w.dir, "img")
	if _, err := Open(o); code(err) != 101 || !strings.Contains(err.Error(), "another image root") {
		t.Error(err)
	}
	w.replace("images.tsv", "img/", `img\`)
	if notes := strings.Join(w.open().Notes, "\n"); !strings.Contains(notes, `24 paths of images have \`) {
		t.Error(notes)
	}
}
