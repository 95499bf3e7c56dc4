package score

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// TestPhenotypesAreNoScores: what stands before the counts is never read, whatever it is called, and scores are found by place in all combinations of
// columns that plink2 writes.
func TestPhenotypesAreNoScores(t *testing.T) {
	counts := []string{"ALLELE_CT", "DENOM", "NAMED_ALLELE_DOSAGE_SUM"}
	for seed := range uint64(300) {
		g := rand.New(rand.NewPCG(seed, 305))
		var head []string
		head = append(head, [][]string{{"#IID"}, {"#FID", "IID"}, {"#FID", "IID", "SID"}}[g.IntN(3)]...)
		ids := len(head)
		for _, p := range []string{"bmi_AVG", "visits_SUM", "height", "PGS", "sampleset", "a_AVG_SUM", "DENOM_AVG"} {
			if g.IntN(2) == 0 {
				head = append(head, p)
			}
		}
		head = append(head, counts[g.IntN(3):]...)
		scores, kinds := []string{"S", "bmi", "x_SUM", "PGS000001_AVG"}[:g.IntN(4)+1], []string{"AVG", "SUM"}
		if k := g.IntN(3); k < 2 {
			kinds = kinds[k : k+1]
		}
		at := len(head)
		for _, k := range kinds {
			for _, s := range scores {
				head = append(head, s+"_"+k)
			}
		}
		text := strings.Join(head, "\t") + "\n"
		for i := range 3 {
			row := slices.Repeat([]string{"0"}, len(head))
			row[ids-1], row[slices.IndexFunc(head, func(h string) bool { return strings.TrimPrefix(h, "#") == "IID" })] = "0", fmt.Sprint("p", i)
			for j := ids; j < len(head); j++ {
				row[j] = fmt.Sprint(100*i + j)
			}
			text += strings.Join(row, "\t") + "\n"
		}
		path := write(t, t.TempDir(), "only.sscore", text)
		for _, kind := range []string{"AVG", "SUM"} {
			w, err := Read([]string{path}, kind, table.Selection{})
			k := slices.Index(kinds, kind)
			if k < 0 {
				if err == nil || !strings.Contains(err.Error(), "E302") {
					t.Fatalf("%s of %q: %v", kind, head, err)
				}
				continue
			}
			want := scores
			if len(scores) == 1 {
				want = []string{"only"}
			}
			if err != nil || !slices.Equal(w.Names, want) || values(w, 3)[0] != float64(at+k*len(scores)) || values(w, 3)[2*len(want)] != float64(200+at+k*len(scores)) {
				t.Fatalf("%s of %q: %+v %v", kind, head, w, err)
			}
		}
	}
}

// TestWithoutCounts: columns that may be phenotypes are E305, not scores.
func TestWithoutCounts(t *testing.T) {
	for head, want := range map[string]string{
		"#IID bmi_AVG S_AVG": "", "#FID IID visits_SUM S_AVG": "", "#IID a_AVG b_AVG a_SUM": "", "#IID b_AVG a_AVG a_SUM b_SUM": "", // refused
		"#IID S_AVG": "n", "#IID height S_AVG": "n", "#IID S_AVG S_SUM": "n", "#IID a_AVG b_AVG a_SUM b_SUM": "a b", "IID a_SUM a_AVG b_SUM b_AVG": "a b",
	} {
		row := "x" + strings.Repeat(" 1", strings.Count(head, " ")) + "\n"
		w, err := Read([]string{write(t, t.TempDir(), "n.sscore", strings.ReplaceAll(head+"\n"+row, " ", "\t"))}, "AVG", table.Selection{})
		var p *data.Problem
		switch {
		case want == "" && (!errors.As(err, &p) || p.Code != 305):
			t.Errorf("%s: %v %v", head, w, err)
		case want != "" && (err != nil || strings.Join(w.Names, " ") != want):
			t.Errorf("%s: %+v %v", head, w, err)
		}
	}
}

// TestSameName: chromosomes of one score, and scores whose files have one stem, are E301 and not columns pasted together.
func TestSameName(t *testing.T) {
	dir := t.TempDir()
	var chromosomes []string
	for c := range 3 {
		chromosomes = append(chromosomes, write(t, dir, fmt.Sprintf("PGS1.chr%d.sscore", c+1), "#IID\tALLELE_CT\tS_AVG\tS_SUM\nx\t4\t1\t4\n"))
	}
	many := write(t, dir, "many.sscore", "#IID\tDENOM\tA_AVG\tPGS1_AVG\nx\t4\t1\t4\n")
	for _, files := range [][]string{chromosomes, {chromosomes[1], many}} {
		for _, kind := range []string{"AVG", "SUM"} {
			_, err := Read(files, kind, table.Selection{})
			var p *data.Problem
			if kind == "SUM" && slices.Contains(files, many) {
				continue // which has no sums
			}
			if !errors.As(err, &p) || p.Code != 301 || !strings.Contains(p.Cause+p.Fix, "chromosome") || !strings.Contains(p.Fix, "SUM") {
				t.Errorf("%q: %v", files, err)
			}
		}
	}
}

