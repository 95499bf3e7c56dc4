// Package eval judges a model by cross-modal retrieval among persons: given the images of one, find their
// genetics among everybody's, and the reverse.
//
//	r := eval.NewRows(dim)            // for each modality
//	r.AddImage(person, embedding)     // once per image, unit length not needed
//	r.SetGenetics(person, embedding)
//	ranker := eval.NewRanker(arena, 1, dim)
//	each, all, err := ranker.Rank(ctx, []*eval.Rows{r})
//
// Ties are neither luck nor a trap: ranks and recalls are those expected when ties are broken at random. A similarity that is
// NaN ties with all others.
//
// # How it is computed
//
// Persons are compared block by block: one product of float32 on the device gives all similarities of a block of
// images to a block of genetics in one modality. Counted by rows it ranks genetics for an image, by columns images for
// genetics, and the products' sum does so by all modalities. Memory beside the rows depends on the block only.
//
// The results are those of float64, on every device: a float32 similarity that is so close to the own row's that rounding may
// have changed their order, by a bound that the device states (gpu.Device.ProductError), is computed again. A similarity is
// the product of two unit rows, summed in four strands: elements 0, 4, 8 and so on make the first, 1, 5, 9 the second, what is beyond a
// multiple of four is added to the first; then (first + second) + (third + fourth). Rows of the same elements so have the same
// similarities, to the last bit. By all modalities it is the mean over those in common, summed in their order.
//
// What is computed again depends on the model: a few pairs as a rule, and all where it gives everybody nearly the same
// embedding. So a block in which more than one pair in eight is open is computed in float64 as a whole, once for all metrics and both directions, and
// once only for persons whose rows are alike. Whatever the model, that is at most two float64 products of each pair and modality on top of what is
// usual, and one where all modalities are open. On two cores a model that gives everybody nearly the same embedding took about seven times as
// long as usual, and one that gives exactly the same about twice (go test -bench Retrieve).
package eval
