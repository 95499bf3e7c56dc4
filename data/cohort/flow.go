package cohort

import (
	"slices"
	"strings"

	"contig-gpu/data"
)

// flowed notes a step of joining.
func (j *join) flowed(f data.Flow) {
	if f.Removed == 0 {
		f.Why = ""
	}
	j.c.Flow = append(j.c.Flow, f)
}

// flowOfPersons counts who is in the manifest, whom the lists of data.toml keep, and who has the genetics that the join asks for.
func (j *join) flowOfPersons(what string) {
	kept := 0
	for _, in := range j.in {
		if in {
			kept++
		}
	}
	j.flowed(data.Flow{Step: "in the manifest", Remain: len(j.in)})
	if kept < len(j.in) || len(j.cfg.IDs.Keep)+len(j.cfg.IDs.Remove) > 0 {
		j.flowed(data.Flow{Step: "lists of participants", Remain: kept, Removed: len(j.in) - kept, Why: "not in a keep list, or in a remove list"})
	}
	if j.o.DataTOML != "" && !j.o.Everyone {
		j.flowed(data.Flow{Step: "joined with genetics", Remain: len(j.kept), Removed: kept - len(j.kept), Why: "without " + strings.Replace(what, "at least one", "any", 1)})
	}
}

// flowOfFeatures counts the features of a modality that fitting leaves.
func (j *join) flowOfFeatures(name string, before, after int, notes []string) {
	notes = slices.DeleteFunc(slices.Clone(notes), func(n string) bool { return !strings.Contains(n, " removed: ") && !strings.Contains(n, " dropped: ") })
	j.flowed(data.Flow{Of: name, Step: "fitted", Remain: after, Removed: before - after, Why: strings.Join(notes, " ")})
}

// features returns how many variants were read.
func (g *snps) features() int { return len(g.names) }

// features returns how many columns the table has.
func (d *dense) features() int { return len(d.wide.Names) }
