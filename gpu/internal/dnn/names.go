package dnn

import (
	"regexp"
	"slices"
	"strings"
)

// A Planned is a Problem and the plan that a Handle has for it.
type Planned struct {
	Problem string `json:"problem"`
	Choice
	Kernels []string `json:"kernels,omitempty"` // names of those that were compiled at run time: they tell for which GPUs they were written
}

var kernelName = regexp.MustCompile(`"kernelName"\s*:\s*"([^"]+)"`)

// kernelNames returns the names of the kernels in a plan's text.
func kernelNames(text string) (names []string) {
	for _, m := range kernelName.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func sortPlanned(all []Planned) {
	slices.SortFunc(all, func(a, b Planned) int { return strings.Compare(a.Problem, b.Problem) })
}
