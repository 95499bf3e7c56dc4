package cohort

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
)

// OpenAligned joins files as a checkpoint takes them. o.Stats are the checkpoint's statistics; modalities are its
// modalities, by name, in its order. Tables of the cohort are those and no others:
//
//   - features are those of the statistics, in their order, found in the files by name; one that is not there is E701;
//   - genotypes are counted by the allele that training counted, whichever is A1 in the files; other alleles are E701;
//   - values are standardised and imputed by the statistics, not by those of this cohort;
//   - a modality that data.toml does not name is absent for everybody; that it names none of them is E701;
//   - what the checkpoint does not know is left out, with a note.
//
// Whatever is wrong with files or checkpoint is a *data.Problem.
func OpenAligned(o Options, modalities []string) (*data.Cohort, error) {
	for _, name := range modalities {
		if err := checkStats(o.Stats[name]); err != nil {
			return nil, &data.Problem{Code: 701, What: fmt.Sprintf("the checkpoint's statistics of the modality %q are of no use", name), Err: err,
				Expected: "names, centre, scale and fill of every feature", Cause: "a checkpoint that was edited", Fix: "take another copy of the checkpoint"}
		}
	}
	c, err := Open(o)
	if err != nil {
		return nil, err
	}
	c.Tables, err = align(c.Tables, modalities, o)
	return c, err
}

func checkStats(st *data.Stats) error {
	if st == nil {
		return fmt.Errorf("there are none")
	}
	n := len(st.Names)
	for _, field := range [][]float64{st.Center, st.Scale, st.Fill} {
		if len(field) != n {
			return fmt.Errorf("%d features, %d values", n, len(field))
		}
	}
	return nil
}

// align returns a table for each modality, in their order.
func align(tables []data.Table, modalities []string, o Options) ([]data.Table, error) {
	out := make([]data.Table, len(modalities))
	found := 0
	for i, name := range modalities {
		out[i] = absentTable{name, o.Stats[name]}
		if k := slices.IndexFunc(tables, func(t data.Table) bool { return t.Name() == name }); k >= 0 {
			out[i] = tables[k]
			found++
		}
	}
	if found == 0 && o.DataTOML != "" {
		return nil, &data.Problem{Code: 701, File: o.DataTOML, What: "none of the sections is a modality of the checkpoint", Expected: strings.Join(modalities, ", "),
			Found: "other names", Cause: "sections renamed since training", Fix: "name the sections of " + filepath.Base(o.DataTOML) + " as in training"}
	}
	return out, nil
}

// An absentTable is a modality that nobody has.
type absentTable struct {
	name  string
	stats *data.Stats
}

// Name returns the modality.
func (t absentTable) Name() string { return t.name }

// Stats returns those of the checkpoint; they must not be changed.
func (t absentTable) Stats() *data.Stats { return t.stats }

// Row writes zeros.
func (t absentTable) Row(_ int, dst []float32) bool {
	clear(dst)
	return false
}

// Has returns false.
func (t absentTable) Has(int) bool { return false }
