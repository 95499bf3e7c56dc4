//go:build linux && cgo

package cuda

import (
	"errors"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/driver"
)

// TestPinned has the copy stream fill memory that the main stream then reads, and the result come back.
func TestPinned(t *testing.T) {
	c, _ := open(t)
	b, err := c.Pinned(64)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Alloc(32)
	for i := range b {
		b[i] = byte(i)
	}
	c.UploadPinned(p, b[:16])
	up := c.CopyMark()
	if up.Passed() {
		t.Error("the copy was made before anybody waited")
	}
	c.MainAfter(up)
	c.Copy(p.Add(16), p, 16)
	c.DownloadPinned(b[32:48], p.Add(16))
	done := c.MainMark()
	if err := done.Wait(); err != nil {
		t.Fatal(err)
	}
	if string(b[32:48]) != string(b[:16]) || !up.Passed() || !done.Passed() {
		t.Errorf("pinned memory is %v", b)
	}
	if ms, err := done.Since(up); err != nil || ms != 1.5 {
		t.Errorf("%g ms, %v", ms, err)
	}
	up.Close()
	if next := c.MainMark(); next.(*event).h == nil || len(c.spare) != 0 {
		t.Error("the closed event was not used again")
	}
	if err := up.Wait(); err == nil {
		t.Error("a closed event can be waited for")
	}
	c.FreePinned(b)
	if err := c.Sync(); err != nil {
		t.Error(err)
	}
}

func TestPinnedRefusals(t *testing.T) {
	for what, call := range map[string]func(c *Context, p driver.Ptr, b []byte){
		"UploadPinned of 8":    func(c *Context, p driver.Ptr, b []byte) { c.UploadPinned(p, make([]byte, 8)) },
		"DownloadPinned of 8":  func(c *Context, p driver.Ptr, b []byte) { c.DownloadPinned(make([]byte, 8), p) },
		"FreePinned of memory": func(c *Context, p driver.Ptr, b []byte) { c.FreePinned(b); c.FreePinned(b) },
		"wait for an event":    func(c *Context, p driver.Ptr, b []byte) { e := c.MainMark(); e.Close(); c.CopyAfter(e) },
	} {
		c, _ := open(t)
		p, _ := c.Alloc(8)
		b, err := c.Pinned(8)
		if err != nil {
			t.Fatal(err)
		}
		call(c, p, b)
		if err := c.Sync(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: error %v", what, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCapture(t *testing.T) {
	c, _ := open(t)
	p, _ := c.Alloc(16)
	c.Set(p, 1, 4, 4)
	g, err := c.Capture(func() {
		c.Copy(p.Add(8), p, 8)
		fill32(t, c, p, 7, 1, driver.Grid{})
		c.Set(p.Add(4), 5, 4, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	if g.Nodes() != 3 {
		t.Errorf("%d nodes, want 3", g.Nodes())
	}
	if w := words(t, c, p, 4); w[0] != 1 || w[1] != 1 {
		t.Errorf("recording ran the work: %v", w)
	}
	c.Set(p, 2, 4, 4)
	g.Replay()
	if w := words(t, c, p, 4); w[0] != 7 || w[1] != 5 || w[2] != 2 || w[3] != 2 {
		t.Errorf("after the first replay %v", w)
	}
	g.Replay()
	if w := words(t, c, p, 4); w[2] != 7 || w[3] != 5 {
		t.Errorf("after the second replay %v", w)
	}
	g.Close()
	g.Replay()
	if err := c.Sync(); err == nil {
		t.Error("a closed graph was replayed")
	}
}

// TestCaptureRunsOutOfMemory: a graph that finds no memory is told from other failures, and is the only one concerned.
func TestCaptureRunsOutOfMemory(t *testing.T) {
	c, f := open(t)
	p, _ := c.Alloc(16)
	work := func() { c.Set(p, 1, 4, 4) }
	f.fail("cuGraphInstantiateWithFlags", 2, 0)
	if _, err := c.Capture(work); !errors.Is(err, driver.ErrMemory) {
		t.Errorf("error %v", err)
	}
	f.fail("cuGraphInstantiateWithFlags", 3, 0)
	if _, err := c.Capture(work); err == nil || errors.Is(err, driver.ErrMemory) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Capture(work); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestCaptureRefusals: what waits or allocates spoils the capture, and nothing else.
func TestCaptureRefusals(t *testing.T) {
	c, f := open(t)
	p, _ := c.Alloc(16)
	b, _ := c.Pinned(16)
	before := c.MainMark()
	for what, call := range map[string]func(){
		"Download":   func() { c.Download(make([]byte, 4), p) },
		"Upload":     func() { c.Upload(p, make([]byte, 4)) },
		"Sync":       func() { _ = c.Sync() },
		"cuMemFree":  func() { c.Free(p) },
		"FreeHost":   func() { c.FreePinned(b) },
		"EventQuery": func() { before.Passed() },
		"Replay's":   func() { c.Fail(&captureError{"cuda:0", "Replay's"}) },
	} {
		live := *f.live
		if _, err := c.Capture(call); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: error %v", what, err)
		}
		if err := c.Sync(); err != nil {
			t.Fatalf("%s broke the context: %v", what, err)
		}
		if *f.live != live {
			t.Errorf("%s: %d objects more", what, *f.live-live)
		}
	}
	var within driver.Event
	_, err := c.Capture(func() {
		if _, err := c.Alloc(4); err == nil {
			t.Error("memory was allocated while capturing")
		}
		if err := before.Wait(); err == nil {
			t.Error("an event was waited for while capturing")
		}
		within = c.MainMark()
	})
	if err != nil {
		t.Errorf("calls that return their errors spoilt the capture: %v", err)
	}
	if within.Wait() == nil || c.Sync() != nil {
		t.Error("an event of a graph was waited for")
	}
	f.fail("cuStreamEndCapture", 901, 0)
	_, err = c.Capture(func() { c.Set(p, 0, 4, 4) })
	wantError(t, err, 901, "cuStreamEndCapture")
	if err := c.Sync(); err != nil {
		t.Error(err)
	}
}

func TestCapturePanics(t *testing.T) {
	c, f := open(t)
	live := *f.live
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = c.Capture(func() { panic("oops") })
	}()
	if *f.live != live || c.capturing {
		t.Error("the capture did not end")
	}
	if _, err := c.Capture(func() {}); err != nil {
		t.Error(err)
	}
}
