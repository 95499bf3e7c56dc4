// Package rank makes tables of all persons from attributions of one person after the other: means, intervals, groups, and how
// far methods or references agree.
//
// Results do not depend on the order or size of the chunks that rows arrive in, to the last bit: what is added up is first split
// into parts that are multiples of fixed powers of two, and sums of these are exact in float64 whatever their order. The weights
// of the bootstrap are a hash of seed, replicate and person.
package rank
