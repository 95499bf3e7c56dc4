//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"bytes"
	"fmt"
	"iter"
)

// A plan runs a Problem. It owns the graph that it was made of.
type plan struct {
	*graph
	Choice
	problem Problem
	roles   []role // of the tensors in memory
	ready   desc
}

// The library's heuristics.
const (
	modeA        = int32(C.CUDNN_HEUR_MODE_A)
	modeFallback = int32(C.CUDNN_HEUR_MODE_FALLBACK)
)

// proposals are the configurations of engines that the library proposes, the most promising first: those of its
// heuristic, then those that it falls back on, which it is asked for only when the others are used up.
func (g *graph) proposals(t target, why *NoPlanError) iter.Seq[desc] {
	return func(yield func(desc) bool) {
		for _, mode := range []int32{modeA, modeFallback} {
			for _, config := range g.proposed(t, mode, why) {
				if !yield(config) {
					return
				}
			}
		}
	}
}

// proposed are the proposals of one of the library's heuristics.
func (g *graph) proposed(t target, mode int32, why *NoPlanError) []desc {
	h := g.make("the heuristic", C.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, descs(C.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, g.whole),
		enum(C.CUDNN_ATTR_ENGINEHEUR_MODE, C.CUDNN_TYPE_HEUR_MODE, mode), t.attribute(none, C.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP))
	all := g.inner(h, C.CUDNN_ATTR_ENGINEHEUR_RESULTS, C.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
		g.count(h, C.CUDNN_ATTR_ENGINEHEUR_RESULTS, C.CUDNN_TYPE_BACKEND_DESCRIPTOR))
	if err := g.take(); err != nil {
		why.because(err.Error())
	}
	return all
}

// examine reads what a configuration consists of.
func (g *graph) examine(config desc) (Choice, error) {
	const limit = 64 // more than there are kinds of knobs or notes
	var c Choice
	for _, engine := range g.inner(config, C.CUDNN_ATTR_ENGINECFG_ENGINE, C.CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1) {
		c.Engine = g.integer(engine, C.CUDNN_ATTR_ENGINE_GLOBAL_INDEX)
		for _, n := range get(&g.scope, engine, C.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, C.CUDNN_TYPE_NUMERICAL_NOTE, make([]int32, limit)) {
			c.Notes = append(c.Notes, int(n))
		}
		for _, n := range get(&g.scope, engine, C.CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, C.CUDNN_TYPE_BEHAVIOR_NOTE, make([]int32, limit)) {
			c.Compiled = c.Compiled || n == C.CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION
		}
	}
	for _, k := range g.inner(config, C.CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, C.CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, limit) {
		for _, kind := range get(&g.scope, k, C.CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, C.CUDNN_TYPE_KNOB_TYPE, make([]int32, 1)) {
			c.Knobs = append(c.Knobs, Knob{int(kind), int64(g.integer(k, C.CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE))})
		}
	}
	return c, g.take()
}

// config makes the configuration that a choice describes.
func (g *graph) config(t target, c Choice) desc {
	engine := g.make(fmt.Sprintf("engine %d", c.Engine), C.CUDNN_BACKEND_ENGINE_DESCRIPTOR, descs(C.CUDNN_ATTR_ENGINE_OPERATION_GRAPH, g.whole),
		ints(C.CUDNN_ATTR_ENGINE_GLOBAL_INDEX, int64(c.Engine)), t.attribute(none, C.CUDNN_ATTR_ENGINE_DEVICEPROP))
	a := []attribute{descs(C.CUDNN_ATTR_ENGINECFG_ENGINE, engine)}
	var knobs []desc
	for _, k := range c.Knobs {
		knobs = append(knobs, g.make(fmt.Sprintf("knob %d of engine %d", k.Type, c.Engine), C.CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR,
			enum(C.CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, C.CUDNN_TYPE_KNOB_TYPE, int32(k.Type)), ints(C.CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, k.Value)))
	}
	if len(knobs) > 0 {
		a = append(a, descs(C.CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knobs...))
	}
	return g.make(fmt.Sprintf("engine %d with its knobs", c.Engine), C.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, a...)
}

// finalize makes a configuration ready to run. Engines that are compiled at run time are compiled here.
func (g *graph) finalize(t target, config desc, c Choice) (*plan, error) {
	before := len(g.made)
	p := &plan{graph: g, Choice: c}
	p.ready = g.make(fmt.Sprintf("a plan of engine %d", c.Engine), C.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
		descs(C.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config), t.attribute(C.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, C.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP))
	p.Workspace = g.integer(p.ready, C.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)
	if err := g.take(); err != nil {
		for len(g.made) > before {
			g.drop(g.made[len(g.made)-1])
		}
		return nil, err
	}
	return p, nil
}

// is says what a plan is for.
func (q *plan) is(p Problem) { q.problem, q.roles = p, p.tensors() }

// text is a plan as the library writes it, "" where it cannot.
func (q *plan) text() string {
	n := q.count(q.ready, C.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, C.CUDNN_TYPE_CHAR)
	b := get(&q.scope, q.ready, C.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, C.CUDNN_TYPE_CHAR, make([]byte, n))
	if q.take() != nil {
		return ""
	}
	return string(bytes.TrimRight(b, "\x00"))
}

// load makes a plan of what the library wrote, which refuses what another version or another kind of GPU wrote. It is held to the
// same rules as a proposal, by the notes that were saved with it.
func (c *chooser) load(p Problem, s Saved) (*plan, error) {
	if s.Plan == "" {
		return nil, fmt.Errorf("cuDNN: the plan of %s was not written", p)
	}
	q, err := loaded(c.target, s.Choice, s.Plan)
	if err != nil {
		return nil, err
	}
	workspace := q.Workspace
	q.Workspace = s.Workspace
	if err := q.honest(p, workspace, s.Notes, c.Options); err != nil {
		q.close()
		return nil, err
	}
	q.is(p)
	return q, nil
}

// loaded makes a plan of what the library wrote. It owns a graph of no operations.
func loaded(t target, c Choice, written string) (*plan, error) {
	q := &plan{graph: &graph{}, Choice: c}
	q.ready = q.make("a plan that was kept", C.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
		t.attribute(C.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, C.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP),
		text(C.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, []byte(written+"\x00")))
	q.Workspace = q.integer(q.ready, C.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)
	if err := q.take(); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

// rebuild makes the plan of a choice made before, by engine and knobs, and holds it to the same rules as a proposal.
func (c *chooser) rebuild(p Problem, s Choice) (*plan, error) {
	g, err := p.build(c.target)
	if err != nil {
		return nil, err
	}
	config := g.config(c.target, s)
	now, err := g.examine(config)
	now.Milliseconds, now.Timed = s.Milliseconds, s.Timed
	var q *plan
	if err == nil {
		q, err = g.finalize(c.target, config, now)
	}
	if err == nil {
		err = q.honest(p, s.Workspace, now.Notes, c.Options)
	}
	if err != nil {
		g.close()
		return nil, err
	}
	c.counts.make(now)
	q.is(p)
	return q, nil
}

// honest tells whether a plan is what it was when it was kept, and may be used now.
func (q *plan) honest(p Problem, workspace int, notes []int, o Options) error {
	if q.Workspace == workspace && unwanted(p, notes, o) == "" {
		return nil
	}
	return fmt.Errorf("cuDNN: engine %d for %s is not what it was", q.Engine, p)
}
