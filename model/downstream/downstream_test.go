package downstream

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model/probe"
)

func people(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%03d", i)
	}
	return out
}

// TestParts: who is in which part follows from ids and seed alone, whatever the order and number of rows; the shares are kept, and another seed deals anew.
func TestParts(t *testing.T) {
	ids, shares := people(100), []float64{0.6, 0.2, 0.2, 0}
	part := Parts(ids, 7, shares)
	count := make([]int, len(shares))
	for _, k := range part {
		count[k]++
	}
	if !slices.Equal(count, []int{60, 20, 20, 0}) {
		t.Errorf("parts of %d", count)
	}
	turned := append(slices.Clone(ids), ids[:30]...) // 30 persons have two rows
	slices.Reverse(turned)
	again, other := Parts(turned, 7, shares), Parts(ids, 8, shares)
	same := 0
	for _, id := range ids {
		if part[id] != again[id] {
			t.Errorf("%s is in part %d, and in %d of other rows", id, part[id], again[id])
		}
		if part[id] == other[id] {
			same++
		}
	}
	if same > 70 {
		t.Errorf("%d of 100 persons are in the same part by another seed", same)
	}
	// ids that follow each other are not dealt in their order
	if run := Order(ids, 7); slices.IsSorted(run[:10]) {
		t.Errorf("the order is %v", run[:10])
	}
}

// TestFractions: a smaller share of the training persons is part of a larger one, has whole persons, one at least, in the order of the rows, and is the same whatever the order of rows.
func TestFractions(t *testing.T) {
	for seed := range int64(4) {
		task := &Task{Kind: Classes}
		var rows []int
		for i := range 90 {
			task.Person = append(task.Person, fmt.Sprintf("%03d", i*7%30)) // three rows each
			if i%30 != 3 {
				rows = append(rows, i)
			}
		}
		var before []int
		for _, share := range []float64{1e-9, 0.1, 0.25, 0.5, 0.99, 1} {
			got := Fraction(task, rows, share, seed)
			persons := map[string]int{}
			for _, i := range got {
				persons[task.Person[i]]++
			}
			want := max(1, int(share*29+0.5)) // one of 30 persons has no row in training
			if len(persons) != want || !slices.IsSorted(got) {
				t.Errorf("seed %d: %g of 29 persons are %d, rows %v", seed, share, len(persons), got)
			}
			for _, i := range rows {
				if _, in := persons[task.Person[i]]; in != slices.Contains(got, i) {
					t.Errorf("seed %d: %g has a part of a person", seed, share)
				}
			}
			for _, i := range before {
				if !slices.Contains(got, i) {
					t.Errorf("seed %d: row %d is in a smaller share than %g alone", seed, i, share)
				}
			}
			turned := slices.Clone(rows)
			slices.Reverse(turned)
			again := Fraction(task, turned, share, seed)
			if slices.Sort(again); !slices.Equal(again, got) {
				t.Errorf("seed %d: %g: the order of rows changed who is in", seed, share)
			}
			before = got
		}
	}
}

// TestFolds: all rows of a person are in one fold, every fold has its share of each class, and of many persons one fold is left out.
func TestFolds(t *testing.T) {
	task := &Task{Kind: Classes, Names: []string{"0", "1", "2"}}
	for i := range 120 {
		task.Person = append(task.Person, fmt.Sprintf("%03d", i%60))
		task.Class = append(task.Class, i%60%3)
	}
	fold, n := deal(task, 1)
	if n != folds {
		t.Fatalf("%d folds", n)
	}
	count := map[[2]int]int{}
	for i, f := range fold {
		if fold[i%60] != f {
			t.Errorf("rows of person %s are in folds %d and %d", task.Person[i], fold[i%60], f)
		}
		count[[2]int{f, task.Class[i]}]++
	}
	for k, c := range count {
		if c != 8 {
			t.Errorf("fold %d has %d rows of class %d, want 8", k[0], c, k[1])
		}
	}
	if _, n := deal(&Task{Kind: Traits, Person: people(manyPersons)}, 1); n != 1 {
		t.Errorf("%d folds of many persons", n)
	}
}

const width = 6

