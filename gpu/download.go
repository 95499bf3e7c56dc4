package gpu

import (
	"fmt"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// A Download brings tensors to the host as they are at one point of the device's work, while the device goes on: what is
// queued behind may change them. One use is Queue at that point, which may be recorded, Mark once it is queued, and then
// Wait and Values. Where devices copy nothing beside their work, Values reads the tensors as they are when it is called.
type Download struct {
	dev    *Device
	over   driver.Overlap // nil where nothing is copied beside the work
	from   []Tensor
	pinned []byte
	bytes  int          // of pinned
	made   driver.Event // the copies are made
}

// NewDownload reserves page-locked memory for the tensors.
func (d *Device) NewDownload(from ...Tensor) (*Download, error) {
	l := &Download{dev: d, from: from}
	for _, t := range from {
		l.bytes += aligned(t.Bytes())
	}
	var err error
	if l.over, l.pinned, err = d.pin(l.bytes); err != nil {
		return nil, fmt.Errorf("gpu: NewDownload: %w", err)
	}
	return l, nil
}

// Queue queues the copies.
func (l *Download) Queue() {
	at := 0
	for _, t := range l.from {
		if l.dev.Async() {
			l.dev.counts("download", t)
		}
		if l.over != nil {
			l.over.DownloadPinned(l.pinned[at:at+t.Bytes()], t.at)
		}
		at += aligned(t.Bytes())
	}
}

// Mark says that the copies are queued.
func (l *Download) Mark() {
	if l.over != nil {
		l.made = l.over.MainMark()
	}
}

// Wait waits until the work up to Mark is done: all of the device's where it copies nothing beside.
func (l *Download) Wait() error {
	if l.over == nil {
		return l.dev.Sync()
	}
	if l.made == nil {
		return nil
	}
	err := l.made.Wait()
	l.made.Close()
	l.made = nil
	return err
}

// Values returns the elements of the i-th tensor.
func (l *Download) Values(i int) []float64 {
	t := l.from[i]
	v := make([]float64, t.Len())
	if l.over == nil {
		Read(v, t)
		return v
	}
	at := 0
	for _, before := range l.from[:i] {
		at += aligned(before.Bytes())
	}
	t.mem, t.at = unsafe.Pointer(unsafe.SliceData(l.pinned[at:])), 0
	decode(v, t)
	return v
}

// Close gives the page-locked memory back.
func (l *Download) Close() {
	if l.over == nil {
		return
	}
	if l.made != nil {
		l.made.Close()
	}
	l.dev.unpin(l.over, l.pinned, l.bytes)
	l.over, l.pinned, l.made = nil, nil, nil
}
