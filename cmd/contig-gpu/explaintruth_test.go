package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/model/explain/heldout"
)

// scripts/explain_truth.sh makes the folders that these tests judge: FOLDER/CASE/cohort by `synth`, FOLDER/CASE/explained by `explain`, and any further
// FOLDER/CASE/decoys* by `explain --decoys`. What is true stands in the cohort's truth.json.
const (
	rankedFolder = "CONTIG_TRUTH_RANKED" // mean |A| must rank what is planted first
	plantedFdr   = "CONTIG_TRUTH_FDR"    // discoveries must be true
	emptyFolder  = "CONTIG_TRUTH_NONE"   // there must be none
)

// The bounds that are held, at q = 0.1.
const (
	leastAUC     = 0.95
	mostFalse    = 0.13
	truthQ       = 0.1
	inLinkage    = 0.1       // r2 from which a variant stands for another
	linkageReach = 1_000_000 // base pairs
)

// A planted cohort is what truth.json says of one, over all its features.
type planted struct {
	folder  string
	feature map[string]bool // drives an image
	linked  map[string]bool // does, or is in linkage disequilibrium with one that does
}

func truthCases(t *testing.T, variable string) []planted {
	t.Helper()
	root := os.Getenv(variable)
	if root == "" {
		t.Skipf("no explained cohorts: %s is not set, as scripts/explain_truth.sh does", variable)
	}
	folders, err := filepath.Glob(filepath.Join(root, "*", "cohort"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("%s: no cohorts: %v", root, err)
	}
	var out []planted
	for _, f := range folders {
		out = append(out, readPlanted(t, filepath.Dir(f)))
	}
	return out
}

func readPlanted(t *testing.T, folder string) planted {
	t.Helper()
	type cause struct{ Name string }
	var truth struct {
		Properties []struct{ SNPs, Genes, Scores, Covariates []cause }
	}
	if err := json.Unmarshal(read(t, folder, "cohort", "truth.json"), &truth); err != nil {
		t.Fatal(err)
	}
	p := planted{folder, map[string]bool{}, map[string]bool{}}
	for _, x := range truth.Properties {
		for _, c := range slices.Concat(x.SNPs, x.Genes, x.Scores, x.Covariates) {
			p.feature[c.Name], p.linked[c.Name] = true, true
		}
	}
	c, err := cohort.Open(cohort.Options{Manifest: filepath.Join(folder, "cohort", "images.tsv"), DataTOML: filepath.Join(folder, "cohort", "data.toml"), Join: "outer", Seed: 1, Memory: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range c.Tables {
		p.link(c, table)
	}
	return p
}

// link adds the variants of a table that are in linkage disequilibrium with a planted one.
func (p planted) link(c *data.Cohort, table data.Table) {
	places := data.PlacesOf(table)
	if places == nil {
		return
	}
	var persons []int
	for i := range c.Persons {
		if table.Has(i) {
			persons = append(persons, i)
		}
	}
	names, x := table.Stats().Names, heldout.Columns(table, persons, nil)
	for i, name := range names {
		for j := range names {
			near := places[i].Chromosome == places[j].Chromosome && max(places[i].Position-places[j].Position, places[j].Position-places[i].Position) <= linkageReach
			if p.feature[name] && near && squaredCorrelation(x[i], x[j]) >= inLinkage {
				p.linked[names[j]] = true
			}
		}
	}
}

func squaredCorrelation(a, b []float32) float64 {
	var n, sa, sb, aa, bb, ab float64
	for i, v := range a {
		x, y := float64(v), float64(b[i])
		n, sa, sb, aa, bb, ab = n+1, sa+x, sb+y, aa+x*x, bb+y*y, ab+x*y
	}
	c := ab - sa*sb/n
	return c * c / max(1e-12, (aa-sa*sa/n)*(bb-sb*sb/n))
}

// tables returns the modalities whose tables lie in an explained folder.
func tablesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.groups.tsv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no tables: %v", folder, err)
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".groups.tsv"))
	}
	return names
}

// TestTruthIsRankedFirst: by mean |A|, planted features come before those that neither are planted nor are in linkage disequilibrium with one, in every
// modality that has both: area under the ROC curve.
func TestTruthIsRankedFirst(t *testing.T) {
	for _, p := range truthCases(t, rankedFolder) {
		judged := 0
		for _, m := range tablesIn(t, filepath.Join(p.folder, "explained")) {
			_, rows := tsv(t, p.folder, "explained", m+".tsv")
			var yes, no []float64
			for _, r := range rows {
				switch v := toFloat(t, r[5]); {
				case p.feature[r[0]]:
					yes = append(yes, v)
				case !p.linked[r[0]]:
					no = append(no, v)
				}
			}
			if len(yes) == 0 || len(no) == 0 {
				continue
			}
			judged++
			auc := areaUnder(yes, no)
			t.Logf("%s %s: AUC %.3f, %d planted against %d", filepath.Base(p.folder), m, auc, len(yes), len(no))
			if auc < leastAUC {
				t.Errorf("%s: %s: AUC %.3f, want %g", p.folder, m, auc, leastAUC)
			}
		}
		if judged == 0 {
			t.Errorf("%s: no modality has planted and other features", p.folder)
		}
	}
}