// made returns features of rows and a task of each kind that follows from them, more or less.
func made(t *testing.T, name string, n, copies int, kind Kind) (*probe.Matrix, *Task) {
	t.Helper()
	d, err := probe.OpenDevice(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	x, noise := golden.Fill(name, n*width, -1, 1), golden.Fill(name+" noise", n, -1, 1)
	m := probe.NewMatrix(d, n*copies, width)
	task := &Task{Kind: kind, Names: map[Kind][]string{Classes: {"a", "b", "c"}, Ordinal: {"0", "1", "2"}, Labels: {"p", "q"}, Traits: {"v"}}[kind]}
	for i := range n {
		z := x[i*width] + noise[i]
		for range copies {
			copy(m.V[len(task.Person)*width:], x[i*width:(i+1)*width])
			task.Person = append(task.Person, fmt.Sprintf("%03d", i))
			switch kind {
			case Labels:
				task.Has, task.Known = append(task.Has, z > 0, x[i*width+1] > 0.2), append(task.Known, true, i%7 != 0)
			case Traits:
				task.Trait = append(task.Trait, z)
			default:
				task.Class = append(task.Class, min(2, max(0, int(1.5*(z+1)))))
			}
		}
	}
	return m, task
}

// TestChoiceIsOfTraining: the penalty, and what is predicted of a row, depend on training rows alone: whatever the rows to predict are, and however many.
func TestChoiceIsOfTraining(t *testing.T) {
	for _, kind := range []Kind{Classes, Ordinal, Labels, Traits} {
		x, task := made(t, "train", 90, 1, kind)
		others, _ := made(t, "others", 40, 1, kind)
		fit := func(o *probe.Matrix) *Predictions { return Fit(x, task, o, Method{Linear: true}, func(string) {}) }
		whole := fit(others)
		for i := range 20 * width { // of rows that are not looked at below
			others.V[i] *= 1e3
		}
		wild, few := fit(others), fit(others.Pick([]int{39, 21}))
		if !slices.Equal(whole.Chosen, wild.Chosen) || !slices.Equal(whole.Chosen, few.Chosen) || len(whole.Chosen) == 0 {
			t.Errorf("%s: chose %v, with other rows %v, with few %v", kind, whole.Chosen, wild.Chosen, few.Chosen)
		}
		k := len(whole.Score) / 40
		if !slices.Equal(whole.Score[20*k:], wild.Score[20*k:]) {
			t.Errorf("%s: what is predicted of a row depends on the other rows", kind)
		}
		for j := range k {
			if math.Abs(whole.Score[39*k+j]-few.Score[j]) > 1e-12 || math.Abs(whole.Score[21*k+j]-few.Score[k+j]) > 1e-12 {
				t.Errorf("%s: what is predicted of a row depends on how many there are", kind)
			}
		}
	}
}

// TestChoiceIsByPerson: two copies of every row change neither the penalty nor what is predicted: a person is never fitted on and left out at a time.
func TestChoiceIsByPerson(t *testing.T) {
	for _, kind := range []Kind{Classes, Ordinal, Labels, Traits} {
		others, _ := made(t, "others", 20, 1, kind)
		chosen := func(copies int) *Predictions {
			x, task := made(t, "train", 60, copies, kind)
			if kind == Traits { // nothing to be learnt: a fit on copies of who is left out would be taken for knowledge
				for i, v := range golden.Fill("luck", 60, -1, 1) {
					for c := range copies {
						task.Trait[i*copies+c] = v
					}
				}
			}
			return Fit(x, task, others, Method{Linear: true}, func(string) {})
		}
		one, two := chosen(1), chosen(2)
		if kind == Traits { // one row a person is left out by a formula, several in folds, so that the two need not agree
			if rows := 120.0; two.Chosen[0] < 10*rows {
				t.Errorf("traits: nothing is to be learnt, and alpha is %v", two.Chosen)
			}
			continue
		}
		if !slices.Equal(one.Chosen, two.Chosen) {
			t.Errorf("%s: chose %v, of copies %v", kind, one.Chosen, two.Chosen)
		}
		for i := range one.Score {
			if math.Abs(one.Score[i]-two.Score[i]) > 1e-6 {
				t.Errorf("%s: copies change what is predicted: %g, %g", kind, one.Score[i], two.Score[i])
				break
			}
		}
	}
}

// TestTask: what is known of a row, and what can be fitted on.
func TestTask(t *testing.T) {
	task := &Task{Kind: Labels, Names: []string{"p", "q"}, Has: []bool{true, false, false, false, true, true}, Known: []bool{true, true, false, false, true, false}, Person: people(3)}
	if task.Labelled(1) || !task.Labelled(2) || !math.IsNaN(task.Value(1, 0)) || task.Value(0, 0) != 1 || task.Value(0, 1) != 0 {
		t.Error("what is known of labels")
	}
	if why := task.Fittable([]int{0, 1, 2}); why == "" {
		t.Error("no label is both there and absent, and can be fitted")
	}
	task.Has[4] = false
	if why := task.Fittable([]int{0, 1, 2}); why != "" {
		t.Error(why)
	}
	some := task.Some([]int{2, 0})
	if !slices.Equal(some.Person, []string{"002", "000"}) || !slices.Equal(some.Has, []bool{false, true, true, false}) {
		t.Errorf("%+v", some)
	}
	traits := &Task{Kind: Traits, Names: []string{"v"}, Trait: []float64{1, math.NaN(), 2}, Person: people(3)}
	if traits.Labelled(1) || traits.Fittable([]int{0, 1, 2}) == "" {
		t.Error("two values of a trait can be fitted")
	}
	if one := (&Task{Kind: Classes, Names: []string{"a", "b"}, Class: []int{1, 1, -1}, Person: people(3)}); one.Fittable([]int{0, 1}) == "" || one.Labelled(2) {
		t.Error("one class can be fitted")
	}
}
