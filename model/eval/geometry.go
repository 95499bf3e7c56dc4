package eval

import "math"

// A Geometry says how rows of unit length lie: a network that collapses gives everybody nearly the same one, whatever its loss says.
type Geometry struct {
	Persons       int     `json:"persons"`        // looked at
	Dimensions    int     `json:"dimensions"`     // of a row
	EffectiveRank float64 `json:"effective_rank"` // exp of the entropy of the covariance's eigenvalues (Roy and Vetterli, EUSIPCO 2007): 1 to Dimensions, and below Persons
	Spread        float64 `json:"spread"`         // 1 - |mean row|²: 0 where all are the same, near 1 where they lie all around
	Uniformity    float64 `json:"uniformity"`     // ln of the mean of exp(-2 |x - y|²) over pairs (Wang and Isola, ICML 2020): 0 where all are the same, -4 at best
}

// GeometryOf measures rows, which need not have unit length; zero of fewer than two.
func GeometryOf(rows [][]float64) Geometry {
	if len(rows) < 2 {
		return Geometry{Persons: len(rows)}
	}
	units := make([][]float64, len(rows))
	for i, r := range rows {
		units[i] = make([]float64, len(r))
		toUnit(units[i], r)
	}
	k := gramOf(units)
	mean, near := 0.0, 0.0
	for i := range k.n {
		for j := range k.n {
			v := k.v[i*k.n+j]
			mean += v
			if i != j {
				near += math.Exp(-2 * max(0, 2-2*v))
			}
		}
	}
	n := float64(k.n)
	return Geometry{Persons: len(rows), Dimensions: len(rows[0]), EffectiveRank: effectiveRank(covariance(units, k).eigenvalues()),
		Spread: min(1, max(0, 1-mean/(n*n))), Uniformity: math.Log(near / (n * (n - 1)))}
}

// covariance returns a matrix of the same positive eigenvalues as that of the rows' covariance, times their number: the smaller of the
// two there are.
func covariance(rows [][]float64, k gram) gram {
	dim := len(rows[0])
	if dim >= len(rows) {
		return k.centred()
	}
	columns := make([][]float64, dim)
	for j := range columns {
		columns[j] = make([]float64, len(rows))
		mean := 0.0
		for i, r := range rows {
			columns[j][i] = r[j]
			mean += r[j] / float64(len(rows))
		}
		for i := range rows {
			columns[j][i] -= mean
		}
	}
	return gramOf(columns)
}

// negligible is the part of the sum of eigenvalues below which one is rounding.
const negligible = 1e-6

// effectiveRank returns exp of the entropy of eigenvalues as shares of their sum; 1 where there is nothing.
func effectiveRank(values []float64) float64 {
	sum, entropy := 0.0, 0.0
	for _, v := range values {
		sum += max(0, v)
	}
	if sum <= negligible { // of unit rows: they are all the same
		return 1
	}
	for _, v := range values {
		if p := v / sum; p > negligible {
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy)
}

// A Match says how near the rows of a person are to each other, and to those of others: means of squared distances.
type Match struct {
	Own    float64 `json:"own"`    // of an image to the genetics of the same person (alignment: Wang and Isola, ICML 2020), 0 to 4
	Others float64 `json:"others"` // to those of another person
}

// MatchOf measures rows of images and genetics of the same persons, of unit length.
func MatchOf(images, genetics [][]float64) Match {
	var m Match
	n := float64(len(images))
	for i, u := range images {
		for j, v := range genetics {
			if d := 2 - 2*dot(u, v); i == j {
				m.Own += d / n
			} else {
				m.Others += d / (n * max(1, n-1))
			}
		}
	}
	return m
}
