package main

import (
	"testing"

	"contig-gpu/cmd/internal/config"
)

// TestDeterministic: a training is so unless it is asked not to be.
func TestDeterministic(t *testing.T) {
	for _, c := range []struct {
		given config.Values
		want  bool
	}{{nil, true}, {config.Values{"deterministic": false}, false}} {
		cfg, err := trainConfig(config.Resolve(trainSettings(), nil, c.given))
		if err != nil || cfg.Deterministic != c.want {
			t.Errorf("%v given: deterministic %v, %v", c.given, cfg.Deterministic, err)
		}
	}
}
