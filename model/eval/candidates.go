package eval

import (
	"math"
	"math/rand/v2"
	"slices"
)

// CandidateSet is how many persons are told apart in a set of CandidateLoss: as many as a usual batch has.
const CandidateSet = 64

// A SetLoss is the contrastive loss over sets of the same size whatever the training's batch, which can so be compared between
// trainings.
type SetLoss struct {
	Loss       float64 `json:"loss"`
	Candidates int     `json:"candidates"` // of each set; 0: fewer than two persons have the modality, and there is no loss
	Chance     float64 `json:"chance"`     // ln Candidates: the loss of a model that tells nobody apart
}

// CandidateLoss returns the mean over sets of CandidateSet persons, or all where there are fewer: of InfoNCE at temperature tau,
// lambda of it from image to genetics and the rest back, each person by the mean of the images. The sets are the same for the same
// number of persons; the last is filled up with persons of the first.
func CandidateLoss(r *Rows, tau, lambda float64) SetLoss {
	persons := r.complete()
	if len(persons) < 2 {
		return SetLoss{}
	}
	slices.Sort(persons)
	rand.New(rand.NewPCG(CandidateSet, 0)).Shuffle(len(persons), func(i, j int) { persons[i], persons[j] = persons[j], persons[i] })
	size := min(CandidateSet, len(persons))
	sets := (len(persons) + size - 1) / size
	losses := make([]float64, sets)
	parallel(0, sets, func(k int) {
		var set []int
		for i := range size {
			set = append(set, persons[(k*size+i)%len(persons)])
		}
		losses[k] = r.setLoss(set, tau, lambda)
	})
	sum := 0.0
	for _, l := range losses {
		sum += l
	}
	return SetLoss{sum / float64(sets), size, math.Log(float64(size))}
}

// setLoss is the loss of one set.
func (r *Rows) setLoss(set []int, tau, lambda float64) float64 {
	n := len(set)
	logits := make([]float64, n*n)
	for i, p := range set {
		image := r.Image(p)
		for j, q := range set {
			logits[i*n+j] = dot(image, r.Genetics(q)) / tau
		}
	}
	row, sum := make([]float64, n), 0.0
	for i := range n {
		copy(row, logits[i*n:(i+1)*n])
		sum += lambda * (logSumExp(row) - logits[i*n+i])
		for j := range n {
			row[j] = logits[j*n+i]
		}
		sum += (1 - lambda) * (logSumExp(row) - logits[i*n+i])
	}
	return sum / float64(n)
}

func logSumExp(x []float64) float64 {
	most, sum := slices.Max(x), 0.0
	for _, v := range x {
		sum += math.Exp(v - most)
	}
	return most + math.Log(sum)
}
