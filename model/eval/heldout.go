package eval

import (
	"cmp"
	"math"
	"slices"
)

// A Heldout is what an evaluation leaves for a report beside its metrics. It has no ids, and nothing in it stands in the order of the
// participants.
type Heldout struct {
	Step     int                 `json:"step"`
	Recall   map[string]Recall   `json:"recall,omitempty"`   // by modality, and of all together by the key that metrics have
	Encoder  Geometry            `json:"encoder"`            // of the image encoder's features
	Images   map[string]Geometry `json:"images,omitempty"`   // of the images as projected for a modality
	Genetics map[string]Geometry `json:"genetics,omitempty"` // of the genetics
	Match    map[string]Match    `json:"match,omitempty"`    // of the two
	Queries  []Query             `json:"queries,omitempty"`  // by all together
	Map      Map                 `json:"map"`
}

// A Map has a dot for each of some participants: their features of the image encoder on the two directions in which these differ most.
type Map struct {
	Share        [2]float64 `json:"share"` // of the variance, by axis
	X            []float64  `json:"x"`     // in units of the largest coordinate; dots ascend by X, then Y
	Y            []float64  `json:"y"`
	Splits       []string   `json:"splits"` // names
	Split        []int      `json:"split"`  // by dot: index into Splits
	Combinations [][]string `json:"combinations,omitempty"`
	Combination  []int      `json:"combination,omitempty"` // by dot: index into Combinations, the modalities that the participant has; -1: one that few have

	Persons []int `json:"-"` // by dot
}

// A Dot is a participant of a Map to be drawn.
type Dot struct {
	Person   int
	Split    string
	Has      []string  // modalities
	Features []float64 // of the image encoder
}

// FewPersons is how many participants a combination of modalities has at least to be told from others: fewer could be recognised.
const FewPersons = 5

// NewMap returns the map of participants. Those whose features are not finite are left out.
func NewMap(dots []Dot) Map {
	dots = slices.DeleteFunc(slices.Clone(dots), func(d Dot) bool {
		return slices.ContainsFunc(d.Features, func(v float64) bool { return v-v != 0 })
	})
	rows := make([][]float64, len(dots))
	for i, d := range dots {
		rows[i] = d.Features
	}
	p := Project(rows)
	m, order := Map{Share: p.Share}, make([]int, len(dots))
	for i := range order {
		order[i] = i
	}
	scale(p.X, p.Y)
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.X[a], p.X[b]), cmp.Compare(p.Y[a], p.Y[b]))
	})
	m.combine(dots)
	for _, i := range order {
		m.X, m.Y, m.Persons = append(m.X, p.X[i]), append(m.Y, p.Y[i]), append(m.Persons, dots[i].Person)
		split := slices.Index(m.Splits, dots[i].Split)
		if split < 0 {
			split, m.Splits = len(m.Splits), append(m.Splits, dots[i].Split)
		}
		m.Split = append(m.Split, split)
		m.Combination = append(m.Combination, slices.IndexFunc(m.Combinations, func(names []string) bool { return slices.Equal(names, dots[i].Has) }))
	}
	return m
}

// scale divides coordinates by the largest of both axes, so that distances stay true, and rounds them to what can be seen.
func scale(axes ...[]float64) {
	most := 0.0
	for _, axis := range axes {
		for _, v := range axis {
			most = max(most, math.Abs(v))
		}
	}
	for _, axis := range axes {
		for i := range axis {
			axis[i] = math.Round(axis[i]/max(most, math.SmallestNonzeroFloat64)*1e3)/1e3 + 0 // + 0: no negative zero
		}
	}
}

// combine names the combinations of modalities that are not of few, the most frequent first.
func (m *Map) combine(dots []Dot) {
	var counts []int
	for _, d := range dots {
		k := slices.IndexFunc(m.Combinations, func(names []string) bool { return slices.Equal(names, d.Has) })
		if k < 0 {
			k, m.Combinations, counts = len(counts), append(m.Combinations, slices.Clone(d.Has)), append(counts, 0)
		}
		counts[k]++
	}
	order := make([]int, 0, len(counts))
	for k, n := range counts {
		if n >= FewPersons {
			order = append(order, k)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(counts[b]-counts[a], slices.Compare(m.Combinations[a], m.Combinations[b]))
	})
	var named [][]string
	for _, k := range order {
		named = append(named, m.Combinations[k])
	}
	m.Combinations = named
}

// Round shortens what is shown in three digits, so that the file of a long evaluation stays small.
func (r Recall) Round() Recall {
	for _, way := range [][]float64{r.ToGenetics, r.ToImage} {
		for i, v := range way {
			way[i] = math.Round(v*1e5) / 1e5
		}
	}
	return r
}
