package eval_test

import (
	"context"
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/eval"
)

// Two persons' images point at their own genetics, the third's at the second's.
func Example() {
	const modalities, dim = 1, 2
	r := eval.NewRows(dim)
	r.AddImage(0, []float64{3, 0})
	r.AddImage(1, []float64{0, 1})
	r.AddImage(2, []float64{0, 5})
	r.SetGenetics(0, []float64{1, 0})
	r.SetGenetics(1, []float64{0.1, 1})
	r.SetGenetics(2, []float64{1, 1})

	dev, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		panic(err)
	}
	defer dev.Close()
	plan := dev.Plan().NewArena(0)
	eval.NewRanker(plan, modalities, dim).Rehearse()

	ranker := eval.NewRanker(dev.NamedArena("retrieval", plan.Peak()), modalities, dim)
	each, _, err := ranker.Rank(context.Background(), []*eval.Rows{r})
	if err != nil {
		panic(err)
	}
	d := each[0].ImageToGenetics
	fmt.Printf("R@1 %.2f, median rank %g, of %d persons\n", d.R1, d.MedianRank, each[0].Candidates)
	// Output: R@1 0.67, median rank 1, of 3 persons
}
