package cohort

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// A dialect writes a list of ids as some program or person does.
type dialect struct {
	what  string
	write func(ids []string) string
}

// rows writes a line for each id, after a header.
func rows(header, line string) func([]string) string {
	return func(ids []string) string {
		var b strings.Builder
		b.WriteString(header)
		for i, id := range ids {
			b.WriteString(strings.NewReplacer("ID", id, "N", fmt.Sprint(i+1)).Replace(line))
		}
		return b.String()
	}
}

func dialects() []dialect {
	return []dialect{
		{"plain", rows("", "ID\n")}, {"CRLF", rows("", "ID\r\n")}, {"byte order mark", rows("\ufeff", "ID\n")}, {"byte order mark and header", rows("\ufeffeid\r\n", "ID\r\n")},
		{"id and date", rows("", "ID,2023-08-0N\n")}, {"id and time", rows("", "ID;07.03.2024 12:00\n")}, {"id and reason", rows("", "ID\twithdrew from the study\n")},
		{"reason with commas", rows("eid,why\n", "ID,\"moved, far away\"\n")}, {"trailing comma", rows("", "ID,\n")}, {"trailing commas", rows("", "ID,,,\n")}, {"trailing semicolon", rows("", "ID;\n")},
		{"trailing tab", rows("", "ID\t\n")}, {"trailing blank", rows("", "ID  \n")}, {"leading blanks", rows("", "   ID\n")}, {"bars", rows("id|date\n", "ID|x\n")},
		{"quotes of R", rows("\"eid\"\n", "\"ID\"\n")}, {"row names of R", rows("\"eid\"\n", "\"rN\" \"ID\"\n")}, {"csv of R", rows("\"\",\"x\"\n", "\"N\",\"ID\"\n")}, {"column V1 of R", rows("V1\n", "ID\n")},
		{"index of pandas", rows(",eid\n", "N,ID\n")}, {"series of pandas", rows("0\n", "ID\n")}, {"floats of pandas", rows("eid\n", "ID.0\n")}, {"list of Python", func(ids []string) string { return "['" + strings.Join(ids, "', '") + "']\n" }},
		{"one line", func(ids []string) string { return strings.Join(ids, ",") + "\n" }}, {"one line of words", func(ids []string) string { return strings.Join(ids, " ") }},
		{"single quotes", rows("", "'ID'\n")}, {"typographic quotes", rows("", "“ID”\n")}, {"formula", rows("eid\n", "=\"ID\"\n")}, {"formula in csv", rows("eid\n", "\"=\"\"ID\"\"\"\n")},
		{"#IID", rows("#IID\n", "ID\n")}, {"IID", rows("IID\n", "ID\n")}, {"FID IID", rows("FID IID\n", "F9 ID\n")}, {"#FID IID", rows("#FID\tIID\n", "0\tID\n")}, {"IID FID", rows("IID\tFID\n", "ID\tF9\n")},
		{"FID and IID without header", rows("", "F9 ID\n")}, {"id twice", rows("", "ID ID\n")}, {"sample", rows("ID_1 ID_2 missing\n0 0 0\n", "ID ID 0\n")}, {"fam", rows("", "ID ID 0 0 1 -9\n")}, {"psam", rows("#FID IID SID SEX\n", "F1 ID 1 NA\n")},
		{"phrase", rows("Encoded anonymised participant ID\n", "ID\n")}, {"participant.eid", rows("participant.eid,participant.p31\n", "ID,Female\n")}, {"unknown header", rows("UKB-no.\n", "ID\n")}, {"header of two words", rows("UKB ID\n", "ID\n")}, {"header by blanks, rows by tabs", rows("eid date\n", "ID\tN\n")},
		{"comments", rows("# withdrawn\n## 2024\n", "ID\n")}, {"id in the last column", rows("date,reason,person_id\n", "2024,x,ID\n")}, {"rows without an id", rows("eid,date\nNA,2024\n,2023\n", "ID,2024\n")}, {"zero-width space", rows("", "\u200bID\u00a0\n")},
		{"dates first, no header", rows("", "2024-01-01,ID\n")}, {"blank lines", rows("\n\n", "ID\n\n")}, {"no last newline", func(ids []string) string { return strings.Join(ids, "\n") }}, {"the same id again", func(ids []string) string { return strings.Join(append(ids, ids...), "\n") }},
	}
}