// TestNamedTwice: a file that is given twice is no chromosome.
func TestNamedTwice(t *testing.T) {
	path := write(t, t.TempDir(), "A.sscore", "#IID\tDENOM\tS_AVG\nx\t4\t1\n")
	if _, err := Read([]string{path, path}, "AVG", table.Selection{}); err == nil || !strings.Contains(err.Error(), "E301") || !strings.Contains(err.Error(), "named twice") {
		t.Error(err)
	}
}

// TestNoFamily: an FID of 0 is that of a file without FIDs; another is another person.
func TestNoFamily(t *testing.T) {
	for seed := range uint64(10) {
		g := rand.New(rand.NewPCG(seed, 3))
		dir := t.TempDir()
		const n = 40
		with, without := "#FID\tIID\tDENOM\tS_AVG\n", "#IID\tDENOM\tS_AVG\n"
		for _, i := range g.Perm(n) {
			with += fmt.Sprintf("0\tp%d\t9\t%d\n", i, i)
		}
		for _, i := range g.Perm(n) {
			without += fmt.Sprintf("p%d\t9\t%d\n", i, 1000+i)
		}
		a, b := write(t, dir, "A.sscore", with), write(t, dir, "B.sscore", without)
		for _, files := range [][]string{{a, b}, {b, a}} {
			w, err := Read(files, "AVG", table.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			v := values(w, n)
			for i, id := range w.IID {
				first, second := v[2*i], v[2*i+1]
				if files[0] == b {
					first, second = second, first
				}
				if id != fmt.Sprintf("p%.0f", first) || second != first+1000 {
					t.Fatalf("%s has %v %v", id, first, second)
				}
			}
		}
		c := write(t, dir, "C.sscore", strings.Replace(with, "0\tp7", "1\tp7", 1))
		var p *data.Problem
		if _, err := Read([]string{b, c}, "AVG", table.Selection{}); !errors.As(err, &p) || p.Code != 302 {
			t.Error(err)
		}
	}
}

// TestPgscCalc: long and wide tables of pgsc_calc hold the same; rows of the reference panel are left out.
func TestPgscCalc(t *testing.T) {
	for seed := range uint64(30) {
		g := rand.New(rand.NewPCG(seed, 5))
		persons, scores := g.IntN(20)+1, []string{"PGS000001_hmPOS_GRCh38", "PGS2", "custom"}[:g.IntN(3)+1]
		wide, long := "sampleset\tIID\tDENOM", "sampleset\tIID\tPGS\tSUM\tDENOM\tAVG\tZ_norm2\n"
		for _, s := range scores {
			wide += "\t" + s + "_SUM\t" + s + "_AVG"
		}
		wide += "\n"
		var rows []string
		for i := range persons + 3 {
			set := "cohort"
			if i >= persons {
				set = "reference"
			}
			wide += fmt.Sprintf("%s\tp%d\t8", set, i%persons)
			for k, s := range scores {
				wide += fmt.Sprintf("\t%d\t%d", 8*(i+k), i+k)
				rows = append(rows, fmt.Sprintf("%s\tp%d\t%s\t%d\t8\t%d\t0.5\n", set, i%persons, s, 8*(i+k), i+k))
			}
			wide += "\n"
		}
		if persons > 3 { // else a row of the panel may come first in the order of persons
			rest := rows[len(scores):]
			g.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		}
		for _, kind := range []string{"AVG", "SUM"} {
			a, err := Read([]string{write(t, t.TempDir(), "one.txt", wide)}, kind, table.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			b, err := Read([]string{write(t, t.TempDir(), "one.txt", long+strings.Join(rows, ""))}, kind, table.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			va, vb := values(a, persons), values(b, persons)
			for i, id := range a.IID {
				r := slices.Index(b.IID, id)
				for k, name := range a.Names {
					if c := slices.Index(b.Names, name); r < 0 || c < 0 || va[i*len(scores)+k] != vb[r*len(scores)+c] {
						t.Fatalf("seed %d: %s of %s: %q %q", seed, name, id, b.IID, b.Names)
					}
				}
			}
			if len(b.IID) != persons || !slices.ContainsFunc(append(a.Notes, b.Notes...), func(n string) bool { return strings.Contains(n, "reference panel") }) {
				t.Errorf("%d persons, notes %q %q", len(b.IID), a.Notes, b.Notes)
			}
		}
	}
	for text, code := range map[string]int{"cohort\tx\tA\t1\ncohort\tx\tB\t1\ncohort\ty\tA\t1\n": 302, "cohort\tx\tA\t1\nother\tx\tA\t1\n": 120, "cohort\tx\tA\t1,5\n": 107} {
		_, err := Read([]string{write(t, t.TempDir(), "l.txt", "sampleset\tIID\tPGS\tSUM\n"+text)}, "SUM", table.Selection{})
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != code {
			t.Errorf("%q: %v, want E%d", text, err, code)
		}
	}
	_, err := Read([]string{write(t, t.TempDir(), "l.txt", "sampleset\tIID\tPGS\tSUM\ncohort\tx\tA\t1\n")}, "AVG", table.Selection{})
	if err == nil || !strings.Contains(err.Error(), `column = "SUM"`) {
		t.Error(err)
	}
}
