package report

import (
	"fmt"
	"strings"

	"contig-gpu/model/eval"
)

func splitName(kind string) string {
	if kind == "test" {
		return "held-out test"
	}
	return kind
}

// A card is a finding with what its card shows.
type card struct {
	Finding
	Hue, Symbol string
	Times       string
	Chance      float64
	Ways        []way
}

// A way is one direction of retrieval.
type way struct {
	name string
	d    eval.Direction
}

// Direction is its name.
func (w way) Direction() string { return w.name }

// Text says recall@10 with its interval.
func (w way) Text() string { return w.name + " " + w.Ten() }

// Ten is recall@10 with its interval.
func (w way) Ten() string { return withInterval(w.d.R10, w.d.R10Interval) }

// One says recall@1 with its interval.
func (w way) One() string { return withInterval(w.d.R1, w.d.R1Interval) }

func directions(r eval.Retrieval) []way {
	return []way{{"image to genetics", r.ImageToGenetics}, {"genetics to image", r.GeneticsToImage}}
}

func cards(found []Finding) []card {
	var out []card
	for i, f := range found {
		symbol := map[eval.Verdict]string{eval.Learnt: "✓", eval.OneWay: "◐", eval.NotAbove: "✗"}[f.Verdict]
		c := card{Finding: f, Hue: hue(f.colour(i)), Symbol: symbol, Chance: f.chance10(), Ways: directions(f.Retrieval)}
		if f.Candidates > 0 {
			c.Times = fmt.Sprintf("%.1f and %.1f times chance", Times(f.ImageToGenetics.R10, c.Chance), Times(f.GeneticsToImage.R10, c.Chance))
		}
		out = append(out, c)
	}
	return out
}

// verdictText says in a sentence what was learnt.
func verdictText(found []Finding) string {
	var parts []string
	for _, v := range []eval.Verdict{eval.Learnt, eval.OneWay, eval.NotAbove} {
		var names []string
		for _, f := range found {
			if f.Verdict == v && f.Name != All {
				names = append(names, f.Name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, string(v)+": "+strings.Join(names, ", "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, "; ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// A table is one row of the retrieval tables: one modality, one direction.
type table struct {
	Kind          string
	Step          int
	Modality, Way string
	eval.Direction
	Candidates    int
	Chance, Times float64
	Verdict       eval.Verdict
}

// One says R@1 with its interval, Ten R@10.
func (t table) One() string { return withInterval(t.R1, t.R1Interval) }

// Ten says R@10 with its interval.
func (t table) Ten() string { return withInterval(t.R10, t.R10Interval) }

// shownRows are the validation and the test of the same checkpoint; the last validation where nothing was tested.
func shownRows(rows []Row) []Row {
	var shown []Row
	tests, checks := Of(rows, "test"), Of(rows, "validation")
	if n := len(checks); n > 0 {
		shown = append(shown, checks[n-1])
	}
	if n := len(tests); n > 0 {
		for _, v := range checks {
			if v.Step == tests[n-1].Step {
				shown[0] = v
			}
		}
		shown = append(shown, tests[n-1])
	}
	return shown
}

// Last returns the last evaluation that a page shows: the test, or else the last validation; false where there is none.
func Last(rows []Row) (Row, bool) {
	shown := shownRows(rows)
	if len(shown) == 0 {
		return Row{}, false
	}
	return shown[len(shown)-1], true
}

// tables shows evaluations in numbers.
func tables(shown []Row) []table {
	var out []table
	for _, row := range shown {
		for _, f := range Findings(row.Retrieval) {
			for _, w := range directions(f.Retrieval) {
				out = append(out, table{row.Kind, row.Step, f.Name, w.name, w.d, f.Candidates, f.ChanceR1, Times(w.d.R1, f.ChanceR1), f.Verdict})
			}
		}
	}
	return out
}

// Times returns how many times chance a share is, 0 where there was nothing to find.
func Times(share, chance float64) float64 {
	if chance == 0 {
		return 0
	}
	return share / chance
}