// areaUnder returns the probability that one of yes is larger than one of no, equal ones counted half.
func areaUnder(yes, no []float64) float64 {
	sum := 0.0
	for _, a := range yes {
		for _, b := range no {
			switch {
			case a > b:
				sum++
			case a == b:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(yes)) / float64(len(no))
}

// A verdict is what a rule found in one modality of one cohort.
type verdict struct{ found, wrong, hits, planted int }

func (v *verdict) unit(claimed, planted, linked bool) {
	if planted {
		v.planted++
	}
	if claimed {
		v.found++
		if planted {
			v.hits++
		}
		if !linked {
			v.wrong++
		}
	}
}

// verdicts judges every rule that a case has tables of, by rule and modality.
func (p planted) verdicts(t *testing.T) map[string]verdict {
	t.Helper()
	out := map[string]verdict{}
	folder := filepath.Join(p.folder, "explained")
	for _, m := range tablesIn(t, folder) {
		_, details := tsv(t, folder, m+".details.tsv")
		how := "features"
		if slices.ContainsFunc(details, func(r []string) bool { return r[8] == "true" }) {
			how = "features, residuals"
		}
		_, rows := tsv(t, folder, m+".tsv")
		members := map[string][]string{}
		var single, group verdict
		for _, r := range rows {
			single.unit(toFloat(t, r[12]) <= truthQ, p.feature[r[0]], p.linked[r[0]])
			members[r[4]] = append(members[r[4]], r[0])
		}
		out["held-out, "+how+", "+m] = single
		_, groups := tsv(t, folder, m+".groups.tsv")
		kind := ""
		for _, r := range groups {
			if r[4] == "chromosome" {
				continue
			}
			group.unit(toFloat(t, r[12]) <= truthQ, anyIn(members[r[0]], p.feature), anyIn(members[r[0]], p.linked))
			kind = r[4]
		}
		if kind != "feature" {
			out["held-out, "+kind+"s, "+m] = group
		}
		p.decoyed(t, m, members, out)
	}
	return out
}

// decoyed judges the claims of every folder with decoys.
func (p planted) decoyed(t *testing.T, m string, members map[string][]string, out map[string]verdict) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(p.folder, "decoys*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		var v verdict
		_, rows := tsv(t, f, m+".decoys.tsv")
		for _, r := range rows {
			v.unit(toFloat(t, r[5]) <= truthQ, anyIn(members[r[0]], p.feature), anyIn(members[r[0]], p.linked))
		}
		rule := "decoys, knockoff+ of one run, "
		if runs := rows[0][4]; runs != "1" {
			rule = "decoys, e-values of " + runs + " runs, "
		}
		out[rule+m] = v
	}
}

func anyIn(names []string, set map[string]bool) bool {
	return slices.ContainsFunc(names, func(n string) bool { return set[n] })
}

// byRule gathers verdicts of all cases.
func byRule(t *testing.T, cases []planted) map[string][]verdict {
	t.Helper()
	all := map[string][]verdict{}
	for _, p := range cases {
		for rule, v := range p.verdicts(t) {
			all[rule] = append(all[rule], v)
		}
	}
	return all
}

// TestTruthIsDiscovered: over cohorts, the mean share of false ones among what a rule discovers is within the bound, for each rule and modality, and rules find
// something; power is told.
func TestTruthIsDiscovered(t *testing.T) {
	all, hits := byRule(t, truthCases(t, plantedFdr)), 0
	for _, rule := range slices.Sorted(maps.Keys(all)) {
		vs := all[rule]
		var fdp, power, found, square float64
		n := float64(len(vs))
		for _, v := range vs {
			f := float64(v.wrong) / float64(max(1, v.found))
			fdp, square, power, found, hits = fdp+f/n, square+f*f/n, power+float64(v.hits)/float64(max(1, v.planted))/n, found+float64(v.found)/n, hits+v.hits
		}
		se := math.Sqrt(max(0, square-fdp*fdp) / max(1, n-1))
		t.Logf("%-44s %2d cohorts: FDP %.3f +- %.3f, power %.2f, found %.1f", rule, len(vs), fdp, se, power, found)
		if fdp > mostFalse {
			t.Errorf("%s: mean FDP %.3f, at most %g", rule, fdp, mostFalse)
		}
	}
	if hits == 0 {
		t.Error("no rule found anything that is planted")
	}
}

// TestNothingIsDiscovered: where images are independent of genetics, each rule makes a discovery in at most a tenth of the cohorts in every modality.
func TestNothingIsDiscovered(t *testing.T) {
	cases := truthCases(t, emptyFolder)
	for _, p := range cases {
		if len(p.feature) > 0 {
			t.Fatalf("%s: %d features are planted, want none", p.folder, len(p.feature))
		}
	}
	all := byRule(t, cases)
	for _, rule := range slices.Sorted(maps.Keys(all)) {
		any := 0
		var found []string
		for _, v := range all[rule] {
			if v.found > 0 {
				any++
				found = append(found, fmt.Sprint(v.found))
			}
		}
		t.Logf("%-44s %2d cohorts: %d with a discovery (%s)", rule, len(all[rule]), any, strings.Join(found, ", "))
		if any > (len(all[rule])+9)/10 {
			t.Errorf("%s: a discovery in %d of %d cohorts, at most a tenth", rule, any, len(all[rule]))
		}
	}
}
