//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
)

// A Prober makes plans for a GPU that is described and not there. Nothing can be run with it.
type Prober struct {
	api   *API
	gpu   scope
	desc  desc
	about []byte // the description
}

// minProber is the first version of the library that plans for a GPU that is only described.
const minProber = 90800

// NewProber plans for the GPU that the library's own JSON describes, see GPUs. It wants version 9.8 or later.
func NewProber(gpu []byte) (*Prober, error) {
	api, err := Load()
	if err != nil {
		return nil, err
	}
	if api.version < minProber {
		return nil, fmt.Errorf("cuDNN: %s is version %s; 9.8.0 is the first that plans without a GPU", api.Path(), api.Version())
	}
	p := &Prober{api: api, about: gpu}
	p.desc = describedGPU(&p.gpu, gpu)
	if p.gpu.err != nil {
		p.gpu.close()
		return nil, p.gpu.err
	}
	return p, nil
}

// Version returns the library's version.
func (p *Prober) Version() string { return p.api.Version() }

func (p *Prober) chooser(o Options) *chooser {
	return &chooser{api: p.api, target: target{gpu: p.desc}, Options: o, describe: func() ([]byte, error) { return p.about, nil }}
}

// Plan returns the plan that a Problem gets without timing.
func (p *Prober) Plan(q Problem, o Options) (Choice, error) {
	made, err := p.chooser(o).choose(q)
	if err != nil {
		return Choice{}, err
	}
	made.close()
	return made.Choice, nil
}

// Plans returns the plans that a GPU would time for a Problem, as the library writes them: what a Pack holds. Those that the library
// cannot write, of which there is none known, are left out.
func (p *Prober) Plans(q Problem, o Options) ([]Saved, error) {
	c := p.chooser(o)
	c.several = true
	why := &NoPlanError{Problem: q, Library: "cuDNN " + p.Version()}
	plans, err := c.ask(q, why)
	if err != nil {
		return nil, err
	}
	var all []Saved
	for _, m := range plans {
		if t := m.text(); t != "" {
			all = append(all, Saved{m.Choice, t})
		}
	}
	plans[0].close() // they are of one graph
	return all, nil
}

// Load makes a plan of a Saved one alone, as a Handle does with what a Pack holds.
func (p *Prober) Load(q Problem, s Saved, o Options) error {
	made, err := p.chooser(o).load(q, s)
	if err == nil {
		made.close()
	}
	return err
}

// Propose returns the first configuration that the library proposes for a Problem and that we accept, without making the
// plan: engines that are compiled at run time are not compiled. Plan may find another, if this one does not compile.
func (p *Prober) Propose(q Problem, o Options) (Choice, error) {
	t := target{gpu: p.desc}
	g, err := q.build(t)
	if err != nil {
		return Choice{}, err
	}
	defer g.close()
	why := &NoPlanError{Problem: q, Library: "cuDNN " + p.Version()}
	for config := range g.proposals(t, why) {
		c, err := g.examine(config)
		c.Workspace = g.integer(config, C.CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE)
		err = errors.Join(err, g.take())
		switch reason := unwanted(q, c.Notes, o); {
		case err != nil:
			why.because(err.Error())
		case reason != "":
			why.because(fmt.Sprintf("engine %d was left out: %s", c.Engine, reason))
		case c.Workspace > o.maxWorkspace():
			why.because(fmt.Sprintf("engine %d wants %d bytes of workspace", c.Engine, c.Workspace))
		default:
			return c, nil
		}
	}
	return Choice{}, why
}

// Rebuild makes a plan from a Choice alone, as a Handle does with what its cache holds.
func (p *Prober) Rebuild(q Problem, c Choice, o Options) error {
	made, err := p.chooser(o).rebuild(q, c)
	if err == nil {
		made.close()
	}
	return err
}

// Close gives everything back. It may be called again.
func (p *Prober) Close() { p.gpu.close() }
