//go:build linux && cgo

package cuda

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestAlloc(t *testing.T) {
	c, f := open(t)
	p, err := c.Alloc(3)
	if err != nil || p == 0 || p%256 != 0 {
		t.Fatalf("memory at %#x, %v", uint64(p), err)
	}
	if free, total := c.MemInfo(); free != 1<<30 || total != 1<<30 {
		t.Errorf("%d of %d bytes are free", free, total)
	}
	if p, err := c.Alloc(0); p != 0 || err != nil {
		t.Errorf("no memory is at %#x, %v", uint64(p), err)
	}
	before := *f.live
	c.Free(p)
	c.Free(0)
	if *f.live != before-1 {
		t.Error("Free freed nothing")
	}
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
	c.Free(p)
	if err := c.Sync(); err == nil {
		t.Error("memory was freed twice")
	}
}

func TestOutOfMemory(t *testing.T) {
	c, f := open(t)
	*f.free = 1000
	_, err := c.Alloc(123456)
	wantError(t, err, OutOfMemory, "cuMemAlloc_v2", "CUDA_ERROR_OUT_OF_MEMORY (2): out of memory", "123456 bytes", "1000 of the GPU's 1073741824")
	if _, err := c.Alloc(100); err != nil {
		t.Errorf("a smaller piece, afterwards: %v", err)
	}
	if err := c.Sync(); err != nil {
		t.Errorf("too little memory broke the context: %v", err)
	}
}

// TestUploadDownload moves more than both staging buffers hold. The source is overwritten at once, before the fake
// driver has done anything.
func TestUploadDownload(t *testing.T) {
	c, _ := open(t)
	for _, n := range []int{1, 4, stagingBytes, stagingBytes + 1, 3*stagingBytes + 12345} {
		src := make([]byte, n)
		random := rand.NewChaCha8([32]byte{byte(n)})
		_, _ = random.Read(src) // never fails
		want := bytes.Clone(src)
		p, err := c.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		c.Upload(p, src)
		clear(src)
		got := make([]byte, n)
		c.Download(got, p)
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back changed", n)
		}
		c.Free(p)
	}
	c.Upload(0, nil)
	c.Download(nil, 0)
	if err := c.Sync(); err != nil {
		t.Error(err)
	}
}

func TestSetAndCopy(t *testing.T) {
	c, _ := open(t)
	p, _ := c.Alloc(12)
	c.Set(p, 0xab, 1, 4)
	c.Set(p.Add(4), 0x1234, 2, 2)
	c.Set(p.Add(8), 0xdeadbeef, 4, 1)
	if w := words(t, c, p, 3); w[0] != 0xabababab || w[1] != 0x12341234 || w[2] != 0xdeadbeef {
		t.Errorf("memory is %x", w)
	}
	c.Copy(p, p.Add(8), 4)
	c.Copy(p, p, 0)
	c.Set(p, 0, 4, 0)
	if w := words(t, c, p, 1); w[0] != 0xdeadbeef {
		t.Errorf("memory is %x", w)
	}
	c.Set(p, 0, 3, 1)
	wantError(t, c.Sync(), 1, "cuMemsetD24Async")
}
