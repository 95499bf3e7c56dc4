package decoys

import (
	"context"
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/explain"
	"contig-gpu/model/nn"
)

// An Attribution is what the mean |A| of a modality is computed from.
type Attribution struct {
	Device      *gpu.Device
	DType       gpu.DType
	Tower       nn.Sequential
	Table       data.Table
	Persons     []int // explained, who have the modality
	Reference   []int // who have it too
	Dim         int
	Image       func(person int) []float32 // embedding of the person's images
	Genetics    func(person int) []float32 // embedding of the person's genetics
	Tau, Lambda float64
	Of          explain.Of
	Settings    explain.Settings // its first method counts
}

// Image and Row make it an explain.Source.
type source struct{ a *Attribution }

func (s source) Row(person int, x []float32) { s.a.Table.Row(person, x) }

func (s source) Image(person int, e []float64) { widen(e, s.a.Image(person)) }

func widen(dst []float64, src []float32) {
	for i, v := range src {
		dst[i] = float64(v)
	}
}

// MeanAbs returns the mean |A| over persons of every column.
func (a Attribution) MeanAbs(ctx context.Context) ([]float64, error) {
	if len(a.Persons) == 0 {
		return nil, fmt.Errorf("decoys: no person to explain has the modality %q", a.Table.Name())
	}
	f := a.Table.Stats().Width()
	image, genetics, rows := make([]float64, len(a.Reference)*a.Dim), make([]float64, len(a.Reference)*a.Dim), make([]float32, len(a.Reference)*f)
	for i, p := range a.Reference {
		widen(image[i*a.Dim:], a.Image(p))
		widen(genetics[i*a.Dim:], a.Genetics(p))
		a.Table.Row(p, rows[i*f:(i+1)*f])
	}
	ref, err := explain.NewReference(a.Device, a.DType, image, genetics, a.Dim, a.Tau)
	if err != nil {
		return nil, err
	}
	defer ref.Close()
	s := a.Settings
	s.Methods = s.Methods[:1]
	g, err := explain.NewGenetics(a.Tower, explain.NewFunction(ref, a.Of, explain.GeneticsSide, a.Lambda), rows, nil, s)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	mean := make([]float64, f)
	err = g.Run(ctx, a.Persons, source{&a}, func(r explain.Result) error {
		for j, v := range r.A {
			mean[j] += max(v, -v) / float64(len(a.Persons))
		}
		return nil
	})
	return mean, err
}
