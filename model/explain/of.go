package explain

import (
	"fmt"
	"strings"

	"contig-gpu/gpu"
)

// Of says which function is explained.
type Of uint8

const (
	Loss            Of = iota // lambda L(image, genetics) + (1 - lambda) L(genetics, image): positive makes the match worse
	ImageToGenetics           // L(image, genetics), in which images look for their genetics
	GeneticsToImage           // L(genetics, image)
	Similarity                // the cosine of the person's own image and genetics: positive brings them together
)

// Names returns the names of all functions, in the order of their constants.
func Names() []string {
	return []string{"loss", "image-to-genetics", "genetics-to-image", "similarity"}
}

func (o Of) String() string { return Names()[o] }

// ParseOf returns the function of that name.
func ParseOf(name string) (Of, error) {
	for i, n := range Names() {
		if n == name {
			return Of(i), nil
		}
	}
	return 0, fmt.Errorf("explain: %q is explained by nobody: want %s", name, strings.Join(Names(), ", "))
}

// A Side is one of the two that are compared.
type Side uint8

const (
	GeneticsSide Side = iota
	ImageSide
)

// other returns the side that is not s.
func (s Side) other() Side { return 1 - s }

// spec returns the weights of f where side moves, for temperature tau: the direction in which the moving side is asked is that
// of the other side's anchors.
func (o Of) spec(side Side, tau, lambda float64) gpu.InfoNCEPairSpec {
	var image, genetics float64 // weights of the directions by whose anchors they are
	switch o {
	case Loss:
		image, genetics = lambda, 1-lambda
	case ImageToGenetics:
		image = 1
	case GeneticsToImage:
		genetics = 1
	case Similarity:
		return gpu.InfoNCEPairSpec{Own: tau}
	}
	if side == GeneticsSide {
		return gpu.InfoNCEPairSpec{Asked: image, Asks: genetics}
	}
	return gpu.InfoNCEPairSpec{Asked: genetics, Asks: image}
}
