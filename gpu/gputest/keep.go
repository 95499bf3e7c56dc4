package gputest

import (
	"io"
	"strings"
	"sync"
	"testing"

	"contig-gpu/gpu"
)

// A keeper holds GPUs open between tests, each of which opens its own: what takes a GPU's driver long is the first of a process to open one and the
// last to close it. A test that fails may leave a GPU that refuses all that follows, so behind one all are closed, and the next test has them anew.
type keeper struct {
	open func(spec string) (io.Closer, error)

	mu   sync.Mutex
	held map[string]chan<- chan struct{} // by what was opened: takes who waits for the end
}

// keepGPUs is that of real ones.
var keepGPUs = keeper{open: func(spec string) (io.Closer, error) { return gpu.Open(spec, gpu.Options{Portable: true}) }}

// keep holds a GPU open from now on, beyond the test. What cannot be opened is not held: the test's own Open says why.
func (k *keeper) keep(t testing.TB, spec string) {
	if !strings.HasPrefix(spec, "cuda") {
		return
	}
	t.Cleanup(func() {
		if t.Failed() {
			k.drop()
		}
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[spec] != nil {
		return
	}
	opened, end := make(chan error), make(chan chan struct{})
	go func() { // a GPU is closed by the goroutine that opened it
		d, err := k.open(spec)
		if opened <- err; err != nil {
			return
		}
		ended := <-end
		_ = d.Close() // of a GPU that is broken it fails
		close(ended)
	}()
	if <-opened == nil {
		if k.held == nil {
			k.held = map[string]chan<- chan struct{}{}
		}
		k.held[spec] = end
	}
}

// drop closes all.
func (k *keeper) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, end := range k.held {
		ended := make(chan struct{})
		end <- ended
		<-ended
	}
	k.held = nil
}
