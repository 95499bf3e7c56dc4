package score

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
)

// isCount says whether plink2 calls a column so that stands between phenotypes and scores.
func isCount(name string) bool {
	switch name {
	case "ALLELE_CT", "NMISS_ALLELE_CT", "DENOM", "NAMED_ALLELE_DOSAGE_SUM":
		return true
	}
	return false
}

// isID says whether a column says who a row is about.
func isID(name string) bool {
	switch strings.TrimPrefix(name, "#") {
	case "FID", "IID", "SID", setName:
		return true
	}
	return false
}

// Kinds of scores, as their columns end.
const (
	average = "_AVG"
	sum     = "_SUM"
)

// A candidate is a column with the name of a score.
type candidate struct {
	column     int
	name, kind string // NAME and _AVG or _SUM
}

// candidates returns the columns from the given one on that have the name of a score.
func (f *file) candidates(from int) []candidate {
	var out []candidate
	for i, n := range f.names[from:] {
		for _, kind := range []string{average, sum} {
			if name, ok := strings.CutSuffix(n, kind); ok && name != "" && !isCount(n) {
				out = append(out, candidate{from + i, name, kind})
			}
		}
	}
	return out
}

// choose finds the scores by place and name. plink2 writes ids, phenotypes of the .psam, counts, all averages, all sums: scores are what stands after
// the counts. Where a file has no counts, phenotypes and scores cannot be told apart but by number: a single column is a score, and so are as
// many averages as sums of the same names; else it is E305.
func (f *file) choose() error {
	if done, err := f.profile(); done || err != nil {
		return err
	}
	from, counted := 0, false
	for i, n := range f.names {
		switch {
		case isCount(n):
			from, counted = i+1, true
		case isID(n) && !counted:
			from = i + 1
		}
	}
	all := f.candidates(from)
	if !counted && !told(all) {
		return f.uncertain(all)
	}
	for _, c := range all {
		if c.kind == "_"+f.kind {
			f.scores, f.titles = append(f.scores, c.column), append(f.titles, c.name)
		}
	}
	if len(f.scores) == 0 {
		return f.none(all)
	}
	if len(f.scores) == 1 {
		f.titles[0] = stem(f.path)
	}
	return nil
}

// profile takes the score of a .profile of plink 1.9: SCORE, an average over alleles, or SCORESUM. done is false where the file is none.
func (f *file) profile() (done bool, err error) {
	if f.column("CNT") < 0 || f.column("FID") < 0 || f.column("SCORE") < 0 && f.column("SCORESUM") < 0 {
		return false, nil
	}
	name := map[string]string{"AVG": "SCORE", "SUM": "SCORESUM"}[f.kind]
	at := f.column(name)
	if at < 0 {
		return false, &data.Problem{Code: 302, File: f.path, Line: f.line, What: "the .profile has no column " + name, Expected: "FID IID PHENO CNT CNT2 " + name, Found: strings.Join(f.names, " "),
			Cause: "plink 1.9 writes SCORE, or SCORESUM with the modifier sum", Fix: `set column = "SUM" or "AVG", as the file has it`}
	}
	f.scores, f.titles = []int{at}, []string{stem(f.path)}
	return true, nil
}

func stem(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// told says whether columns can be nothing but scores, each as average or sum or both.
func told(all []candidate) bool {
	var averages, sums []string
	for _, c := range all {
		if c.kind == average {
			averages = append(averages, c.name)
		} else {
			sums = append(sums, c.name)
		}
	}
	return len(all) < 2 || slices.Equal(averages, sums)
}

func (f *file) uncertain(all []candidate) error {
	var names []string
	for _, c := range all {
		names = append(names, f.names[c.column])
	}
	return &data.Problem{Code: 305, File: f.path, Line: f.line, What: "scores cannot be told from phenotypes", Expected: "a column ALLELE_CT, DENOM or NAMED_ALLELE_DOSAGE_SUM, before which phenotypes stand and after which scores do",
		Found: fmt.Sprintf("%.200s, and no such column", strings.Join(names, " ")), Cause: "plink2 was told to leave out these columns (cols=)",
		Fix: "score again with cols=+denom, or give the scores alone as a table"}
}

func (f *file) none(all []candidate) error {
	p := &data.Problem{Code: 302, File: f.path, Line: f.line, What: "no score column ends in _" + f.kind, Expected: "NAME_" + f.kind,
		Found: fmt.Sprintf("%.200s", strings.Join(f.names, " ")), Cause: "not a .sscore of plink2", Fix: "use plink2 --score"}
	switch {
	case len(all) > 0:
		p.Cause = "the file has the other of averages (AVG) and sums (SUM)"
		p.Fix = `set column = "AVG" or "SUM", or score again with cols=+scoresums`
	}
	return p
}
