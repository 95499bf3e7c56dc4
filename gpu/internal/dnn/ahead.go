//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
)

// Plans that are compiled at run time take a second of one core each. Those that a Problem's candidates need are compiled on several cores at
// once, as the library writes them, each by a goroutine that shares nothing with another: it has a description of the GPU and a graph of its own,
// and no handle. What they wrote is then loaded where it would have been compiled, in the library's order, so that which plans there are, and
// which is chosen, depends on no goroutine.

// workers is how many cores compile.
func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// aheadKey tells configurations of one graph apart.
func aheadKey(c Choice) string { return fmt.Sprint(c.Engine, c.Knobs) }

// compileAhead writes the plans of those candidates that will be compiled, by aheadKey. It leaves out what cannot be compiled: whoever
// makes such a plan is told why. Candidates is what acceptable looks at.
func (c *chooser) compileAhead(g *graph, p Problem, candidates []desc) map[string]string {
	all := c.toCompile(g, p, candidates)
	if len(all) < 2 || c.workers() < 2 || c.describe == nil || c.alone {
		return nil
	}
	about, err := c.describe()
	if err != nil {
		return nil // the library is older than such descriptions
	}
	texts, next := make([]string, len(all)), make(chan int, len(all))
	for i := range all {
		next <- i
	}
	close(next)
	var working sync.WaitGroup
	for range min(c.workers(), len(all)) {
		working.Go(func() {
			for i := range next {
				texts[i] = written(p, all[i], about)
			}
		})
	}
	working.Wait()
	ahead := map[string]string{}
	for i, a := range all {
		if texts[i] != "" {
			ahead[aheadKey(a)] = texts[i]
		}
	}
	return ahead
}

// toCompile returns the choices among candidates that accept compiles if all goes well.
func (c *chooser) toCompile(g *graph, p Problem, candidates []desc) (all []Choice) {
	seen, others := map[string]bool{}, 0
	for _, config := range candidates {
		choice, err := g.examine(config)
		if err != nil || unwanted(p, choice.Notes, c.Options) != "" || seen[aheadKey(choice)] {
			continue
		}
		seen[aheadKey(choice)] = true
		switch {
		case !choice.Compiled:
			others++
		case len(all) < maxCompiled:
			all = append(all, choice)
		}
		if len(all)+others == c.candidates() {
			break
		}
	}
	return all
}

// written makes a plan for a GPU that is described and returns it as the library writes it; "": it cannot.
func written(p Problem, c Choice, about []byte) string {
	var s scope
	defer s.close()
	t := target{gpu: describedGPU(&s, about)}
	if s.err != nil {
		return ""
	}
	g, err := p.build(t)
	if err != nil {
		return ""
	}
	defer g.close()
	q, err := g.finalize(t, g.config(t, c), c)
	if err != nil {
		return ""
	}
	return q.text()
}

// describedGPU is the library's descriptor of a GPU that its own JSON describes.
func describedGPU(s *scope, about []byte) desc {
	return s.make("the description of a GPU", C.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, text(C.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, append(about[:len(about):len(about)], 0)))
}

// finalized makes a plan of a configuration, of what was compiled ahead where that is there and is what it should be.
func (c *chooser) finalized(g *graph, p Problem, config desc, choice Choice, ahead map[string]string) (*plan, error) {
	written, ok := ahead[aheadKey(choice)]
	if !ok || !choice.Compiled {
		return g.finalize(c.target, config, choice)
	}
	q, err := loaded(c.target, choice, written)
	if err != nil {
		c.alone = true // a library that refuses its own words is asked for none again
		return g.finalize(c.target, config, choice)
	}
	g.made, q.graph = append(g.made, q.ready), g // as if it had been made here
	return q, nil
}
