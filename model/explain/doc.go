// Package explain attributes the match of a person's image and genetics to features of the genetics: of the loss of a reference
// batch with that person added, its two directions, or the cosine of the pair.
//
// With the unit reference embeddings U, V [N, D] of images and genetics, S = U V^T / tau, R_i and C_j the log-sum-exps of its
// rows and columns, u, v the person's unit embeddings, a_i = U_i.v/tau, b_j = u.V_j/tau, s = u.v/tau and B = N + 1:
//
//	L(image, genetics) = [sum_i (R_i - S_ii) + softplus(a_i - R_i) + softplus(LSE(b) - s)] / B
//	L(genetics, image) = [sum_j (C_j - S_jj) + softplus(b_j - C_j) + log(1 + sum_i e^(a_i - s))] / B
//	loss               = lambda L(image, genetics) + (1 - lambda) L(genetics, image)
//
// which is exact, and O(N D) for each row. See Function, of either side that moves.
//
// Genetics attributes f to the features x of a person, against a baseline b, by Method: with h the values behind the tower's first
// layer, which is linear, W its weights and p the nodes of a path,
//
//	A_j = (x_j - b_j) sum_k weight_k df/dx_j (b + p_k (x - b)) = (x_j - b_j) [W^T sum_k weight_k df/dh (h_b + p_k (h_x - h_b))]_j
//
// so that a path costs one product with W forward and one backward, however many nodes it has. Attributions are those of f, not of
// the trait: a feature that they name is neither shown to be a cause nor to be associated.
//
//	ref, err := explain.NewReference(dev, gpu.F32, images, embeddings, dim, tau)
//	f := explain.NewFunction(ref, explain.Loss, explain.GeneticsSide, lambda)
//	_, tower := m.Towers(0)
//	g, err := explain.NewGenetics(tower, f, referenceRows, nil, explain.Defaults())
//	err = g.Run(ctx, persons, source, func(r explain.Result) error { ...; return nil })
package explain
