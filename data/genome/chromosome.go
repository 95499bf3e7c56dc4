package genome

import (
	"slices"
	"strings"
)

// Chromosome returns a chromosome's name without the prefix chr and as the human chromosomes are written: 1 to 22, X, Y, MT.
// plink's numbers 23 to 26 are X, Y, XY and MT. What is none of them stays as it is, less the prefix.
func Chromosome(name string) string {
	n, bare := name, name
	if len(n) > 3 && strings.EqualFold(n[:3], "chr") {
		n, bare = n[3:], n[3:]
	}
	n = strings.ToUpper(n)
	if cut := strings.TrimLeft(n, "0"); cut != "" {
		n = cut
	}
	switch n {
	case "23":
		return "X"
	case "24":
		return "Y"
	case "25":
		return "XY"
	case "26", "M":
		return "MT"
	}
	if Order(n) == len(chromosomes()) && n != "XY" { // a name of its own, whose letters may mean something
		return bare
	}
	return n
}

// Order returns a number that sorts chromosomes as they are numbered, others behind them.
func Order(chromosome string) int {
	if i := slices.Index(chromosomes(), chromosome); i >= 0 {
		return i
	}
	return len(chromosomes())
}

// chromosomes are those that have a length, in their order.
func chromosomes() []string {
	return []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "X", "Y", "MT"}
}
