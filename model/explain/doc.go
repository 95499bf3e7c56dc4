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
package explain
