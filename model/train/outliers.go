package train

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// outliers counts what of an evaluation has no finite embedding: images, and persons by table.
type outliers struct {
	names   []string
	persons []map[int32]bool // of each table
	all     []map[int32]bool // persons who have it
	images  int
	rows    int
}

func newOutliers(o objective.Objective) *outliers {
	x := &outliers{}
	for _, t := range o.Tables() {
		x.names = append(x.names, t.Name)
		x.persons, x.all = append(x.persons, map[int32]bool{}), append(x.all, map[int32]bool{})
	}
	return x
}

func (x *outliers) add(b *data.Batch, s engine.Swept) {
	for j, person := range b.Person[:b.N] {
		x.rows++
		if !finiteRow(rowOf(s.Features, j, b.N)) {
			x.images++
		}
		for i := range x.names {
			if b.Present[i][j] == 0 {
				continue
			}
			x.all[i][person] = true
			if !finiteRow(rowOf(s.Tables[i], j, b.N)) {
				x.persons[i][person] = true
			}
		}
	}
}

func finiteRow(v []float64) bool {
	for _, e := range v {
		if e-e != 0 { // of infinity and NaN the difference is NaN
			return false
		}
	}
	return true
}

// few reports whether values of some persons are to blame: images have finite features, and of each table most persons have.
func (x *outliers) few() bool {
	found := false
	for i := range x.names {
		found = found || len(x.persons[i]) > 0
		if 2*len(x.persons[i]) > len(x.all[i]) {
			return false
		}
	}
	return found && x.images == 0
}

// tables returns the names of tables of which persons have no finite embedding.
func (x *outliers) tables() []string {
	var names []string
	for i, name := range x.names {
		if len(x.persons[i]) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// problem is E720 of an evaluation with this loss.
func (x *outliers) problem(loss float64) error {
	p := &data.Problem{Code: engine.CodeNotFinite, What: "the loss of an evaluation is not finite", Expected: "a finite number", Found: fmt.Sprint(loss),
		Cause: "training has diverged", Fix: "lower --lr, or clip the gradient with --clip 1, and resume"}
	var found []string
	for i, name := range x.names {
		if n := len(x.persons[i]); n > 0 {
			found = append(found, fmt.Sprintf("%s of %d of %d persons give no finite embedding", name, n, len(x.all[i])))
		}
	}
	if x.few() {
		p.What += ": " + strings.Join(found, "; ")
		p.Cause, p.Fix = "extreme values of held-out persons in that table, such as 1e38", "correct these values, or make them missing"
	} else if len(found) > 0 {
		p.Found += "\n" + strings.Join(found, "\n")
	}
	return p
}
