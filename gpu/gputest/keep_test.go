package gputest

import (
	"errors"
	"io"
	"slices"
	"testing"
)

type closes func()

func (f closes) Close() error { f(); return nil }

// A failing is a test that fails, or does not, whose clean-up is done by end.
type failing struct {
	testing.TB
	failed bool
	end    []func()
}

func (f *failing) Failed() bool     { return f.failed }
func (f *failing) Cleanup(g func()) { f.end = append(f.end, g) }

// TestKeeper: a GPU is opened once for tests that pass, and anew behind one that fails; what is no GPU, or cannot be opened, is not held.
func TestKeeper(t *testing.T) {
	var log []string
	k := &keeper{open: func(spec string) (io.Closer, error) {
		if spec == "cuda:9" {
			return nil, errors.New("no such device")
		}
		log = append(log, "open "+spec)
		return closes(func() { log = append(log, "close "+spec) }), nil
	}}
	run := func(spec string, failed bool) {
		test := &failing{TB: t, failed: failed}
		k.keep(test, spec)
		for _, f := range test.end {
			f()
		}
	}
	run("cpu", true)
	run("cuda:9", false)
	run("cuda:0", false)
	run("cuda:0", true)
	run("cuda:0", false)
	k.drop()
	if want := []string{"open cuda:0", "close cuda:0", "open cuda:0", "close cuda:0"}; !slices.Equal(log, want) {
		t.Errorf("%q, want %q", log, want)
	}
}
