package train

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/model/checkpoint"
)

// A candidate is a file that a run may be resumed from.
type candidate struct {
	path string
	step int // what its head says; -1 where that cannot be read
}

// candidates returns the checkpoints of a run folder, those of most steps first and last.safetensors before others of as many.
// Only the heads of the files are read.
func candidates(dir string) []candidate {
	paths, _ := filepath.Glob(filepath.Join(data.Literal(filepath.Join(dir, checkpointDir)), "*.safetensors"))
	var all []candidate
	for _, p := range paths {
		c := candidate{p, -1}
		if h, err := readHead(p); err == nil {
			c.step = h.state.Step
		}
		all = append(all, c)
	}
	isLast := func(c candidate) int {
		if filepath.Base(c.path) == lastName {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.step, a.step), cmp.Compare(isLast(b), isLast(a)))
	})
	return all
}

// readHead reads settings and state of a checkpoint, and none of its tensors. That the rest is whole it does not say.
func readHead(path string) (*saved, error) {
	c, err := checkpoint.ReadHeader(path)
	if err != nil {
		return nil, err
	}
	return savedOf(c)
}

// A Standing says where the run of a folder stands.
type Standing struct {
	Config Config // that its newest checkpoint was written with; what is not kept in checkpoints has its default
	Step   int    // done

	perEpoch int // steps; 0: not known
	ended    bool
}

// StandingOf reads where the run in dir stands from the newest checkpoint whose head can be read; nil: there is none.
func StandingOf(dir string) *Standing {
	for _, c := range candidates(dir) {
		h, err := readHead(c.path)
		if err != nil {
			continue
		}
		s := &Standing{Config: h.config, Step: h.state.Step, perEpoch: h.state.PerEpoch, ended: !h.state.Pending && filepath.Base(c.path) == lastName}
		if at := h.state; s.perEpoch == 0 && at.Epoch > 0 {
			s.perEpoch = (at.Step - at.EpochStep) / at.Epoch // of a version that did not keep it
		}
		return s
	}
	return nil
}

// Finished reports whether a training by c has no step left to do, with the steps it has in all.
func (s *Standing) Finished(c Config) (total int, done bool) {
	if s == nil || !s.ended || s.perEpoch == 0 && (c.MaxSteps == 0 || s.Step < c.MaxSteps) {
		return 0, false
	}
	if s.perEpoch == 0 {
		return s.Step, true
	}
	total = c.steps(s.perEpoch)
	return total, s.Step >= total
}

// shortly says in a few words what is wrong with a checkpoint.
func shortly(err error) string {
	var p *data.Problem
	if errors.As(err, &p) {
		return fmt.Sprintf("E%d, %s", p.Code, p.What)
	}
	return err.Error()
}
