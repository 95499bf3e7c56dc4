package checkpoint

// swapConv copies a convolution's weights between [K, A, B] and [K, B, A], where A and B are groups of
// dimensions: ours is [K, R*S, C], PyTorch's [K, C, R*S].
func swapConv[E any](src []E, k, a, b int) []E {
	dst := make([]E, len(src))
	for n := range k {
		from, to := src[n*a*b:(n+1)*a*b], dst[n*a*b:(n+1)*a*b]
		for i := range a {
			for j := range b {
				to[j*a+i] = from[i*b+j]
			}
		}
	}
	return dst
}

// torchDims returns PyTorch's shape of a tensor of ours: [K, R, S, C] becomes [K, C, R, S].
func torchDims(d []int) []int {
	if len(d) != 4 {
		return append([]int{}, d...)
	}
	return []int{d[0], d[3], d[1], d[2]}
}

// toTorch returns v, of our shape d, in PyTorch's order.
func toTorch[E any](v []E, d []int) []E {
	if len(d) != 4 {
		return v
	}
	return swapConv(v, d[0], d[1]*d[2], d[3])
}

// fromTorch returns v in our order, d being our shape.
func fromTorch[E any](v []E, d []int) []E {
	if len(d) != 4 {
		return v
	}
	return swapConv(v, d[0], d[3], d[1]*d[2])
}
