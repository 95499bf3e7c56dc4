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

// flowOfLists counts who is in the manifest, and whom the lists of data.toml keep.
func (j *join) flowOfLists() {
	all, kept := len(j.in), 0
	for _, in := range j.in {
		if in {
			kept++
		}
	}
	j.flowed(data.Flow{Step: "in the manifest", Remain: all})
	if len(j.cfg.IDs.Keep)+len(j.cfg.IDs.Remove) > 0 {
		j.flowed(data.Flow{Step: "lists of participants", Remain: kept, Removed: all - kept, Why: "not in a keep list, or in a remove list"})
	}
}

// flowOfGenetics counts who has the genetics that the join asks for.
func (j *join) flowOfGenetics(what string) {
	if j.o.DataTOML == "" || j.o.Everyone {
		return
	}
	before := j.c.Flow[len(j.c.Flow)-1].Remain
	j.flowed(data.Flow{Step: "joined with genetics", Remain: len(j.kept), Removed: before - len(j.kept), Why: "without " + strings.TrimPrefix(what, "at least ")})
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
