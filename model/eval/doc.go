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
// have changed their order, by a bound that the device states (gpu.Device.ProductError), is computed again. What that
// costs depends on how many are so close: next to nothing as a rule, and as much as comparing all pairs in
// float64 where a model gives everybody the same embedding.
package eval