// TestListsOfAllDialects: whoever wrote it, the same persons are removed, or kept, whatever their ids look like.
func TestListsOfAllDialects(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 2))
		ids := make([]string, people)
		for i := range ids {
			ids[i] = fmt.Sprintf([...]string{"%07d", "UKB%05d", "NA%05d"}[seed], 1000+r.IntN(8000)*people+i)
		}
		w := newWorld(t)
		for i, id := range ids {
			for _, name := range []string{"images.tsv", "labs.tsv", "pgs/PGS1.sscore", "geno/c1.fam", "geno/c2.fam"} {
				w.replace(name, person(i), id)
			}
		}
		for _, d := range dialects() {
			if strings.Contains(d.what, "floats") && seed > 0 {
				continue // pandas makes floats of numbers only
			}
			n := 3 + r.IntN(3)
			of := r.Perm(people)[:n]
			listed := make([]string, n)
			for k, i := range of {
				listed[k] = ids[i]
			}
			w.put("list.csv", d.write(slices.Clone(listed)))
			w.put("list.txt", d.write(slices.Clone(listed)))
			for _, verb := range []string{"remove", "keep"} {
				name := [...]string{"list.csv", "list.txt"}[r.IntN(2)]
				w.put("data.toml", "[ids]\n"+verb+" = \""+name+"\"\n[labs]\ntable = \"labs.tsv\"\n[split]\ntrain = 1.0\n")
				c, err := Open(w.options())
				if err != nil {
					t.Errorf("%s of %s: %v", verb, d.what, err)
					continue
				}
				want := people - n
				if verb == "keep" {
					want = n
				}
				ok := len(c.Persons) == want
				for _, p := range c.Persons {
					ok = ok && slices.Contains(listed, p.ID) == (verb == "keep")
				}
				if !ok {
					t.Errorf("%s of %s (seed %d): %d persons of %d; the list is\n%s", verb, d.what, seed, len(c.Persons), want, w.get(name))
				}
			}
		}
	}
}

// TestListsThatAreRefusedOrTold: what cannot be right is an error, and what may be is told.
func TestListsThatAreRefusedOrTold(t *testing.T) {
	each := func(form string) string {
		out := ""
		for i := range 4 {
			out += strings.NewReplacer("ID", person(i), "NEXT", person(i+4), "LOST", fmt.Sprintf("%04d", i)).Replace(form)
		}
		return out
	}
	for _, c := range []struct {
		what, list string
		code       int    // 0: accepted
		has        string // in the error, or the notes
	}{
		{"ids of another application", "5000001\n5000002\n", 0, "W112: --remove list.txt matches nobody: none of its 2 ids"},
		{"zeros before ids", each("000ID\n"), 122, "4 persons would be found with leading zeros taken off"},
		{"doubled ids", each("ID_ID\n"), 122, "one half of doubled ids"},
		{"some with zeros", person(9) + "\n" + each("000ID\n"), 0, "W114: --remove list.txt: 4 persons of the manifest are not in it by their ids, but would be with leading zeros taken off"},
		{"scientific", "1.000003e+06\n", 102, "scientific"},
		{"scientific among others", each("ID\n") + "1.000003E+06\n", 102, "list.txt:5"},
		{"two persons a line", each("ID,NEXT\n"), 124, "two columns"},
		{"two persons on one line", person(1) + "," + person(2) + "\n", 124, ""},
		{"three persons a line", person(0) + "," + person(1) + "," + person(2) + "\n" + person(3) + "," + person(4) + "," + person(5) + "\n", 124, ""},
		{"rows without an id", "eid,date\nNA,2023\n,2024\n" + person(3) + ",2024\n", 0, "2 rows have no id"},
		{"empty but for a header", "eid\n", 0, "0 ids, 0 persons"},
		{"UTF-16", "\xff\xfe1\x00", 103, ""},
		{"Latin-1", "pr\xe9nom\n" + person(1) + "\n", 103, ""},
	} {
		w := newWorld(t)
		w.put("list.txt", c.list)
		w.put("data.toml", "[ids]\nremove = \"list.txt\"\n"+tomlText)
		got, err := Open(w.options())
		switch {
		case c.code != 0 && (code(err) != c.code || !strings.Contains(err.Error(), c.has)):
			t.Errorf("%s: want E%d with %q:\n%v", c.what, c.code, c.has, err)
		case c.code == 0 && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.code == 0 && !strings.Contains(strings.Join(got.Notes, "\n"), c.has):
			t.Errorf("%s: no note %q in\n%s", c.what, c.has, strings.Join(got.Notes, "\n"))
		}
		if err == nil {
			noIDs(t, got)
		}
	}
}

// noIDs checks that no note holds an id of a world.
func noIDs(t *testing.T, c *data.Cohort) {
	t.Helper()
	for _, n := range c.Notes {
		if strings.Contains(n, "10000") {
			t.Errorf("a note holds an id: %s", n)
		}
	}
}

// TestPairLists: where the join is by FID_IID, a list of FID and IID names persons by both, and one of FID_IID as well.
func TestPairLists(t *testing.T) {
	for what, list := range map[string]string{"pairs": "F1 " + person(1) + "\nF2 " + person(3) + "\n", "header": "#FID\tIID\nF1\t" + person(1) + "\nF9\t" + person(4) + "\n", "ids": "F1_" + person(1) + "\nF1_" + person(2) + "\n",
		"IID first": "IID,FID\n" + person(1) + ",F1\n"} {
		w := newWorld(t)
		each("images.tsv", `(?m)^(1000(?:0\d|00)(\d\d?))\timg/(\d+)`, "F${3}_$1\timg/$3")(w)
		w.put("list.txt", list)
		w.put("data.toml", "[ids]\nmatch = \"fid_iid\"\nremove = \"list.txt\"\n[geno]\nfiles = \"geno/c1\"\n")
		c, err := Open(w.options())
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if len(c.Persons) != people-1 || slices.ContainsFunc(c.Persons, func(p data.Person) bool { return p.ID == "F1_"+person(1) }) {
			t.Errorf("%s: %d persons", what, len(c.Persons))
		}
	}
}
