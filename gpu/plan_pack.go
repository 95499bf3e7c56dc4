package gpu

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/planned"
)

// A PlanPack says what WritePlans wrote.
type PlanPack struct {
	CuDNN    string `json:"cudnn"`           // version that made the plans and alone loads them
	Problems int    `json:"problems"`        // convolutions with what is fused to them
	Missing  int    `json:"without_a_plan"`  // that cuDNN has no plan for
	Plans    int    `json:"plans"`           // several a problem, for a GPU to time
	Compiled int    `json:"compiled"`        // of these: machine code that was compiled here
	Arch     int    `json:"arch"`            // compute capability that they are for, 90 for 9.0
	SMs      int    `json:"multiprocessors"` // and number of multiprocessors
	Driver   int    `json:"driver"`          // and CUDA version of its driver, 13000 for 13.0
}

// WritePlans asks cuDNN, without a GPU, for the plans of every convolution that was planned so far on a device of PlannedGPUs, and
// writes them to w: the program loads them from files named by $CONTIG_PLAN_PACKS or in the folder plans beside itself, in milliseconds
// where making them takes a second each. made says in words what they are for. progress is told how many problems of all are done.
// It takes all processors. The error is cuDNN's, or w's.
func (d *Device) WritePlans(w io.Writer, made string, progress func(done, all int)) (*PlanPack, error) {
	t := d.described()
	if t == nil || t.Name == "" {
		return nil, errors.New("gpu: WritePlans: plans are written for the GPUs " + strings.Join(PlannedGPUs(), ", "))
	}
	description, err := dnn.Description(t.Name)
	if err != nil {
		return nil, err
	}
	problems, shape := problemsOf(t), t.Info()
	found, version, err := plansOf(description, problems, progress)
	if err != nil {
		return nil, err
	}
	p := &PlanPack{CuDNN: version, Problems: len(problems), Arch: shape.Arch, SMs: shape.Multiprocs, Driver: shape.Driver}
	pack, err := dnn.NewPackWriter(w, dnn.PackHead{Library: version, Arch: p.Arch, Multiprocs: p.SMs, Driver: p.Driver, Made: made})
	if err != nil {
		return nil, err
	}
	for i, q := range problems {
		if len(found[i]) == 0 {
			p.Missing++
			continue
		}
		p.Plans += len(found[i])
		for _, s := range found[i] {
			if s.Compiled {
				p.Compiled++
			}
		}
		if err := pack.Add(q, found[i]); err != nil {
			return nil, err
		}
	}
	return p, pack.Close()
}

// problemsOf are what a GPU asks of cuDNN for the convolutions that were planned, each once.
func problemsOf(d *planned.Described) []dnn.Problem {
	var all []dnn.Problem
	d.Asked(func(c driver.Conv, p convolution.Pass) { all = append(all, dnn.Problems(c, p)...) })
	slices.SortFunc(all, func(a, b dnn.Problem) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

// plansOf returns the plans of each problem, none where the library has none, and the library's version.
func plansOf(description []byte, problems []dnn.Problem, progress func(done, all int)) (found [][]dnn.Saved, version string, err error) {
	found = make([][]dnn.Saved, len(problems))
	next, done := make(chan int), make(chan error)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), max(1, len(problems))) {
		prober, e := dnn.NewProber(slices.Clone(description))
		if e != nil {
			err = e
			break
		}
		version = prober.Version()
		workers.Go(func() {
			defer prober.Close()
			for i := range next {
				var none *dnn.NoPlanError
				var e error
				if found[i], e = prober.Plans(problems[i], dnn.Options{}); errors.As(e, &none) {
					e = nil
				}
				done <- e
			}
		})
	}
	if err == nil {
		go func() {
			for i := range problems {
				next <- i
			}
			close(next)
		}()
		for i := range problems {
			err = errors.Join(err, <-done)
			progress(i+1, len(problems))
		}
	} else {
		close(next)
	}
	workers.Wait()
	if err != nil {
		err = fmt.Errorf("gpu: WritePlans: %w", err)
	}
	return found, version, err
}

// A ConvPlan is a convolution, with what is fused to it, and the plan of cuDNN that it is computed by.
type ConvPlan = dnn.Planned

// ConvPlans returns the plans that the device has so far, none on devices that do not compute by cuDNN 9.
func (d *Device) ConvPlans() []ConvPlan {
	if h := d.library(); h != nil {
		return h.Plans()
	}
	return nil
}

// PlanCounts says where the plans of convolutions came from.
type PlanCounts = dnn.Counts

// PlanCounts returns that of the plans since Open, nil on devices that do not compute by cuDNN 9.
func (d *Device) PlanCounts() *PlanCounts {
	if h := d.library(); h != nil {
		c := h.Counts()
		return &c
	}
	return nil
}
